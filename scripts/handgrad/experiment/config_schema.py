"""Fill in the defaults of a configuration and validate it against the schema.

Messages take the expected value from the schema: from ``x-allowed``, or from the type and its bounds.
"""

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator, Draft202012Validator, TypeChecker, validators

from handgrad.experiment.config_errors import did_you_mean, key_path, mistake, show, unknown
from handgrad.experiment.config_hints import NUMBER, instead, list_instead
from handgrad.experiment.registry import ROLES
from handgrad.experiment.runs import AXES
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import INITS

SCHEMA_FILE = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"

Schema = Mapping[str, Any]

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a mapping (keys with values)",
    "null": "null",
    "boolean": "true or false",
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
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # with libyaml, it is several times faster
    schema: Schema = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506, both are safe
    properties = schema["properties"]
    block, dataset = properties["experiments"]["items"]["properties"], properties["datasets"]["additionalProperties"]
    for axis, names in (("activation", ACTIVATIONS), ("init", INITS)):
        block[axis]["anyOf"][0]["enum"] = list(names)  # a YAML anchor shares it with the list branch
    block["zip"]["items"]["items"]["enum"] = list(AXES)
    entry = block["exclude"]["items"]
    ranges, properties = [entry.pop("x-range")], {}
    for axis in AXES:
        one, many, drawn = block[axis]["anyOf"]
        properties[axis] = {"anyOf": [one, many, *([] if "string" in _kinds(one) else ranges)]}
        block[axis]["anyOf"] = [one, many, _distributions(one, drawn)]
    entry.update(properties=properties, additionalProperties=False)
    dataset["properties"]["format"]["enum"] = list(ROLES)
    return schema


def _distributions(value: Schema, drawn: Schema) -> Schema:
    """Return the schema of the distributions of an axis. value: the schema of one value of the axis."""
    kinds = _kinds(value)
    allowed = ("log_uniform", "uniform") if "number" in kinds else ("log_uniform", "int_uniform")
    names = ("choice",) if "string" in kinds else (*allowed, "choice")
    return {**drawn, "properties": {name: {**drawn["properties"][name], "items": value} for name in names}}


def completed(config: Any) -> Any:
    """Return a copy with defaults for absent keys, and with texts converted to numbers, true, false or null.

    YAML 1.1 reads 1e-5 as text. Snakemake turns each number, true and false inside a value of ``--config`` into text. A
    text stays a text if the schema allows no such value for the key.
    """
    return _complete(config, config_schema())


def completed_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a registry entry with defaults for absent keys."""
    whole: dict[str, Any] = _complete(entry, config_schema()["properties"]["datasets"]["additionalProperties"])
    return whole


def _complete(value: Any, schema: Schema) -> Any:
    schema = _branch(schema, value)
    if isinstance(value, Mapping):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        optional = [key for key in properties if "default" in properties[key] and key not in schema.get("required", ())]
        absent = [key for key in optional if key not in value]
        whole = {**value, **{key: properties[key]["default"] for key in absent}}
        return {key: _complete(item, properties.get(key, others)) for key, item in whole.items()}
    if isinstance(value, list):
        return [_complete(item, schema.get("items", {})) for item in value]
    return _of_text(value, schema) if isinstance(value, str) else value


def _of_text(text: str, schema: Schema) -> Any:
    """Convert a text to a number, true, false or null if the schema allows it; otherwise return the text."""
    kinds = _kinds(schema)
    if NUMBER.fullmatch(text) and not {"integer", "number"}.isdisjoint(kinds):
        return float(text) if re.search("[.eE]", text) else int(text)
    words = {"boolean": (True, False), "null": () if "string" in kinds else (None,)}
    allowed = [*schema.get("enum", ()), *(value for kind in kinds for value in words.get(kind, ()))]
    return next((value for value in allowed if show(value) == text.lower()), text)


def _kinds(schema: Schema) -> list[str]:
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def _branch(schema: Schema, value: object) -> Schema:
    """Return the part of the schema for a value; an axis allows one value, a list of values or a distribution."""
    if "anyOf" not in schema:
        return schema
    one, many, *drawn = schema["anyOf"]
    chosen: Schema = many if isinstance(value, list) else drawn[0] if drawn and isinstance(value, Mapping) else one
    return chosen


def schema_mistakes(config: Any) -> Iterator[str]:
    """Yield one line for each mistake in a completed configuration. Lines may be repeated."""
    for error in _validator().iter_errors(config):
        path, found, schema = list(error.absolute_path), error.instance, error.schema
        many = "anyOf" in error.schema_path  # a list is allowed too
        if error.validator == "additionalProperties":
            known = schema["properties"]
            yield from (_unknown_key(path, key, known, found) for key in found if key not in known)
        elif error.validator == "required":
            missing = ", ".join(key for key in schema["required"] if key not in found)
            # a dataset that is not in the registry may be misspelled
            meant = did_you_mean(path[-1], [str(name) for name in config["datasets"] if name != path[-1]])
            yield f"{key_path(path)}: lacks {missing}{meant and f'; {meant}'}"
        elif "propertyNames" in error.schema_path:
            yield f"{key_path(path)}: found the key {show(found)}, expected {expected(schema)}"
        elif "enum" in schema:
            names = [str(value) for value in schema["enum"] if value is not None]
            yield unknown(path, found, names, many=many)
        else:
            yield mistake(path, found, expected(schema), instead(found, _kinds(schema), many=many))


def _unknown_key(path: list[Any], key: Any, known: Schema, found: Mapping[Any, Any]) -> str:
    if not path and key in config_schema()["properties"]["experiments"]["items"]["properties"]:
        return f"{key}: unknown key at the top level; it belongs in an entry of experiments"
    lists = [name for name, schema in known.items() if "anyOf" in schema]
    meant = did_you_mean(key, known) or list_instead(found, key, lists)
    return f"{key_path([*path, str(key)])}: unknown key, expected one of {', '.join(known)}{meant and f'; {meant}'}"


def expected(schema: Schema) -> str:
    """Return a description of the values that a schema allows."""
    if "enum" in schema:
        return " or ".join("null" if value is None else str(value) for value in schema["enum"])
    words = " or ".join(_KINDS[kind] for kind in _kinds(schema))
    bounds = [f"{text} {schema[key]}" for key, text in _BOUNDS.items() if key in schema]
    return str(schema.get("x-allowed", ", ".join([words, *bounds])))


def _is_finite(_: TypeChecker, value: object) -> bool:
    # jsonschema accepts .nan and .inf
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _one_or_many(validator: Any, _: object, value: object, schema: Schema) -> Any:
    # jsonschema tries both branches and then reports only that none matches
    yield from validator.descend(value, _branch(schema, value))


@functools.cache
def _validator() -> Any:
    types = Draft4Validator.TYPE_CHECKER.redefine("number", _is_finite)  # later drafts accept 100.0 as an integer
    strict = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"anyOf": _one_or_many}, type_checker=types
    )
    return strict(config_schema())
