"""The digest of a rule changes exactly if the code that its script executes changes."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handgrad.common.code_digests import closure, digested_rules, parse

ROOT = Path(__file__).parents[2]
DIGESTS = """
import json
from handgrad.common.code_digests import code_digest, digested_rules
print(json.dumps({rule: code_digest(rule) for rule in digested_rules()}))
"""
# A fork for each rule starts without project modules, while pandas and similar packages are loaded only once.
LOADED = """
import json, os, sys
import docutils.core, h5py, jinja2, matplotlib.backends.backend_svg, pandas, scipy.stats, sklearn.datasets
for rule in sys.argv[1:]:
    if os.fork() == 0:
        __import__(rule)
        print(json.dumps([rule, [*sys.modules]]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files that digests cover, with a separate cache."""
    to = tmp_path_factory.mktemp("project")
    for part in ("scripts", "workflow"):
        shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def python(project: Path, code: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(project / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=project, env=environment, text=True, check=True, stdout=subprocess.PIPE).stdout


def digests(project: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(python(project, DIGESTS))
    return found


@pytest.fixture(scope="module")
def planned(project: Path) -> dict[str, str]:
    return digests(project)


@pytest.fixture(scope="module")
def loaded(project: Path) -> dict[str, set[str]]:
    """Return the project modules that the script of each rule loads in a new interpreter."""
    lines = python(project, LOADED, *digested_rules()).splitlines()
    modules = set(file_of_module(project))
    return {rule: modules.intersection(names) for rule, names in map(json.loads, lines)}


def file_of_module(project: Path) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(project / "scripts").with_suffix("").parts).removesuffix(".__init__"): path
        for path in (project / "scripts").rglob("*.py")
    }


@pytest.fixture
def edit(project: Path) -> Iterator[Callable[[Path, str], None]]:
    """Return a function that overwrites a file. The file is restored after the test."""
    kept = {}

    def write(path: Path, text: str) -> None:
        kept[path] = path.read_text()
        path.write_text(text)

    yield write
    for path, text in kept.items():
        path.write_text(text)


@pytest.mark.slow
def test_a_digest_covers_what_a_fresh_interpreter_loads(loaded: dict[str, set[str]]) -> None:
    assert len(loaded) > 15
    assert {rule: set(closure(rule)) for rule in loaded} == loaded


# --- changes that keep every digest ---


class Docstrings(ast.NodeTransformer):
    """Replaces all docstrings."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant("Another docstring."))
        return self.generic_visit(node)


MESSAGE = re.compile(r"""(raise \w+\(|logger\.(?:info|warning)\()(f?["'])""")
CHANGES: dict[str, Callable[[str], str]] = {
    "comment": lambda text: f"# a comment\n{text}\n\n\n# another\n",
    "formatting": lambda text: ast.unparse(ast.parse(text)),
    "docstring": lambda text: ast.unparse(Docstrings().visit(ast.parse(text))),
    "message": lambda text: MESSAGE.sub(r"\1\2reworded ", ast.unparse(ast.parse(text))),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_nothing_depends_on_changes_no_digest(
    project: Path, planned: dict[str, str], edit: Callable[[Path, str], None], change: Callable[[str], str]
) -> None:
    paths = [file_of_module(project)[module] for module in closure("train_run")]
    before = [path.read_text() for path in paths]
    for path, text in zip(paths, before, strict=True):
        edit(path, change(text))
    assert [path.read_text() for path in paths] != before
    assert digests(project) == planned


# --- changes that change a digest ---


def with_another_operator(text: str) -> str:
    """Return the text of a module with one operator changed."""
    tree = ast.parse(text)
    operation = next(node for node in ast.walk(tree) if isinstance(node, ast.BinOp))
    operation.op = ast.BitXor()
    return ast.unparse(tree)


@pytest.mark.parametrize(
    "module",
    [
        "network.model",
        "network.activations",
        "training.loop",
        "training.batch",
        "storage.checkpoint",
        "gradient_check.numeric_gradients",
        "formats.dataset_reader",
        "tables.selection",
        "plots.heat_maps",
        "page.content",
    ],
)
def test_an_operator_changes_the_digests_of_the_rules_that_load_it(
    project: Path,
    planned: dict[str, str],
    loaded: dict[str, set[str]],
    edit: Callable[[Path, str], None],
    module: str,
) -> None:
    path = file_of_module(project)[f"handgrad.{module}"]
    edit(path, with_another_operator(path.read_text()))
    now = digests(project)
    changed = {rule for rule in planned if now[rule] != planned[rule]}
    assert changed == {rule for rule, modules in loaded.items() if f"handgrad.{module}" in modules}
    assert changed


@pytest.mark.parametrize("asset", ["workflow/report/results.rst", "scripts/handgrad/page/assets/page.css"])
def test_an_asset_changes_the_digest_of_the_page_alone(
    project: Path, planned: dict[str, str], edit: Callable[[Path, str], None], asset: str
) -> None:
    edit(project / asset, (project / asset).read_text() + "\n\n")
    now = digests(project)
    assert {rule for rule in planned if now[rule] != planned[rule]} == {"render_summary"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 2"),
        ("x = 'a'", "x = 'b'"),
        ("def f(x, y=1): return x", "def f(x, *, y=1): return x"),
        ("a = b, c", "a = [b, c]"),
        ("def f(x): return x", "@g\ndef f(x): return x"),
        ("if a: b()", "while a: b()"),
        ("f('a', b=1)", "f('a', c=1)"),
        ("raise E(a)", "raise E(b)"),
    ],
)
def test_other_code_is_another_tree(before: str, after: str) -> None:
    assert parse(before.encode()).tree != parse(after.encode()).tree


# --- one digest on all versions of Python ---

SAMPLE = '''
@dataclass
class A(B):
    """Docs."""
    x: int = 1

    def f(self, *args, key=u"a", **rest):
        return f"{self.x!r:>{key}}" + "b" if args else None

async def g() -> None:
    with a as b, c:
        return lambda x: x
'''


def newer(tree: ast.Module) -> ast.Module:
    """Return the tree as Python 3.12 and 3.13 parse it: with type_params, and without the kind of constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node._fields = (*(name for name in type(node)._fields if name != "type_params"), "type_params")
            node.type_params = []  # type: ignore[union-attr, attr-defined, unused-ignore]
        if isinstance(node, ast.Constant) and hasattr(node, "kind"):
            node.kind = None
        if isinstance(node, ast.Module):
            node.type_ignores = []
    return tree


def test_a_tree_of_a_newer_python_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, here = parse(SAMPLE.encode()), ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: newer(here(text)))
    assert parse(SAMPLE.encode()) == expected
