"""Digests of code: a rule runs again if the code that its script executes has changed.

Snakemake does not detect changes of the modules that a script imports. Therefore each rule has a digest as a param. The
digest covers the script and all project modules that it imports, directly or indirectly. It covers the syntax tree of
each module without comments, formatting, docstrings, type-checking imports and message texts (string literals in
``raise`` statements and logger calls). A module lists the files that it reads in the constant ``ASSETS``, as patterns
relative to the project folder. The digest covers the content of these files.

Only imports at module level are detected.
"""

import ast
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256

SCRIPTS = Path(__file__).parents[2]
PROJECT = SCRIPTS.parent
#: relative to the working directory; without a cache, parsing all modules takes half a second
CACHE = Path(".snakemake/handgrad/code_digests.json")

_LOGGER_METHODS = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log"})
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IGNORED_FIELDS = frozenset({"ctx", "type_comment", "kind"})


class ModuleCode(NamedTuple):
    """The parts of a Python file that a digest covers.

    tree: the digest of its syntax tree. imports: the dotted names that it may import. assets: the patterns
    in its constant ASSETS.
    """

    tree: str
    imports: list[str]
    assets: list[str]


@functools.cache
def code_digest(rule: str) -> str:
    """Return the digest of the code that the script of a rule executes, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for module, source in sorted(closure(rule).items()):
        digest.update(f"{module} {source.tree}\n".encode())
        for asset in (file for pattern in source.assets for file in sorted(PROJECT.glob(pattern))):
            digest.update(f"{asset.name} {file_sha256(asset)}\n".encode())
    return digest.hexdigest()[:16]


def digested_rules() -> list[str]:
    """Return the rules that have a digest: all rules with a script except download_file, which verifies checksums."""
    return sorted({path.stem for path in SCRIPTS.glob("*.py")} - {"download_file"})


def require_code(rule: str, expected: str) -> None:
    """Raise HandgradError if the code of a rule has changed since its job was planned."""
    found = code_digest(rule)
    if found != expected:
        raise HandgradError(
            f"scripts: the code of {rule} changed while this job waited (digest {found}, planned with {expected}); "
            "run snakemake again"
        )


def closure(rule: str) -> dict[str, ModuleCode]:
    """Return the code of the script of a rule and of all project modules that it imports, by dotted name."""
    found: dict[str, ModuleCode] = {}
    known = len(_cache())
    waiting = [rule]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = _source(module)
            waiting += _imported(module)
    if len(_cache()) > known:
        with suppress(OSError), whole_file(CACHE) as part:  # the cache only saves time
            part.write_text(json.dumps(_cache()), encoding="utf-8")
    return found


@functools.cache
def _imported(module: str) -> list[str]:
    """Return the project modules that a module imports directly, with their parent packages.

    The last part of an imported name may be a function or class, not a module.
    """
    names = (name.split(".") for name in _source(module).imports)
    prefixes = (".".join(parts[: i + 1]) for parts in names for i in range(len(parts)))
    return [prefix for prefix in dict.fromkeys(prefixes) if prefix in _modules()]


@functools.cache
def _source(module: str) -> ModuleCode:
    content = _modules()[module].read_bytes()
    key = hashlib.sha256(_this_module() + content).hexdigest()
    if key not in _cache():
        _cache()[key] = parse(content)
    return ModuleCode(*_cache()[key])


@functools.cache
def _this_module() -> bytes:
    """Return the digest of this file. It is a part of the cache keys, since a change here can change all digests."""
    return hashlib.sha256(Path(__file__).read_bytes()).digest()


@functools.cache
def _cache() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(CACHE.read_text(encoding="utf-8")))
    return {}


@functools.cache
def _modules() -> dict[str, Path]:
    """Return the path of every module of the project by its dotted name. A package has the path of its __init__.py."""
    found = {}
    for folder, _, names in os.walk(SCRIPTS):  # every job does this; Path.rglob takes four times as long
        package = folder[len(str(SCRIPTS)) + 1 :].replace(os.sep, ".")
        for stem in (name.removesuffix(".py") for name in names if name.endswith(".py")):
            module = f"{package}.{stem}".strip(".").removesuffix(".__init__")
            found[module] = Path(folder, f"{stem}.py")
    return found


def parse(content: bytes) -> ModuleCode:
    """Return the code of a Python file. The result is the same on every supported version of Python."""
    module = ast.parse(content)
    text: list[str] = []
    _write(module, text.append, message=False)
    return ModuleCode(
        tree=hashlib.sha256("".join(text).encode()).hexdigest(),
        imports=sorted(set(_imports(module.body))),
        assets=[pattern for node in module.body for pattern in _asset_patterns(node)],
    )


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If | ast.Try | ast.With) and not _is_type_checking(statement):
            yield from _imports([child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)])


def _is_type_checking(node: object) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _asset_patterns(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["ASSETS"]:
        return list(ast.literal_eval(node.value))
    return []


def _write(node: Any, write: Any, *, message: bool) -> None:
    """Write a syntax tree as text, without the parts that cannot affect a result.

    ``ast.dump`` is not used, because its text differs between versions of Python: newer ones add fields.
    """
    if isinstance(node, list):
        for item in node:
            if not _is_type_checking(item):
                _write(item, write, message=message)
                write(",")
    elif not isinstance(node, ast.AST):
        write(repr(node))
    elif message and (isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str)):
        write("text")
    else:
        message = message or isinstance(node, ast.Raise) or _is_logger_call(node)
        write(type(node).__name__)
        write("(")
        for name in node._fields:
            value: Any = getattr(node, name, None)
            if name == "body" and _has_docstring(node):
                value = value[1:]
            if value is not None and value != [] and name not in _IGNORED_FIELDS:
                write(name)
                write("=")
                _write(value, write, message=message)
        write(")")


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None


def _is_logger_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _LOGGER_METHODS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id.endswith("logger")
    )
