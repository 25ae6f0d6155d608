"""Read the format ``table``: labels and features from CSV, TSV or Parquet files, and rows for a prediction."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Array, Column, InputSpec, Rows
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Entry, Found, Paths
from handgrad.formats.splits import draw_test
from handgrad.formats.table_columns import (
    Numbers,
    Texts,
    cell,
    is_text,
    leading_zeros,
    read_column,
    read_numbers,
    read_texts,
    refuse_missing,
)
from handgrad.formats.table_encoding import check_float32, encode_column, learn_column
from handgrad.formats.table_files import Table, listed, read_table
from handgrad.formats.table_labels import read_labels
from handgrad.formats.table_roles import INDEX_NAMES, choose_roles, counts_rows
from handgrad.formats.table_text import NUMBER, TextOptions, tab_or_comma, text_options

MOST_CATEGORIES = 1000
MANY = 20  # from here on, texts that differ in most rows, or numbers that count the rows, are suspicious


def read(entry: Entry, paths: Paths) -> Found:
    """Return the features and labels of a table. See ``found.Reader``.

    Categories, and the means that replace missing values, come from the training split alone. So a missing test split
    is drawn here. Without a test table and the option ``test``, all rows are training rows.
    """
    options = text_options(paths["table"], entry)
    whole = read_table(paths["table"], options)
    roles = choose_roles(whole, entry)
    used = (roles.label, *roles.inputs)
    tables = [whole.select(used)]
    if "test_table" in paths:
        test_table = read_table(paths["test_table"], text_options(paths["test_table"], entry))
        tables.append(_test_table(test_table, whole).select(used))
    labels, class_names, notes = read_labels(tables, entry["class_names"])
    train_rows, test_rows = np.arange(whole.rows), None
    if len(tables) == 1 and entry["test"] is not None:
        train_rows, test_rows = draw_test(labels[0], entry["test"], _groups(whole, roles.group))
    x, columns, more = _encode(tables, train_rows, impute=entry["impute"] == "mean")
    train, test = Split(x[0], labels[0]), None
    if len(tables) == 2:
        test = Split(x[1], labels[1])
    elif test_rows is not None:
        train, test = (Split(x[0][rows], labels[0][rows], rows) for rows in (train_rows, test_rows))
    return Found(
        train=train,
        test=test,
        spec=InputSpec(
            columns=columns,
            separator=options.separator,
            decimal=options.decimal,
            header=options.header,
            file_columns=len(whole.names),
        ),
        class_names=class_names,
        notes=(*roles.notes, *_name_notes(whole), *notes, *more),
    )


def encode_rows(path: Path, spec: InputSpec) -> Array:
    """Return the inputs of the rows of a table, float32 (N, D), encoded as in training. Other columns are ignored.

    Columns are found by name. Without a header, the table has the columns of the training table, or its inputs alone.
    Raises Mismatch if a column is missing, or a value is missing or has no encoding.
    """
    separator = tab_or_comma(path) if spec.separator == "," else spec.separator
    options = TextOptions(separator=separator, decimal=spec.decimal, header=spec.header)
    table = _inputs_by_position(read_table(path, options), spec).select([column.name for column in spec.columns])
    blocks, missing = [], {}
    for number, column in enumerate(spec.columns):
        values = _read_as(table, number, column)
        block, unknown = encode_column(values, column)
        if unknown.any():
            row = int(np.argmax(unknown))
            found = f"{cell(table, number, row)} ({unknown.sum()} of {table.rows} rows have unknown categories)"
            raise Mismatch(table.where(number, row), found, f"a category of training: {listed(column.categories)}")
        missing[number] = np.isnan(block).any(axis=1) | (values.missing & bool(column.categories))
        blocks.append(_to_float32(table, number, block, block[:0]))
    refuse_missing(table, missing, "values; training had no replacement for missing ones (option impute)")
    return np.concatenate(blocks, axis=1)


def _inputs_by_position(table: Table, spec: InputSpec) -> Table:
    """Return a table without a header with the names that its columns had in training."""
    if spec.header or table.options is None or len(table.names) == spec.file_columns:
        return table
    if len(table.names) != len(spec.columns):
        expected = f"{spec.file_columns} as in training, or the {len(spec.columns)} inputs alone"
        raise Mismatch(table.path, f"{len(table.names)} columns", expected)
    return replace(table, names=tuple(column.name for column in spec.columns))


def _test_table(test: Table, train: Table) -> Table:
    """Return the test table. Raises Mismatch if it has columns that the training table does not have."""
    if test.options and not test.options.header and len(test.names) != len(train.names):
        raise Mismatch(test.path, f"{len(test.names)} columns", f"{len(train.names)}, as in {train.path.name}")
    for column, name in enumerate(test.names):
        if name and name not in train.names and not name.startswith(INDEX_NAMES):
            raise Mismatch(test.where(column), "a column that the training table does not have", "the same columns")
    return test


def _groups(table: Table, name: str | None) -> Array | None:
    """Return the group of each row as a number."""
    if name is None:
        return None
    column = table.names.index(name)
    groups = read_texts(table, column)
    refuse_missing(table, {column: groups.missing}, "a group in each row (option split_by)")
    return groups.codes


def _encode(tables: Sequence[Table], rows: Rows, *, impute: bool) -> tuple[list[Array], tuple[Column, ...], list[str]]:
    """Return the inputs of each table, the columns, and notes. rows: the training rows, of the first table.

    The tables have the label first, then the same columns.
    """
    blocks: list[list[Array]] = [[] for _ in tables]
    missing: list[dict[int, Array]] = [{} for _ in tables]
    columns, notes = [], []
    for number, name in enumerate(tables[0].names[1:], start=1):
        first = read_column(tables[0], number)
        column = learn_column(name, first, rows, impute=impute)
        columns.append(column)
        notes += _column_notes(tables[0], number, first, column)
        known = encode_column(first, column)[0][rows]
        for part, table in enumerate(tables):
            values = _read_as(table, number, column) if part else first
            block, unknown = encode_column(values, column)
            missing[part][number] = values.missing & (column.fill is None)
            blocks[part].append(_to_float32(table, number, block, known))
            if unknown.any():
                example = cell(table, number, int(np.argmax(unknown)))
                found = f"{unknown.sum()} test examples with a category that no training example has, such as"
                notes.append(f"{table.title(number)}: {found} {example}; its inputs are 0")
    for table, rows_without in zip(tables, missing, strict=True):
        refuse_missing(table, rows_without, "none; impute: mean replaces numbers, leave_out skips a column")
    return [np.concatenate(parts, axis=1) for parts in blocks], tuple(columns), notes


def _read_as(table: Table, number: int, column: Column) -> Numbers | Texts:
    return read_texts(table, number) if column.categories else read_numbers(table, number)


def _to_float32(table: Table, number: int, block: Array, known: Array) -> Array:
    """Return the inputs of a column as float32. known: those of the training examples."""
    if block.dtype == np.float32:
        return block
    check_float32(table, number, block[:, 0], known)
    return block.astype(np.float32)


def _name_notes(table: Table) -> list[str]:
    numbers = [name for name in table.names if NUMBER.fullmatch(name)]
    note = f"column names are numbers ({listed(numbers)}); if the file has no header, set header: false"
    return [note] if numbers and table.options else []


def _column_notes(table: Table, number: int, values: Numbers | Texts, column: Column) -> list[str]:
    """Return what is suspicious in a column. Raises Mismatch if it has too many categories."""
    title, count = table.title(number), len(column.categories)
    if count > MOST_CATEGORIES:
        expected = f"at most {MOST_CATEGORIES} categories; leave_out skips a column"
        raise Mismatch(table.where(number), f"{count} different texts", expected)
    if count > MANY and 2 * count > table.rows:
        return [f"{title} has {count} different texts in {table.rows} rows: is it an identifier? leave_out skips it"]
    if isinstance(values, Numbers) and table.rows > MANY and counts_rows(values.values):
        return [f"{title} numbers the rows: leave_out skips it"]
    if isinstance(values, Numbers) and leading_zeros(table, number):
        return [f"{title} has values with leading zeros: they are read as numbers. If it is a code, leave_out skips it"]
    if isinstance(values, Numbers) and is_text(table, number) and table.options is None:
        return [f"{title} is text in the Parquet file, but all its values are numbers: it is read as numbers"]
    return []
