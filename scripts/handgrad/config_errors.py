"""How a mistake in a configuration reads: one line with its key, its value, and what is allowed."""

import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import ValidationError

from handgrad.errors import HandgradError

Schema = Mapping[str, Any]

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
        return (
            _shorten(f"[{', '.join(show(item) for item in value[:_LONGEST])}]") if value else "an empty list"
        )
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


def unknown(value: object, what: str, known: Iterable[str]) -> str:
    """``'tahn' is not a known activation; did you mean tanh? known: cos, softplus, tanh``."""
    return f"{show(value)} is not a known {what}; {_nearest(value, sorted(known))}"


def _nearest(value: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(value).lower(), [text.lower() for text in known], 1)
    # difflib compares case by case, people do not
    meant = [text for text in known if [text.lower()] == near][:1]
    names = ", ".join(map(word, known)) or "none"
    return "".join(f"did you mean {word(text)}? " for text in meant) + f"known: {names}"


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


def kinds(schema: Schema) -> list[str]:
    """The types that a schema allows, none if it does not say."""
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


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


def schema_mistakes(error: ValidationError, config: Any) -> Iterator[str]:
    """The lines for one thing that jsonschema found in a configuration."""
    schema: Any = error.schema
    found: Any = error.instance
    path = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        for key in found:
            if key not in known:
                text = key if isinstance(key, str) else show(key)
                yield f"{key_path([*path, text])}: unknown key; {_nearest(key, known)}"
    elif error.validator == "required":
        # jsonschema has an error for each; each yields the same line, of which one is kept
        missing = ", ".join(key for key in schema["required"] if key not in found)
        yield f"{key_path(path)}: lacks {missing}{_similar(path, config)}"
    elif "propertyNames" in error.schema_path:
        yield f"{key_path(path)}: the key {show(found)} is not allowed; allowed: {allowed(schema)}"
    else:
        yield f"{key_path(path)}: {_wrong(found, schema)}"


def _similar(path: Sequence[Any], config: Any) -> str:
    """What an incomplete entry may have been meant to change: the nearest of its neighbours' names."""
    for part in path[:-1]:
        config = config[part]
    others = [key for key in config if isinstance(key, str) and key != path[-1]]
    near = difflib.get_close_matches(str(path[-1]), others, 1)
    return f"; did you mean {word(near[0])}?" if near else ""


def _wrong(value: object, schema: Schema) -> str:
    if isinstance(value, str) and "enum" in schema:
        return f"{show(value)} is not allowed; {_nearest(value, schema['enum'])}"
    return f"{show(value)} is not allowed; allowed: {allowed(schema)}{_hint(value, schema)}"


def _hint(value: object, schema: Schema) -> str:
    """What to write instead, where YAML has read something else than was meant."""
    if isinstance(value, str) and {"integer", "number"} & set(kinds(schema)):
        meant = value.replace(",", ".")
        return f"; write {meant}, without quotes" if _is_number(meant) else ""
    if isinstance(value, float) and value.is_integer() and "integer" in kinds(schema):
        return f"; write {int(value)}"
    if isinstance(value, bool | int | float) and kinds(schema) == ["string"] and "enum" not in schema:
        return "; text that YAML reads as something else needs quotes"
    return ""


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
