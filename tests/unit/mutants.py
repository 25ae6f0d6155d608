"""Mutants of what training executes: one small fault each, by fixed operators on the syntax tree.

sign             a number or a term of the other sign
operator         another arithmetic operator, or another function of NumPy
dropped term     one operand alone; a statement that changes an array or a number left out
index            a number in an index or a slice, off by one
constant         any other number, off by one
dtype            another dtype
axis             another axis; a transpose, a new axis or kept dimensions left out
"""

import ast
import copy
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import handgrad

LIBRARY = Path(handgrad.__file__).parent

#: what is mutated, by module: functions and methods, or all of it
TARGETS = {
    "network.activations": None,
    "network.model": {"forward", "logsumexp", "softmax", "data_term", "penalty", "objective", "gradients"},
    "training.batch": None,
    "training.momentum": None,
    "training.loop": {"batches_of", "scheduled", "ascend", "train_epoch", "materialize", "end_epoch"},
}
#: modules that no mutant changes: loaded once
KEPT = ("common.errors", "common.atomic", "common.randomness", "datasets.data", "experiment.runs")
#: names in statements and arguments that no update depends on: measured time, and the first weights' spread
UNSEEN = {"perf_counter", "seconds", "spread", "bias", "periodic"}

OPERATORS: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Mult],
    ast.Sub: [ast.Mult],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
}
SIGNS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
FUNCTIONS = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "maximum": "minimum",
    "minimum": "maximum",
    "exp": "expm1",
    "log1p": "log",
    "log": "log1p",
    "cos": "sin",
    "sin": "cos",
    "tanh": "sin",
    "sqrt": "square",
    "abs": "negative",
    "negative": "abs",
    "zeros_like": "ones_like",
    "ones": "zeros",
    "ceil": "floor",
}
DTYPES = {"float64": "float32", "float32": "float64", "uint8": "int8"}


@dataclass(frozen=True)
class Mutant:
    """A module's tree with one fault; place: the function that has it."""

    module: str
    place: str
    operator: str
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.module}.{self.place}, {self.operator}: {self.before} -> {self.after}"


def _path(module: str) -> Path:
    return LIBRARY / f"{module.replace('.', '/')}.py"


def all_mutants() -> list[Mutant]:
    """Every mutant of every target, in the order of the text."""
    return [mutant for module in TARGETS for mutant in mutants(module)]


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    for site in _sites(tree, "", TARGETS[module] is None, TARGETS[module] or set()):
        for operator, new in _faults(site.node, site.in_index):
            holder = ast.Module([copy.deepcopy(site.statement)], [])
            mutated = _replaced(tree, site.node, new)
            before, after = ast.unparse(holder), ast.unparse(_replaced(site.statement, site.node, new))
            if before != after:
                yield Mutant(module, site.place, operator, *_line(before, after), mutated)


def _line(before: str, after: str) -> tuple[str, str]:
    """The first line that differs, before and after."""
    lines = zip(before.splitlines(), [*after.splitlines(), "pass"], strict=False)
    return next((a.strip(), b.strip()) for a, b in lines if a != b)


@dataclass(frozen=True)
class _Site:
    node: ast.AST
    statement: ast.stmt
    place: str
    in_index: bool


