"""YAML as people mean it: a reader that refuses what YAML 1.1 silently takes for something else.

Snakemake's own reader takes 0100 for 64, 1:30 for 90, ``no`` for false, and the last of two equal keys. This
one names each of them with its line. It also limits depth and size, so that no file takes it long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import Composer, ComposerError
from yaml.constructor import SafeConstructor
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

MAX_DEPTH = 50
MAX_VALUES = 300_000  # with aliases followed; more runs than are allowed fit in

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)", re.ASCII)

Path = tuple[str, ...]


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a file, as one line, and the keys under which it is found.

    again: whether it is a key that is given again.
    """

    keys: Path
    line: str
    again: bool = False


class Refused(ComposerError):
    """Valid YAML that no config needs: too deep, too large, or an alias inside its own anchor."""


class _Composer(Composer):
    """Makes nodes, and knows how many values each holds once aliases are followed."""

    peek_event: Any  # the parser's
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        mark: Any = event.start_mark
        node: Any
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if not hasattr(node, "size"):  # it is still being made
                raise Refused(None, None, f"the alias *{event.anchor} repeats itself", mark)
            return node
        if self._depth == MAX_DEPTH:
            raise Refused(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        node.size = 1 + sum(part.size for part in _parts(node))
        if node.size > MAX_VALUES:
            found = f"more than {MAX_VALUES:,} values, counting those that aliases repeat"
            raise Refused(None, None, found, mark)
        return node


class _PlainLoader(_Composer, Reader, Scanner, Parser, SafeConstructor, Resolver):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml, which is several times faster
    _FastLoader: Any = _PlainLoader
else:

    class _CLoader(_Composer, CParser, SafeConstructor, Resolver):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    _FastLoader = _CLoader


def read_yaml(text: str) -> tuple[Any, list[Mistake]]:
    """Return what a YAML text holds, and what in it means something else than it seems to.

    Raises yaml.YAMLError, with a mark where there is one, or ValueError if the text is not YAML.
    """
    try:
        return _read(_FastLoader(text))
    except Refused:
        raise
    except yaml.YAMLError:
        return _read(_PlainLoader(text))  # whose messages say more


def _read(loader: Any) -> tuple[Any, list[Mistake]]:
    root = loader.get_single_node()
    if root is None:
        return None, []
    mistakes = list(_mistakes(root, (), loader, set()))
    return (None if mistakes else loader.construct_document(root)), mistakes


def _parts(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _mistakes(node: Any, keys: Path, loader: Any, seen: set[int]) -> Iterator[Mistake]:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield from (Mistake(keys, line) for line in _misread(node, loader))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mistakes(item, keys, loader, seen)
    else:
        yield from _mistaken_keys(node, keys)
        for key, value in node.value:
            inner = (*keys, key.value) if isinstance(key, yaml.ScalarNode) else keys
            yield from _mistakes(value, inner, loader, seen)


def _mistaken_keys(node: Any, keys: Path) -> Iterator[Mistake]:
    """Keys given twice, and those that YAML does not read as text."""
    if node.flow_style and all(_is_blank(value) for _, value in node.value) and len(node.value) > 1:
        texts = ", ".join(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        yield Mistake(keys, f"{_place(node)}: braces hold keys with values; write [{texts}] for a list")
        return
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            continue  # merge keys (<<) may repeat a key
        inner = (*keys, key.value)
        if key.tag != f"{_TAG}str":
            kind = key.tag.removeprefix(_TAG)
            what = {"bool": "true or false", "timestamp": "a date", "null": "null"}.get(kind, "a number")
            remedy = f"write '{key.value}', in quotes" if key.value else "give it a name"
            yield Mistake(inner, f"{_place(key)}: YAML 1.1 reads the key {key.value!r} as {what}; {remedy}")
        if key.value in first:
            yield Mistake(
                inner,
                f"{_place(key)}: the key {key.value!r} is given again, first on line {first[key.value]}; "
                "keep one of them",
                again=True,
            )
        first.setdefault(key.value, key.start_mark.line + 1)


def _is_blank(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null" and not node.value


def _misread(node: Any, loader: Any) -> Iterator[str]:
    """The line for a value that YAML 1.1 reads as something else than a person does."""
    text, kind = node.value, node.tag.removeprefix(_TAG)
    wrong = (
        (kind == "int" and not _WHOLE.fullmatch(text))
        or (kind == "float" and not _FLOAT.fullmatch(text))
        or (kind == "bool" and text.lower() not in ("true", "false"))
        or kind == "timestamp"
        or (kind == "null" and text == "~")
    )
    if wrong:
        yield f"{_place(node)}: YAML 1.1 reads {text} as {_remedy(text, kind, loader, node)}"


def _remedy(text: str, kind: str, loader: Any, node: Any) -> str:
    quoted = f"'{text}', in quotes, for text"
    if kind == "timestamp":
        return f"a date; write {quoted}"
    if kind == "null":
        return "null; write null, or a whole path in place of a home folder"
    value = loader.construct_object(node)
    if kind == "bool":
        return f"{str(value).lower()}; write {quoted}"
    if re.fullmatch(r"[-+]?0[0-7_]+", text):
        return f"{value}, in base 8; write {int(text)}, or {value} if that is meant, or {quoted}"
    return f"{value}; write {value}, or {quoted}"


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
