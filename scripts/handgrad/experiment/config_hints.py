"""Suggest what to write instead of a value that is not allowed."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

#: a number that may arrive as text
NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]{0,99})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
#: 60,000 and 1 437 000: each group has three digits, and all separators are equal
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([,_' ])[0-9]{3}(\1[0-9]{3})*")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_LEADING_ZEROS = re.compile(r"0+([0-9]+)")


def instead(found: object, kinds: Sequence[str], *, many: bool) -> str:
    """Return ``write 60000`` for 60,000, ``write [0.1, 0.01] for a list`` for 0.1, 0.01, or an empty text.

    kinds: the types that the schema allows. many: whether it also allows a list of such values.
    """
    if isinstance(found, bool | int | float):
        return _instead_of_number(found, kinds)
    if not isinstance(found, str) or {"integer", "number", "array"}.isdisjoint(kinds):
        return ""
    parts = parts_of_list(found)
    numbers = len(parts) > 1 and all(map(NUMBER.fullmatch, parts))
    as_list = f"[{', '.join(parts)}] for a list" if numbers and (many or "array" in kinds) else ""
    single = _single(found, kinds)
    if as_list and single and not found.endswith("000"):  # 100,200 may be one number or two
        return f"write {single}, or {as_list}"
    return f"write {single or as_list}" if single or as_list else ""


def _instead_of_number(found: float, kinds: Sequence[str]) -> str:
    if "string" in kinds and "number" not in kinds:
        return "write text in quotes"
    whole = "integer" in kinds and type(found) is float and found.is_integer()
    return f"write {int(found)}, without a decimal point or exponent" if whole else ""


def _single(text: str, kinds: Sequence[str]) -> str:
    """Return the number that a text means in other notations, or an empty text."""
    if _GROUPED.fullmatch(text):
        return re.sub("[^0-9]", "", text)
    if zeros := _LEADING_ZEROS.fullmatch(text):
        return str(int(zeros[1]))
    return text.replace(",", ".") if "number" in kinds and _DECIMAL_COMMA.fullmatch(text) else ""


def parts_of_list(text: str) -> list[str]:
    """Return the parts of a text that may be meant as a list: ``0.1, 0.01`` or ``[0.1 0.01]``."""
    return [part for part in re.split(r"[,;\s]+", text.strip("[]() ")) if part]


def list_instead(found: Mapping[Any, Any], key: object, lists: Collection[str]) -> str:
    """Return a hint for an unknown key without a value, such as cos in {activation: tanh, cos}; or an empty text.

    lists: the keys that allow a list.
    """
    keys = list(found)
    before = keys[max(keys.index(key) - 1, 0)]
    value = found[before]
    if found[key] is not None or before not in lists or not isinstance(value, str | int | float):
        return ""
    return f"if it is a value of {before}, write [{value}, {key}]"
