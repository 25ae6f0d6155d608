"""What to write instead of a wrong value of a configuration: each hint is right when it is followed."""

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_MAX_RANGE = 20  # values of a range that a hint writes out

#: what people call an axis elsewhere; names of runs have tokens of their own
SYNONYMS = {
    **dict.fromkeys(("lr", "eta", "rate", "step_size", "learningrate"), "learning_rate"),
    **dict.fromkeys(("lambda", "weight_decay", "penalty", "regularization"), "l2"),
    **dict.fromkeys(("hu", "m", "hidden", "hidden_size", "units", "width", "neurons"), "hidden_units"),
    **dict.fromkeys(("af", "act", "activation_function", "nonlinearity"), "activation"),
    **dict.fromkeys(("bs", "b", "batch", "batchsize", "minibatch"), "batch_size"),
    **dict.fromkeys(("ep", "n_epochs", "num_epochs", "iterations"), "epochs"),
    **dict.fromkeys(("gradient", "reduction"), "batch_gradient"),
    **dict.fromkeys(("train", "n_train", "training_size"), "train_size"),
    **dict.fromkeys(("validation", "val_size", "n_validation"), "validation_size"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("lr_schedule", "scheduler"), "schedule"),
}


def kinds(schema: Schema) -> list[str]:
    """The types that a schema allows, none if it does not say."""
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)


def plain_number(text: str, otherwise: Any = None) -> Any:
    """The number that a text is in plain decimal notation, or something else."""
    if re.fullmatch(_INTEGER, text) and len(text) < 20:
        return int(text)
    if re.fullmatch(_NUMBER, text) and not re.match(r"[-+]?0[0-9]", text):
        number = float(text)
        return number if math.isfinite(number) else otherwise
    return otherwise


def value_hint(value: object, schema: Schema, *, listed: bool = False) -> str:
    """``; write 60000``, or nothing. listed: whether the value is one of several in a list."""
    types = kinds(schema)
    if isinstance(value, str) and "null" in types and value.lower() in ("none", "all", "nil"):
        return "; write null"
    if {"integer", "number"} & set(types):
        return _number_hint(value, schema, listed=listed)
    if types == ["array"]:
        return _list_hint(value, schema)
    if types == ["object"]:
        return _mapping_hint(value, schema)
    if "string" in types and "enum" not in schema:
        return _text_hint(value, schema)
    return ""


def names_hint(value: object, known: Iterable[str], *, listed: bool = False) -> str:
    """``write [tanh, cos]`` for a text of several known names, or nothing."""
    parts = _split(value) if isinstance(value, str) else []
    return _as_list(parts, listed=listed) if len(parts) > 1 and set(parts) <= set(known) else ""


def nearest(value: object, known: Sequence[str]) -> str | None:
    """The known name that a value was most likely meant to be."""
    near = difflib.get_close_matches(str(value).lower(), [text.lower() for text in known], 1)
    # difflib compares case by case, people do not
    found = [text for text in known if [text.lower()] == near]
    synonym = SYNONYMS.get(str(value).lower().replace("-", "_"))
    return synonym if synonym in known else found[0] if found else None


def _number_hint(value: object, schema: Schema, *, listed: bool) -> str:
    whole = "number" not in kinds(schema)
    if isinstance(value, float) and value.is_integer() and whole and _fits(int(value), schema):
        return f"; write {int(value)}"
    if not isinstance(value, str):
        return ""
    text = unicodedata.normalize("NFKC", value.strip()).replace("\N{MINUS SIGN}", "-")
    if re.fullmatch(_NUMBER, text) and math.isinf(float(text)):
        return "; it is too large for a number of the computer"
    written = [*_several_numbers(text, whole=whole), *_one_number(text, whole=whole)]
    fitting = [number for number in written if _fits(number, schema)]
    texts = [_as_list(map(_text, n), listed=listed) if isinstance(n, list) else _text(n) for n in fitting]
    if not texts:
        return ""
    quotes = ", without quotes" if texts[0] == value else ""
    return f"; write {' or '.join(dict.fromkeys(texts))}{quotes}"


