"""Turn the label column of a table into class numbers and class names."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np

from handgrad.datasets.inputs import Bytes
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import EXACT
from handgrad.formats.table_columns import Texts, as_numbers, read_texts, refuse_missing
from handgrad.formats.table_files import Table, listed, shown
from handgrad.formats.table_text import NUMBER

MOST_CLASSES = 256
NAME = re.compile(r"[^\x00-\x1f]{1,100}")
MANY = 20  # classes whose names are numbers: from here the column may be an input


def read_labels(
    tables: Sequence[Table], given: Sequence[str] | None
) -> tuple[list[Bytes], tuple[str, ...], tuple[str, ...]]:
    """Return the labels of each table, uint8 (N,), the class names, and notes. The label is the first column.

    given: class names that must contain the labels, or that the labels number from 0. Without them, the class names
    are the labels, sorted; by value if all are numbers. Raises Mismatch if there are not 2 to 256 classes.
    """
    columns = [read_texts(table, 0) for table in tables]
    for table, texts in zip(tables, columns, strict=True):
        refuse_missing(table, {0: texts.missing}, "a label in each row")
    names = _names(tables, columns, given or ())
    found = {name for by_text in names for name in by_text.values()}
    numeric = all(map(NUMBER.fullmatch, found))
    classes = tuple(given or sorted(sorted(found), key=float if numeric else None))
    if len(found) > MOST_CLASSES:
        expected = f"2 to {MOST_CLASSES} classes; to predict a number (regression) is not supported"
        raise Mismatch(tables[0].where(0), f"{len(found)} different labels", expected)
    if len(classes) < 2:
        expected = "at least 2 classes; the option label chooses the column, such as label: first"
        raise Mismatch(tables[0].where(0), f"only the label {shown(classes[0])}", expected)
    number = {name: i for i, name in enumerate(classes)}
    by_number = {str(i): i for i in range(len(classes))}
    if not found <= number.keys() and found <= by_number.keys():
        number = by_number
    labels = [_numbered(*part, number, classes) for part in zip(tables, columns, names, strict=True)]
    return labels, classes, _notes(tables[0], found) if numeric else ()


def _names(tables: Sequence[Table], columns: Sequence[Texts], given: Sequence[str]) -> list[dict[str, str]]:
    """Return the class name of each text. If all labels are numbers without leading
    zeros, 1.0 and 1 are the same class."""
    texts = [text for column in columns for text in column.distinct]
    values = [
        value
        for table, column in zip(tables, columns, strict=True)
        for value in as_numbers(table, column.distinct).tolist()
    ]
    zeros = any(re.match(r"[+-]?0\d", text) for text in texts)  # such as 01: a code, not a number
    if zeros or set(texts) <= set(given) or not all(abs(value) < EXACT for value in values):
        return [{text: text for text in column.distinct} for column in columns]
    canonical = dict(zip(texts, (f"{int(v)}" if v.is_integer() else f"{v}" for v in values), strict=True))
    return [{text: canonical[text] for text in column.distinct} for column in columns]


def _numbered(
    table: Table, texts: Texts, names: Mapping[str, str], number: Mapping[str, int], classes: Sequence[str]
) -> Bytes:
    for code, text in enumerate(texts.distinct):
        where = partial(table.where, 0, int(np.argmax(texts.codes == code)))
        if not NAME.fullmatch(text):
            raise Mismatch(where(), f"the label {shown(text)}", "one line of at most 100 characters")
        if names[text] not in number:
            raise Mismatch(where(), f"the label {shown(text)}", f"one of class_names: {listed(classes)}")
    return np.array([number[names[text]] for text in texts.distinct], np.uint8)[texts.codes]


def _notes(table: Table, found: Collection[str]) -> tuple[str, ...]:
    """Return suspicions about labels that are numbers."""
    values = sorted(map(float, found))
    if any(not value.is_integer() for value in values):
        return (f"the label, {table.title(0)}, has fractions: is it a number to predict? That is not supported",)
    if len(values) > MANY and values[-1] - values[0] >= len(values):
        return (f"the label, {table.title(0)}, has {len(values)} different numbers with gaps: is it an input?",)
    return ()
