"""How a mistake in a configuration reads: one line with its key, its value, and what is allowed."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import ValidationError

from handgrad.common.errors import HandgradError
from handgrad.experiment.config_hints import Schema, kinds, names_hint, nearest, value_hint

_LONGEST = 80  # characters of a value that a message shows


class ConfigError(HandgradError):
    """All mistakes of a configuration, one a line."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def key_path(parts: Iterable[Any]) -> str:
    """Where a value stands: ``experiments[1].learning_rate``."""
    text = ""
    for part in parts:
        if isinstance(part, int) and not isinstance(part, bool):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (word(part) if isinstance(part, str) else show(part))
    return text or "the configuration"


def word(name: str) -> str:
    """A name without quotes, unless blanks, line breaks or the like would make a riddle of the line."""
    return name if re.fullmatch(r"[\w-][\w.-]*", name) else show(name)


def show(value: object) -> str:
    """A value as a person wrote it, on one line."""
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return _shorten(f"[{', '.join(show(item) for item in value[:_LONGEST])}]") if value else "an empty list"
    if isinstance(value, str):
        text = repr(value)
    elif value is None or isinstance(value, bool):
        text = json.dumps(value)
    elif isinstance(value, float) and not math.isfinite(value):
        text = f".{value}" if value > 0 or value != value else "-.inf"
    else:
        text = str(value)
    return _shorten(text)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def unknown(value: object, what: str, known: Iterable[str], *, listed: bool = False) -> str:
    """``'tahn' is not a known activation; did you mean tanh? known: cos, softplus, tanh``.

    listed: whether the value is one of several in a list.
    """
    known = sorted(known)
    return f"{show(value)} is not a known {what}; {_nearest(value, known, listed=listed)}"


def _nearest(value: object, known: Sequence[str], *, listed: bool = False) -> str:
    names = ", ".join(map(word, known)) or "none"
    if several := names_hint(value, known, listed=listed):
        return f"write {several}; known: {names}"
    meant = nearest(value, known)
    return (f"did you mean {word(meant)}? " if meant else "") + f"known: {names}"


def branch(schema: Schema, value: object) -> Schema:
    """The schema that is meant for a value, where an axis allows a value or a list of values."""
    if "anyOf" not in schema:
        return schema
    one, many = schema["anyOf"]
    chosen: Schema = many if isinstance(value, list) else one
    return chosen


def allowed(schema: Schema) -> str:
    """What a schema allows, in words."""
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "anyOf" in schema:
        return f"{allowed(schema['anyOf'][0])}, or a list of such values"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    return " or ".join(_kind(kind, schema) for kind in kinds(schema))


def _kind(kind: str, schema: Schema) -> str:
    bounds = ""
    if "exclusiveMinimum" in schema:
        bounds = f" greater than {schema['exclusiveMinimum']}"
    elif "maximum" in schema:
        bounds = f" from {schema['minimum']} to {schema['maximum']}"
    elif "minimum" in schema:
        bounds = f" of at least {schema['minimum']}"
    names = {
        "integer": f"a whole number{bounds}",
        "number": f"a number{bounds}",
        "string": "text",
        "array": "a list of at least one value" if schema.get("minItems") else "a list",
        "object": "a mapping (keys with values)",
        "null": "null",
    }
    return names[kind]


def schema_mistakes(error: ValidationError, config: Any, whole: Schema) -> Iterator[str]:
    """The lines for one thing that jsonschema found in a configuration; whole: its schema."""
    schema: Any = error.schema
    found: Any = error.instance
    path = list(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(path, found, schema, whole)
    elif error.validator == "required":
        # jsonschema has an error for each; each yields the same line, of which one is kept
        missing = ", ".join(key for key in schema["required"] if key not in found)
        yield f"{key_path(path)}: lacks {missing}{_similar(path, config)}"
    elif "propertyNames" in error.schema_path:
        quotes = "" if isinstance(found, str) else f"; write '{found}', in quotes"
        yield f"{key_path(path)}: the key {show(found)} is not allowed; allowed: {allowed(schema)}{quotes}"
    else:
        yield f"{key_path(path)}: {_wrong(found, schema, listed=_is_one_of_several(path, config))}"


def _unknown_keys(path: Sequence[Any], found: Any, schema: Schema, whole: Schema) -> Iterator[str]:
    known = list(schema["properties"])
    for key in found:
        if key in known:
            continue
        text = key if isinstance(key, str) else show(key)
        home = next((place for place, keys in _homes(whole) if text in keys), None)
        help_ = f"it belongs in {home}" if home else _nearest(key, known)
        yield f"{key_path([*path, text])}: unknown key; {help_}"


def _homes(whole: Schema) -> list[tuple[str, Schema]]:
    """The places of a configuration that have keys of their own, in words, and these keys."""
    top = whole["properties"]
    return [
        (
            "an entry of experiments, as experiments: [{dataset: digits, ...}]",
            _keys(top["experiments"]["items"]),
        ),
        ("published", _keys(top["published"])),
        ("gradient_check", _keys(top["gradient_check"])),
        ("an entry of datasets", _keys(top["datasets"]["additionalProperties"])),
        ("no other key, but at the top of the file", top),
    ]


def _keys(schema: Schema) -> Schema:
    keys: Schema = schema["properties"]
    return keys


def _is_one_of_several(path: Sequence[Any], config: Any) -> bool:
    if not path or not isinstance(path[-1], int):
        return False
    for part in path[:-1]:
        config = config[part]
    return len(config) > 1


def _similar(path: Sequence[Any], config: Any) -> str:
    """What an incomplete dataset may have been meant to change: the nearest of the other datasets' names."""
    if len(path) != 2:
        return ""  # a file's entry
    others = [key for key in config[path[0]] if isinstance(key, str) and key != path[-1]]
    meant = nearest(path[-1], others)
    return f"; did you mean {word(meant)}?" if meant else ""


def _wrong(value: object, schema: Schema, *, listed: bool) -> str:
    if isinstance(value, str) and "enum" in schema:
        return f"{show(value)} is not allowed; {_nearest(value, schema['enum'], listed=listed)}"
    hint = value_hint(value, schema, listed=listed)
    return f"{show(value)} is not allowed; allowed: {allowed(schema)}{hint}"
