"""The schema of a configuration: defaults for what is left out, and the mistakes that it finds.

What a value must be is said by the schema alone: by ``x-allowed``, or by its type and bounds.
"""

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, ValidationError, validators

from handgrad.experiment.config_errors import did_you_mean, key_path, mistake, show, unknown
from handgrad.experiment.registry import FORMAT_ROLES
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import INITS

SCHEMA_FILE = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"

Schema = Mapping[str, Any]

_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping (keys with values)",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minItems": "its length at least",
}


@functools.cache
def config_schema() -> Schema:
    """Return workflow/schemas/config.schema.yaml, with the activations, inits and formats of the library."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # several times faster, where libyaml is there
    schema: Schema = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506, both are safe
    properties = schema["properties"]
    axes, dataset = properties["experiments"]["items"]["properties"], properties["datasets"]["additionalProperties"]
    for axis, names in (("activation", ACTIVATIONS), ("init", INITS)):
        axes[axis]["anyOf"][0]["enum"] = list(names)  # an anchor: the items of the list are the same object
    dataset["properties"]["format"]["enum"] = list(FORMAT_ROLES)
    return schema


def completed(config: Any) -> Any:
    """Return a copy with defaults for absent keys, and with the numbers that YAML 1.1 takes for text: 1e-5."""
    return _walk(config, config_schema(), lambda text: _number(text) if "e" in text.lower() else text, fill=True)


def numbers_of_texts(config: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a copy in which a text that is a plain number or null is that, where the schema takes no text.

    Snakemake makes a text of each number inside a value of ``--config``.
    """
    walked: dict[Any, Any] = _walk(config, config_schema(), _number, fill=False)
    return walked


def _number(text: str) -> Any:
    """The number that a text is in plain decimal notation, else the text."""
    if not _NUMBER.fullmatch(text) or len(text) > 100:
        return text
    number = float(text) if re.search("[.eE]", text) else int(text)
    return number if math.isfinite(number) else text


def _walk(value: Any, schema: Schema, convert: Callable[[str], Any], *, fill: bool) -> Any:
    schema = _branch(schema, value)
    if isinstance(value, Mapping):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        inner = {key: _walk(item, properties.get(key, others), convert, fill=fill) for key, item in value.items()}
        absent = [key for key in properties if key not in value and key not in schema.get("required", ())]
        defaults = {key: _walk(properties[key]["default"], properties[key], convert, fill=True) for key in absent}
        return {**inner, **defaults} if fill else inner
    if isinstance(value, list):
        return [_walk(item, schema.get("items", {}), convert, fill=fill) for item in value]
    if isinstance(value, str) and {"integer", "number"} & set(_kinds(schema)):
        return None if value == "null" and not fill and "null" in _kinds(schema) else convert(value)
    return value


def _kinds(schema: Schema) -> list[str]:
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def _branch(schema: Schema, value: object) -> Schema:
    """The schema that is meant for a value, where an axis allows a value or a list of values."""
    if "anyOf" not in schema:
        return schema
    one, many = schema["anyOf"]
    chosen: Schema = many if isinstance(value, list) else one
    return chosen


def schema_mistakes(config: Any) -> Iterator[str]:
    """Yield a line for each mistake in a completed configuration; a line may come again."""
    for error in _validator().iter_errors(config):
        schema: Any = error.schema
        found: Any = error.instance
        path = list(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from (
                _unknown_key(path, key, schema["properties"]) for key in found if key not in schema["properties"]
            )
        elif error.validator == "required":
            missing = ", ".join(key for key in schema["required"] if key not in found)
            meant = ""
            if len(path) == 2:  # a key that is null is not in the path
                others = [key for key in config["datasets"] if isinstance(key, str) and key != path[1]]
                meant = f"; {meant}" if (meant := did_you_mean(path[1], others)) else ""
            yield f"{key_path(path)}: lacks {missing}{meant}"
        elif "propertyNames" in error.schema_path:
            yield f"{key_path(path)}: found the key {show(found)}, expected {_expected(schema)}"
        else:
            yield _wrong(path, found, schema)


def _unknown_key(path: list[Any], key: Any, known: Schema) -> str:
    home = next((place for place, keys in _homes(config_schema()) if key in keys), None)
    remedy = f"it belongs in {home}" if home else did_you_mean(key, known)
    line = f"{key_path([*path, str(key)])}: unknown key, expected one of {', '.join(known)}"
    return f"{line}; {remedy}" if remedy else line


def _homes(schema: Schema, place: str = "the top of the file") -> Iterator[tuple[str, Schema]]:
    """The places of a configuration that have keys of their own, and these keys."""
    properties = schema.get("properties", {})
    yield place, properties
    for key, inner in properties.items():
        for part in (inner, inner.get("items", {}), inner.get("additionalProperties") or {}):
            if "properties" in part:
                yield from _homes(part, key if part is inner else f"an entry of {key}")


def _wrong(path: list[Any], found: object, schema: Schema) -> str:
    kinds = set(_kinds(schema))
    if "enum" in schema and isinstance(found, str):
        return unknown(path, found, schema["enum"])
    remedy = ""
    if isinstance(found, str) and kinds & {"integer", "number"}:
        remedy = "write a plain number, such as 100 or 0.001"
    elif isinstance(found, bool | int | float) and "string" in kinds:
        remedy = "write text in quotes"
    return mistake(path, found, _expected(schema), remedy)


def _expected(schema: Schema) -> str:
    """What a schema allows, in words."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    words = " or ".join(_KINDS[kind] for kind in _kinds(schema))
    bounds = [f"{text} {schema[key]}" for key, text in _BOUNDS.items() if key in schema]
    return ", ".join([words, *bounds])


def _is_whole(_: TypeChecker, value: object) -> bool:
    # jsonschema would take 100.0 too
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(_: TypeChecker, value: object) -> bool:
    # jsonschema would take .nan and .inf too
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _whole_match(_: Any, pattern: str, value: object, __: Schema) -> Any:
    # jsonschema would take "name\n" for ^name$
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(f"{show(value)} does not match {pattern!r}")


def _one_or_many(validator: Any, _: object, value: object, schema: Schema) -> Any:
    # jsonschema would try both, and say no more than that neither fits
    yield from validator.descend(value, _branch(schema, value))


@functools.cache
def _validator() -> Any:
    types = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_whole, "number": _is_finite})
    strict = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": _whole_match, "anyOf": _one_or_many}, type_checker=types
    )
    return strict(config_schema())
