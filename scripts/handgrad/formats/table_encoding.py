"""Encode the columns of a table as inputs.

A column of text becomes one input for each category, 1 if the example has it and 0 otherwise.
"""

import numpy as np

from handgrad.datasets.inputs import Array, Column, Rows
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import EXACT, MOST_ROUNDING
from handgrad.formats.table_columns import Numbers, Texts, cell
from handgrad.formats.table_files import Table


def learn_column(name: str, values: Numbers | Texts, rows: Rows, *, impute: bool) -> Column:
    """Return the encoding of a column from its training rows."""
    if isinstance(values, Texts):
        used = np.unique(values.codes[rows])
        return Column(name=name, categories=tuple(sorted(values.distinct[code] for code in used if code >= 0)))
    known = values.values[rows]
    known = known[~np.isnan(known)]
    return Column(name=name, fill=float(known.mean()) if impute and len(known) else None)


def encode_column(values: Numbers | Texts, column: Column) -> tuple[Array, Array]:
    """Return the inputs, (N, 1) float64 or (N, K) float32, and which rows have an unknown category, bool (N,).

    The inputs of an unknown category are 0. A missing number without a fill is NaN.
    """
    if isinstance(values, Numbers):
        filled = values.values if column.fill is None else np.where(values.missing, column.fill, values.values)
        return filled[:, None], np.zeros(len(filled), bool)
    number = {category: i for i, category in enumerate(column.categories)}
    codes = np.array([*(number.get(text, -1) for text in values.distinct), -1], np.intp)[values.codes]
    inputs = (codes[:, None] == np.arange(len(number))).astype(np.float32)
    return inputs, (codes < 0) & ~values.missing


def check_float32(table: Table, column: int, values: Array, known: Array) -> None:
    """Raise Mismatch if float32 cannot represent values, (N,). known: the training values of the column.

    float32 has about seven digits, so a large offset, as of a time in seconds, hides small differences.
    """
    constant = known.size and known.min() == known.max()
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = values.astype(np.float32)
        error = np.abs(rounded - values)
        spread = np.inf if constant or not known.size else known.std()
    fine = f"at most {MOST_ROUNDING} of the column's standard deviation, {spread:.3g}; subtract an offset"
    for bad, found, expected in (
        (np.isinf(rounded), "too large for float32", "less than 3e38"),
        (error > MOST_ROUNDING * spread, f"float32 rounds it by {error.max():.2g}", fine),
        ((np.abs(values) >= EXACT) & bool(constant), "too large to differ in float64", f"less than {EXACT:.0e}"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise Mismatch(table.where(column, row), f"{cell(table, column, row)}: {found}", expected)
