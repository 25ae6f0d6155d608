"""Read YAML and reject values that YAML 1.1 silently misreads.

YAML 1.1 reads 0100 as 64, 1:30 as 90 and ``no`` as false, and it keeps the last of two equal keys. This reader reports
each such value with its line. It also limits depth and size, so that it reads any file quickly.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.composer import ComposerError

from handgrad.experiment.config_errors import show
from handgrad.experiment.config_hints import instead

MAX_DEPTH = 50
MAX_VALUES = 300_000  # after expansion of aliases; enough for the maximum number of runs

_TAG = "tag:yaml.org,2002:"
#: tag -> the unquoted texts that people read in the same way as YAML 1.1
_PLAIN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"),
    "bool": re.compile("true|false", re.IGNORECASE),
    "timestamp": re.compile("(?!)"),  # none
    "null": re.compile("[^~]*"),
}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # with libyaml, it is several times faster


@dataclass(frozen=True)
class Mistake:
    """A mistake in a file. line: its description. again: whether it is a repeated key."""

    line: str
    again: bool = False


def read_yaml(text: str, below: Sequence[str] = ()) -> tuple[Any, list[Mistake]]:
    """Return the content of a YAML text (None after a mistake), and the misread values and repeated keys in it.

    below: the keys that lead to the part that is checked. Raises yaml.YAMLError or ValueError if the text is not YAML.
    """
    _require_shallow(text)
    loader = _Loader(text)
    root = loader.get_single_node()
    if root is None:
        return None, []
    _count(root, {})
    counted: dict[Any, int] = {}
    for part in _parts_at(root, below):
        _count(part, counted)
    mistakes = [mistake for node in counted for mistake in _mistakes(node, loader)]
    return (None if mistakes else loader.construct_document(root)), mistakes


def _require_shallow(text: str) -> None:
    """Raise ComposerError if the nesting is too deep for the recursive functions below."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", event.start_mark)


def _count(node: Any, counted: dict[Any, int]) -> int:
    """Return the number of values in a node, after expansion of aliases. counted: cache, filled for all inner nodes."""
    if node not in counted:
        counted[node] = MAX_VALUES + 1  # an alias of this node inside itself would repeat without end
        parts = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
        inner = () if isinstance(node, yaml.ScalarNode) else parts
        counted[node] = 1 + sum(_count(part, counted) for part in inner)
    if counted[node] > MAX_VALUES:
        problem = f"more than {MAX_VALUES:,} values, including those that aliases repeat"
        raise ComposerError(None, None, problem, node.start_mark)
    return counted[node]


def _parts_at(node: Any, keys: Sequence[str]) -> list[Any]:
    """Return the values to which these keys lead; a repeated key gives several values."""
    if not keys:
        return [node]
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return [part for key, value in pairs if key.value == keys[0] for part in _parts_at(value, keys[1:])]


def _mistakes(node: Any, loader: Any) -> Iterator[Mistake]:
    """Yield the misread value of a node, or the misread and repeated keys of a mapping."""
    plain = _PLAIN.get(node.tag.removeprefix(_TAG)) if isinstance(node, yaml.ScalarNode) else None
    if plain and not plain.fullmatch(node.value):
        yield Mistake(_as_read(node, "", loader))
    first: dict[str, int] = {}
    text = ""  # the last value, and after a comma in a mapping in braces also the next one
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            continue  # merge keys (<<) may repeat a key
        text = f"{text},{key.value}" if value.value == "" else value.value if isinstance(value, yaml.ScalarNode) else ""
        if key.tag != f"{_TAG}str":
            hint = instead(text, ["number"], many=True) if value.value == "" else ""
            yield Mistake(_as_read(key, "the key ", loader, hint))
        if key.value in first:
            again = f"the key {key.value!r} is given again, first on line {first[key.value]}; keep one of them"
            yield Mistake(f"{_place(key)}: {again}", again=True)
        first.setdefault(key.value, key.start_mark.line + 1)
        # merging files key by key ignores an empty mapping; loss_divisor is empty if there is no published table
        if value.value == [] and isinstance(value, yaml.MappingNode) and not re.match("x-|loss_divisor$", key.value):
            yield Mistake(
                f"{_place(key)}: {key.value}: an empty mapping changes nothing; add keys, or remove {key.value}"
            )


def _as_read(node: Any, what: str, loader: Any, hint: str = "") -> str:
    date = node.tag == f"{_TAG}timestamp"
    read = "a date" if date else show(loader.construct_object(node))
    meant = instead(node.value, ["integer"], many=False)  # 0100 without its zero
    numbers = f"{meant or f'write {read}'} if you mean that, or "
    remedy = hint or f"{'write ' if date else numbers}'{node.value}' in quotes if you mean text"
    return f"{_place(node)}: found {what}{node.value}, which YAML 1.1 reads as {read}; {remedy}"


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"