def _sites(
    node: ast.AST,
    place: str,
    inside: bool,
    targets: set[str],
    statement: ast.stmt | None = None,
    index: bool = False,
) -> Iterator[_Site]:
    """Nodes that may be mutated, with the statement that they are part of."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place, inside = node.name, inside or node.name in targets
    if isinstance(node, ast.stmt):
        statement = node
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.keyword) and UNSEEN & set(_words(node)):
        return
    if inside and statement is not None:
        yield _Site(node, statement, place, index)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and getattr(node, "arg", None) != "axis":
                within = index or name == "slice"
                yield from _sites(child, place, inside, targets, statement, within)


def _words(node: ast.AST) -> Iterator[str]:
    """Names in a node: of keywords, variables and attributes."""
    if isinstance(node, ast.keyword):
        yield str(node.arg)
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _replaced(tree: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """A copy of a tree in which one node is another."""

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is marked else self.generic_visit(node)

    nodes = list(ast.walk(tree))
    twin = copy.deepcopy(tree)
    marked = list(ast.walk(twin))[next(i for i, node in enumerate(nodes) if node is old)]
    return ast.fix_missing_locations(Swap().visit(twin))


def _faults(node: ast.AST, in_index: bool) -> Iterator[tuple[str, ast.AST]]:
    """The faults that one node may have: the operator, and the node that takes its place."""
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.AugAssign):
        yield "dropped term", ast.Pass()
        for other in [SIGNS[type(node.op)]] if type(node.op) in SIGNS else []:
            yield "sign", ast.AugAssign(node.target, other(), node.value)
        for other in OPERATORS[type(node.op)]:
            yield "operator", ast.AugAssign(node.target, other(), node.value)
    elif _changes_an_array(node):
        yield "dropped term", ast.Pass()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node.operand
    elif isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        yield "axis", ast.keyword("axis", ast.Constant(1 - node.value.value))
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node, in_index)
    elif isinstance(node, ast.Attribute):
        yield from _of_attribute(node)
    elif isinstance(node, ast.Name) and node.id == "dtype" and isinstance(node.ctx, ast.Load):
        yield "dtype", ast.parse("np.dtype('float16')", mode="eval").body
        yield "dtype", ast.parse("np.dtype('float32')", mode="eval").body
    elif isinstance(node, ast.Subscript):
        yield from _of_new_axis(node)


def _changes_an_array(node: ast.AST) -> bool:
    """Whether a statement is a call without a result, or writes into an array."""
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Subscript)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _of_operation(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    if type(node.op) in SIGNS:
        yield "sign", ast.BinOp(node.left, SIGNS[type(node.op)](), node.right)
    for other in OPERATORS.get(type(node.op), []):
        yield "operator", ast.BinOp(node.left, other(), node.right)
    yield "dropped term", node.left
    yield "dropped term", node.right


def _of_constant(node: ast.Constant, in_index: bool) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield "axis", ast.Constant(not value)
    elif isinstance(value, int | float):
        kind = "index" if in_index else "constant"
        yield kind, ast.Constant(value + 1)
        yield kind, ast.Constant(value - 1)
        if value and not in_index:
            yield "sign", ast.Constant(-value)


def _of_attribute(node: ast.Attribute) -> Iterator[tuple[str, ast.AST]]:
    if node.attr == "T":
        yield "axis", node.value
    of_numpy = isinstance(node.value, ast.Name) and node.value.id in ("np", "math")
    of_ufunc = isinstance(node.value, ast.Attribute)
    if node.attr in DTYPES and of_numpy:
        yield "dtype", ast.Attribute(node.value, DTYPES[node.attr], node.ctx)
    elif node.attr in FUNCTIONS and (of_numpy or of_ufunc):
        yield "operator", ast.Attribute(node.value, FUNCTIONS[node.attr], node.ctx)
    elif node.attr == "dtype":
        yield "dtype", ast.parse("np.dtype('float32')", mode="eval").body
        yield "dtype", ast.parse("np.dtype('float64')", mode="eval").body


def _of_new_axis(node: ast.Subscript) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.slice, ast.Tuple) and any(
        isinstance(part, ast.Constant) and part.value is None for part in node.slice.elts
    ):
        yield "axis", node.value
        reversed_ = ast.Tuple(node.slice.elts[::-1], ast.Load())
        yield "axis", ast.Subscript(node.value, reversed_, node.ctx)


def edited(module: str, old: str, new: str) -> ast.Module:
    """The tree of a module in which a piece of text, which must be there, is another."""
    source = _path(module).read_text(encoding="utf-8")
    assert old in source, f"{old!r} is not in {_path(module)}"
    return ast.parse(source.replace(old, new, 1))


@contextmanager
def in_place(module: str, tree: ast.AST) -> Iterator[None]:
    """Let imports of the library meet another form of a module; modules imported before are set aside."""
    name = f"handgrad.{module}"
    for kept in KEPT:
        importlib.import_module(f"handgrad.{kept}")
    aside = {key: sys.modules.pop(key) for key in list(sys.modules) if key.startswith("handgrad.")}
    sys.modules.update({f"handgrad.{kept}": aside[f"handgrad.{kept}"] for kept in KEPT})
    made = ModuleType(name)
    sys.modules[name] = made
    try:
        exec(compile(tree, f"{module} (mutant)", "exec"), made.__dict__)  # noqa: S102
        yield
    finally:
        for key in [key for key in sys.modules if key.startswith("handgrad.")]:
            del sys.modules[key]
        sys.modules.update(aside)
        for key, value in aside.items():
            package, _, name = key.rpartition(".")
            setattr(sys.modules[package], name, value)