def _one_number(text: str, *, whole: bool) -> list[Any]:
    """The single numbers that a text may mean, best first."""
    readings: list[tuple[str, Callable[[re.Match[str]], Any]]] = [
        (r"[-+]?0*([0-9]+)", lambda m: int(m[0])),
        (_NUMBER, lambda m: float(m[0])),
        (r"[0-9]{1,3}(?:[,' ][0-9]{3})+", lambda m: int(re.sub("[,' ]", "", m[0]))),
        (r"0o([0-7]+)", lambda m: int(m[1], 8)),
    ]
    if not whole:
        readings += [
            (r"([-+]?[0-9]+),([0-9]+)(?:[eE][-+]?[0-9]+)?", lambda m: float(m[0].replace(",", "."))),
            (rf"({_NUMBER}) ?%", lambda m: float(m[1]) / 100),
            (rf"({_NUMBER}) ?/ ?({_NUMBER})", lambda m: float(m[1]) / (float(m[2]) or math.nan)),
            (rf"({_NUMBER}) ?[eE] ?({_INTEGER})", lambda m: float(f"{m[1]}e{m[2]}")),
            (rf"10 ?(?:\^|\*\*) ?\(?({_INTEGER})\)?", lambda m: float(f"1e{m[1]}")),
        ]
    found = [read(match) for pattern, read in readings if (match := re.fullmatch(pattern, text))]
    return [n for n in found if not isinstance(n, float) or (math.isfinite(n) and not whole)]


def _several_numbers(text: str, *, whole: bool) -> list[list[Any]]:
    """The lists of numbers that a text may mean, best first."""
    inner = text[1:-1] if re.fullmatch(r"[(\[{].*[)\]}]", text) else text
    parts = [plain_number(part) for part in _split(inner)]
    if (
        len(parts) > 1
        and all(p is not None and not (whole and isinstance(p, float)) for p in parts)
        and (whole or not re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text))  # a decimal comma
    ):
        return [parts]
    span = re.fullmatch(r"(\d+) ?(?:-|\.\.\.?|to) ?(\d+)", text)
    if whole and span and int(span[1]) < int(span[2]) < int(span[1]) + _MAX_RANGE:
        return [list(range(int(span[1]), int(span[2]) + 1))]
    count = re.fullmatch(r"range\((?:(\d+), ?)?(\d+)\)", text)
    if whole and count and int(count[1] or 0) < int(count[2]) <= int(count[1] or 0) + _MAX_RANGE:
        return [list(range(int(count[1] or 0), int(count[2])))]
    return []


def _list_hint(value: object, schema: Schema) -> str:
    """For one value, or a text of several, in place of a list."""
    items = schema.get("items", {})
    if isinstance(value, Mapping) and "object" in kinds(items):
        return "; begin each entry with a dash (- )"
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]  # [28 28]
    if not isinstance(value, str):
        return ""
    parts = _split(
        re.sub("(?<=[0-9]) ?[xX\N{MULTIPLICATION SIGN}] ?(?=[0-9])", " ", value) if "integer" in kinds(items) else value
    )
    if "integer" in kinds(items) and not all(_fits(plain_number(part), items) for part in parts):
        return ""
    pattern = items.get("pattern", "")
    if not parts or len(parts) < schema.get("minItems", 1) or not all(re.match(pattern, p) for p in parts):
        return ""
    return f"; write {_as_list(parts)}" if "object" not in kinds(items) else ""


def _mapping_hint(value: object, schema: Schema) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        return "; leave out the dash (- ) before its first key"
    if not isinstance(value, str):
        return ""
    key, colon, rest = value.partition(":")
    if colon and rest and key in schema.get("properties", {}):
        return f"; write a blank after the colon: {key}: {rest.strip()}"
    return ""


def _text_hint(value: object, schema: Schema) -> str:
    if isinstance(value, bool | int | float) or (value is not None and hasattr(value, "isoformat")):
        return "; text that YAML reads as something else needs quotes"
    if isinstance(value, str) and re.fullmatch(r"[\w.-]+( [\w.-]+)+", value, re.ASCII):
        plain = value.replace(" ", "_")
        if value.isprintable() and re.fullmatch(schema.get("pattern", ""), plain):
            return f"; write {plain}"
    return ""


def _fits(value: Any, schema: Schema) -> bool:
    if isinstance(value, list):
        return all(_fits(item, schema) for item in value)
    return (
        value is not None
        and ("number" in kinds(schema) or isinstance(value, int))
        and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and not value <= schema.get("exclusiveMinimum", -math.inf)
        and not value >= schema.get("exclusiveMaximum", math.inf)
    )


def _split(text: str) -> list[str]:
    separator = r"\s*[,;]\s*" if re.search("[,;]", text) else r"\s+"
    return [part for part in re.split(separator, text.strip()) if part]


def _as_list(texts: Iterable[str], *, listed: bool = False) -> str:
    joined = ", ".join(texts)
    return joined if listed else f"[{joined}]"


def _text(number: Any) -> str:
    return repr(number).removesuffix(".0") if isinstance(number, float) else str(number)
