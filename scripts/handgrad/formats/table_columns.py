"""Read a column of a table as numbers or as text, or refuse it with the place and the value."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handgrad.datasets.inputs import Array, Rows
from handgrad.formats.containers import Mismatch
from handgrad.formats.table_files import Table, shown
from handgrad.formats.table_text import DECIMAL_COMMA, NUMBER

#: how files write a missing value, in lower case
MISSING = ("", "?", "na", "n/a", "nan", "-nan", "null", "<na>", "#n/a")
#: texts that are not categories, and what they are
DISGUISED = {
    re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ].*)?"): "a date",
    re.compile(r"\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}"): "a date",
    re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"): "a time",
    re.compile(r"[+-]?\d[\d.,'\u00a0\u202f ]*([eE][+-]?\d+)?"): "a number in another notation",
    re.compile(r"[+-]?[$€£¥] ?\d[\d.,]*|[+-]?\d[\d.,]* ?[%$€£¥]"): "a number with a unit",
    re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE): "not finite",
    re.compile(r".*\d;[\d+-].*"): "a text with the separator ';'",
    re.compile(r".*[\x00-\x1f].*", re.DOTALL): "a text with a line break or a tab",
}


LOOKED_AT = 10_000  # rows in which leading zeros are looked for


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: float64 (N,), NaN for a missing value."""

    values: Array

    @property
    def missing(self) -> Array:
        """Return which rows have no value, bool (N,)."""
        return np.isnan(self.values)


@dataclass(frozen=True)
class Texts:
    """A column of text: the distinct texts, and the index of the text of each row, -1 for a missing value."""

    distinct: tuple[str, ...]
    codes: Rows

    @property
    def missing(self) -> Array:
        """Return which rows have no value, bool (N,)."""
        return self.codes < 0


def read_column(table: Table, column: int) -> Numbers | Texts:
    """Return a column as numbers, or as text if none of its values is a number.

    Raises Mismatch, with the place and the value, if it has both, or infinite numbers, dates or numbers that are
    written in another way.
    """
    kind = table.columns[column].type
    if column in table.categorical or pa.types.is_boolean(kind):
        return read_texts(table, column)
    if not is_text(table, column):
        _require_number(table, column)
        return _finite(table, column, pc.cast(table.columns[column], pa.float64(), safe=False).to_numpy())
    if pa.types.is_string(kind) and (values := _plain_numbers(table, column)) is not None:
        return _finite(table, column, values)
    texts = read_texts(table, column)
    numbers = as_numbers(table, texts.distinct)
    odd = np.isnan(numbers)
    if len(odd) and odd.all():
        _refuse_disguised(table, column, texts)
        return texts
    if odd.any():
        _refuse_mixed(table, column, texts, odd)
    return _finite(table, column, np.append(numbers, np.nan)[texts.codes])


def read_numbers(table: Table, column: int) -> Numbers:
    """Return a column of numbers. Raises Mismatch if it holds text."""
    found = read_column(table, column)
    if isinstance(found, Numbers):
        return found
    row = int(np.argmin(found.missing))
    raise Mismatch(table.where(column, row), cell(table, column, row), "a number, as in training")


def read_texts(table: Table, column: int) -> Texts:
    """Return the values of a column as text, without spaces around them."""
    values = table.columns[column]
    if pa.types.is_boolean(values.type):
        values = pc.if_else(values, "True", "False")
    elif not is_text(table, column):
        _require_number(table, column)
        values = pc.cast(values, pa.string())
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    encoded = values.unify_dictionaries().combine_chunks()
    distinct = pc.utf8_trim_whitespace(pc.cast(encoded.dictionary, pa.string()))
    missing = pc.is_in(pc.utf8_lower(distinct), pa.array([*MISSING, None]))
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    # Texts that differ in spaces alone, and texts that no row has, become one or none.
    order: dict[str, int] = {}
    used = np.bincount(codes + 1, minlength=len(distinct) + 1)[1:]
    new = [
        -1 if absent or not count else order.setdefault(text, len(order))
        for text, absent, count in zip(distinct.to_pylist(), missing.to_pylist(), used, strict=True)
    ]
    return Texts(tuple(order), np.array([*new, -1], np.intp)[codes])


def is_text(table: Table, column: int) -> bool:
    """Return whether a column has the type text, or is a dictionary of texts, integers or booleans."""
    kind, types = table.columns[column].type, pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
        if types.is_integer(kind) or types.is_boolean(kind):
            return True
    return bool(types.is_string(kind) or types.is_large_string(kind))


