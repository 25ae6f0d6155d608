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

from handgrad.experiment.config_errors import show

MAX_DEPTH = 50
MAX_VALUES = 300_000  # with aliases followed; more runs than are allowed fit in

_TAG = "tag:yaml.org,2002:"
#: what a plain text must be for people to read it as YAML 1.1 does, by tag; texts have no limit
_PLAIN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"),
    "bool": re.compile("true|false", re.IGNORECASE),
    "timestamp": re.compile("(?!)"),  # none
    "null": re.compile("[^~]*"),
}
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # with libyaml it is several times faster


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a file, as one line, and the keys that lead to it. again: it is a key given again."""

    keys: tuple[str, ...]
    line: str
    again: bool = False


class _Loader(Composer, _BASE):  # type: ignore[misc]
    """Makes nodes, and knows how many values each holds once aliases are followed."""

    def __init__(self, text: str) -> None:
        Composer.__init__(self)
        _BASE.__init__(self, text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            node: Any = super().compose_node(parent, index)
            if not hasattr(node, "size"):  # it is still being made
                raise ComposerError(None, None, f"the alias *{event.anchor} repeats itself", mark)
            return node
        if self._depth == MAX_DEPTH:
            raise ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        node.size = 1 + sum(part.size for part in _parts(node))
        if node.size > MAX_VALUES:
            found = f"more than {MAX_VALUES:,} values, counting those that aliases repeat"
            raise ComposerError(None, None, found, mark)
        return node


def read_yaml(text: str) -> tuple[Any, list[Mistake]]:
    """Return what a YAML text holds, and what in it means something else than it seems to.

    Raises yaml.YAMLError, with a mark where there is one, or ValueError if the text is not YAML.
    """
    loader = _Loader(text)
    root = loader.get_single_node()
    if root is None:
        return None, []
    mistakes = list(_mistakes(root, (), loader, set()))
    return (None if mistakes else loader.construct_document(root)), mistakes


def _parts(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _mistakes(node: Any, keys: tuple[str, ...], loader: Any, seen: set[int]) -> Iterator[Mistake]:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield from _misread(node, keys, loader)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mistakes(item, keys, loader, seen)
    else:
        yield from _mistaken_keys(node, keys, loader)
        for key, value in node.value:
            inner = (*keys, key.value) if isinstance(key, yaml.ScalarNode) else keys
            yield from _mistakes(value, inner, loader, seen)


def _mistaken_keys(node: Any, keys: tuple[str, ...], loader: Any) -> Iterator[Mistake]:
    """Keys given twice, and those that YAML does not read as text."""
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            continue  # merge keys (<<) may repeat a key
        inner = (*keys, key.value)
        if key.tag != f"{_TAG}str":
            yield Mistake(inner, _as_read(key, "the key ", loader))
        if key.value in first:
            again = f"the key {key.value!r} is given again, first on line {first[key.value]}; keep one of them"
            yield Mistake(inner, f"{_place(key)}: {again}", again=True)
        first.setdefault(key.value, key.start_mark.line + 1)


def _misread(node: Any, keys: tuple[str, ...], loader: Any) -> Iterator[Mistake]:
    """A value that YAML 1.1 reads as something else than a person does."""
    plain = _PLAIN.get(node.tag.removeprefix(_TAG))
    if plain and not plain.fullmatch(node.value):
        yield Mistake(keys, _as_read(node, "", loader))


def _as_read(node: Any, what: str, loader: Any) -> str:
    read = "a date" if node.tag == f"{_TAG}timestamp" else show(loader.construct_object(node))
    remedy = f"write {read}, if that is meant, or '{node.value}', in quotes, for text"
    return f"{_place(node)}: found {what}{node.value}, which YAML 1.1 reads as {read}; {remedy}"


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"
