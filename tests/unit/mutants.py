"""Mutants of the code that training executes. Fixed operators on the syntax tree introduce one small fault each.

sign             changes the sign of a number or a term
operator         replaces an arithmetic operator or a NumPy function
dropped term     removes an operand, or a statement that changes an array or a number
index            changes a number in an index or a slice by one
constant         changes any other number by one
dtype            replaces a dtype
axis             replaces an axis, or removes a transpose, a new axis or kept dimensions
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
from typing import Any, NamedTuple

import handgrad

LIBRARY = Path(handgrad.__file__).parent

#: functions and methods to mutate, by module; None mutates the whole module
TARGETS = {
    "network.activations": None,
    "network.model": {"forward", "logsumexp", "softmax", "data_term", "penalty", "objective", "gradients"},
    "training.batch": None,
    "training.momentum": None,
    "training.loop": {"batches_of", "scheduled", "ascend", "train_epoch", "materialize", "end_epoch"},
}
#: modules that no mutant changes; they are loaded once
KEPT = ("common.errors", "common.atomic", "common.randomness", "datasets.data", "experiment.runs")
#: names in statements and arguments that do not affect an update: measured time, initial weights, weights of the check
UNSEEN = {"perf_counter", "seconds", "spread", "bias", "periodic", "kinks"}

OPERATORS: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add, ast.Mult],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
}
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
    "float64": "float32",
    "float32": "float64",
    "uint8": "int8",
}


@dataclass(frozen=True)
class Mutant:
    """The syntax tree of a module with one fault.

    - place: function or class that contains the fault.
    - before, after: the changed line.
    """

    module: str
    place: str
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.module}.{self.place}: {self.before} -> {self.after}"


def _path(module: str) -> Path:
    return LIBRARY / f"{module.replace('.', '/')}.py"


def all_mutants() -> list[Mutant]:
    """Return all mutants of all targets, in the order of the source."""
    return [mutant for module in TARGETS for mutant in mutants(module)]


def mutants(module: str) -> Iterator[Mutant]:
    """Yield all mutants of a module."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    for site in _sites(tree, "", TARGETS[module] is None, TARGETS[module] or set()):
        for new in _faults(site.node, site.in_index):
            mutated = _replaced(tree, site.node, new)
            before = ast.unparse(ast.Module([site.statement], []))
            after = ast.unparse(_replaced(site.statement, site.node, new))
            if before != after:
                yield Mutant(module, site.place, *_line(before, after), mutated)


def _line(before: str, after: str) -> tuple[str, str]:
    """Return the first line that differs, before and after."""
    lines = zip(before.splitlines(), [*after.splitlines(), "pass"], strict=False)
    return next((a.strip(), b.strip()) for a, b in lines if a != b)


class _Site(NamedTuple):
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
    """Yield all nodes that can be mutated, with the statement that contains them."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place, inside = node.name, inside or node.name in targets
    if isinstance(node, ast.stmt):
        statement = node
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.keyword) and UNSEEN & _names(node):
        return
    if inside and statement is not None:
        yield _Site(node, statement, place, index)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or getattr(node, "arg", None) == "axis":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _sites(child, place, inside, targets, statement, index or name == "slice")


def _names(node: ast.AST) -> set[str]:
    """Return the name of a keyword, or the names of all variables and attributes in a node."""
    if isinstance(node, ast.keyword):
        return {str(node.arg)}
    return {getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(node)}


def _replaced(tree: ast.AST, old: ast.AST, new: ast.AST) -> Any:
    """Return a copy of a tree in which ``new`` replaces the node ``old``."""

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is marked else self.generic_visit(node)

    twin = copy.deepcopy(tree)
    marked = next(copied for copied, node in zip(ast.walk(twin), ast.walk(tree), strict=True) if node is old)
    return ast.fix_missing_locations(Swap().visit(twin))


def _faults(node: ast.AST, in_index: bool) -> Iterator[ast.AST]:
    """Yield the faulty nodes that can replace a node."""
    match node:
        case ast.AST(ctx=ast.Store()):
            return
        case ast.BinOp(left, operator, right):
            for other in OPERATORS.get(type(operator), []):
                yield ast.BinOp(left, other(), right)
            yield from (left, right)
        case ast.AugAssign(target, operator, value):
            yield ast.Pass()
            for other in OPERATORS.get(type(operator), []):
                yield ast.AugAssign(target, other(), value)
        case ast.Assign(targets=[ast.Subscript(), *_]) | ast.Expr(ast.Call()):
            yield ast.Pass()
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.keyword("axis", ast.Constant(value)):
            yield ast.keyword("axis", ast.Constant(1 - value))
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
            if value and not in_index:
                yield ast.Constant(-value)
        case ast.Attribute(value, "T"):
            yield value
        case ast.Attribute(value, "dtype"):
            yield from (_expression("np.dtype('float32')"), _expression("np.dtype('float64')"))
        case ast.Attribute(ast.Name("np" | "math") | ast.Attribute() as value, name) if name in FUNCTIONS:
            yield ast.Attribute(value, FUNCTIONS[name], node.ctx)
        case ast.Name("dtype", ast.Load()):
            yield from (_expression("np.dtype('float16')"), _expression("np.dtype('float32')"))
        case ast.Subscript(value, ast.Tuple(parts)) if any(ast.unparse(part) == "None" for part in parts):
            yield value
            yield ast.Subscript(value, ast.Tuple(parts[::-1], ast.Load()), node.ctx)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def edited(module: str, old: str, new: str) -> ast.Module:
    """Return the tree of a module in which ``new`` replaces the first ``old``. The source must contain ``old``."""
    source = _path(module).read_text(encoding="utf-8")
    assert old in source, f"{_path(module)}: {old!r} not found"
    return ast.parse(source.replace(old, new, 1))


@contextmanager
def in_place(module: str, tree: ast.AST) -> Iterator[None]:
    """Let imports of the library use ``tree`` for a module. On exit, restore the modules imported before."""
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