def leading_zeros(table: Table, column: int) -> bool:
    """Return whether one of the first values of a column of text begins with 0 and another digit."""
    if not is_text(table, column) or not pa.types.is_string(table.columns[column].type):
        return False
    first = table.columns[column].slice(0, LOOKED_AT)
    return bool(pc.any(pc.match_substring_regex(first, r"^\s*[+-]?0\d")).as_py())


def _require_number(table: Table, column: int) -> None:
    """Raise Mismatch if the Parquet type of the column is neither a number nor text."""
    kind, types = table.columns[column].type, pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return
    raise Mismatch(table.where(column), f"the type {kind}", "numbers, text or booleans; leave_out skips a column")


def _plain_numbers(table: Table, column: int) -> Array | None:
    """Return a column of text as numbers, float64 with NaN for a missing value, or None if it holds other text."""
    values = table.columns[column]
    with contextlib.suppress(pa.ArrowInvalid):  # fast, and enough for most columns
        return _as_float(values, table)
    trimmed = pc.utf8_trim_whitespace(values)
    known = pc.if_else(pc.is_in(pc.utf8_lower(trimmed), pa.array(MISSING)), None, trimmed)
    with contextlib.suppress(pa.ArrowInvalid):
        return _as_float(known, table)
    return None


def _as_float(texts: pa.ChunkedArray, table: Table) -> Array:
    """Return texts as float64. Raises ArrowInvalid if one is no number."""
    if _decimal_comma(table):  # a point becomes a character that no number has
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "_"), ",", ".")
    values: Array = pc.cast(texts, pa.float64()).to_numpy()
    return values


def _decimal_comma(table: Table) -> bool:
    return table.options is not None and table.options.decimal == ","


def as_numbers(table: Table, texts: Sequence[str]) -> Array:
    """Return the numbers in texts, float64, NaN for other text."""
    # a point becomes a comma, which no number has
    plain = [text.translate({44: 46, 46: 44}) for text in texts] if _decimal_comma(table) else texts
    return np.array([float(text) if NUMBER.fullmatch(text) else np.nan for text in plain], float)


def _finite(table: Table, column: int, values: Array) -> Numbers:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise Mismatch(table.where(column, row), cell(table, column, row), "a finite number")
    return Numbers(values)


def cell(table: Table, column: int, row: int) -> str:
    """Return a value, as it is in the file, for a message."""
    return shown(table.columns[column][row].as_py())


def _refuse_disguised(table: Table, column: int, texts: Texts) -> None:
    for code, text in enumerate(texts.distinct):
        for kind in _kinds(text):
            place = table.where(column, int(np.argmax(texts.codes == code)))
            raise Mismatch(place, f"{shown(text)} is {kind}", _expected(table, text))


def _refuse_mixed(table: Table, column: int, texts: Texts, odd: Array) -> None:
    """Raise Mismatch for the first value of the rarer kind."""
    present = ~texts.missing
    is_odd = odd[texts.codes] & present
    if table.options and not table.options.header and is_odd[0] and is_odd.sum() == 1:
        raise Mismatch(table.where(column, 0), f"{cell(table, column, 0)!r} above numbers", "header: true")
    rare = is_odd if 2 * is_odd.sum() <= present.sum() else ~is_odd & present
    row = int(np.argmax(rare))
    text = texts.distinct[texts.codes[row]]
    kinds = _kinds(text) if is_odd[row] else ["a number"]
    found = f"{shown(text)} is {(*kinds, 'text')[0]} ({rare.sum()} of {present.sum()} values)"
    raise Mismatch(table.where(column, row), found, _expected(table, text))


def _kinds(text: str) -> list[str]:
    """Return what a text looks like, if it is no category."""
    return [kind for pattern, kind in DISGUISED.items() if pattern.fullmatch(text)]


def _expected(table: Table, text: str) -> str:
    options = table.options
    notation = "" if options is None else f" such as 1234{options.decimal}5 (option decimal: {options.decimal!r})"
    if options and options.decimal == "." and DECIMAL_COMMA.fullmatch(text):
        notation += ", or set decimal: ',' if the comma is no thousands separator"
    return f"only numbers{notation}, or only text; leave_out skips a column"


def refuse_missing(table: Table, missing: Mapping[int, Array], advice: str) -> None:
    """Raise Mismatch if columns have missing values. missing: which rows of each column."""
    counts = {column: int(rows.sum()) for column, rows in missing.items() if rows.any()}
    if not counts:
        return
    column, count = next(iter(counts.items()))
    row = int(np.argmax(missing[column]))
    others = ", ".join(f"{table.title(other)}: {n}" for other, n in list(counts.items())[1:6])
    found = f"{count} of {table.rows} values are missing, such as {cell(table, column, row)}"
    raise Mismatch(table.where(column, row), found + (f" (also {others})" if others else ""), advice)
