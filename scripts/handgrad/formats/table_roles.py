"""Decide which columns of a table are the label, inputs, or neither."""

from dataclasses import dataclass

import numpy as np

from handgrad.datasets.inputs import Array
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Entry
from handgrad.formats.table_columns import Numbers, read_column
from handgrad.formats.table_files import Table, listed

#: what pandas calls the index of a table that it writes and reads again
INDEX_NAMES = ("Unnamed: ", "__index_level_")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The names of the label column, of the columns of inputs, and of the column with groups, which is no input."""

    label: str
    inputs: tuple[str, ...]
    group: str | None
    notes: tuple[str, ...]


def choose_roles(table: Table, entry: Entry) -> Roles:
    """Return the roles of the columns by the options of an entry. Raises Mismatch if an option names no column."""
    left_out = {_column(table, key, "leave_out") for key in entry["leave_out"] or ()}
    indices = {column: note for column in set(range(len(table.names))) - left_out if (note := _index(table, column))}
    group = None if entry["split_by"] is None else _column(table, entry["split_by"], "split_by")
    rest = [column for column in range(len(table.names)) if column not in left_out | indices.keys()]
    used = [column for column in rest if column != group]
    if len(used) < 2:
        names = listed([table.names[column] for column in used])
        raise Mismatch(table.path, f"{len(used)} columns that are used ({names})", "a label column and an input column")
    label = _label(table, entry["label"], rest)
    if label in left_out or label == group:
        raise Mismatch(table.where(label), "both the label and in leave_out or split_by", "the label in label only")
    return Roles(
        label=table.names[label],
        inputs=tuple(table.names[column] for column in rest if column not in (label, group)),
        group=None if group is None else table.names[group],
        notes=tuple(note for column, note in sorted(indices.items()) if column not in (label, group)),
    )


def _label(table: Table, key: str | int | None, rest: list[int]) -> int:
    """Return the label column: the last one if nothing is said. rest: without row numbers and empty columns."""
    if key is None or (key in ("first", "last") and key not in table.names):
        return rest[0] if key == "first" else rest[-1]
    return _column(table, key, "label")


def _column(table: Table, key: str | int, option: str) -> int:
    """Return the number of a column from its name or its number."""
    width = len(table.names)
    if isinstance(key, int) and -width <= key < width:
        return key % width
    if key in table.names:
        return table.names.index(str(key))
    expected = f"a name, or a number up to {width - 1}; found {listed(table.names)}"
    raise Mismatch(f"{table.path}: {option}", f"no column {key!r}", expected)


def _index(table: Table, column: int) -> str | None:
    """Return a note if a column is an index: it has no name of its own, and numbers the rows or is empty."""
    name = table.names[column]
    if name and not name.startswith(INDEX_NAMES):
        return None
    if name.startswith("__index_level_"):
        return f"{table.title(column)} is an index that pandas wrote; it is left out"
    found = read_column(table, column)
    if found.missing.all():
        return f"{table.title(column)} is empty; it is left out"
    if isinstance(found, Numbers) and counts_rows(found.values):
        return f"{table.title(column)} numbers the rows; it is left out"
    if not name:
        raise Mismatch(table.where(column), "values but no name", f"a name, or leave_out: [{column}]")
    return None


def counts_rows(values: Array) -> bool:
    """Return whether values are 0, 1, 2, ... or 1, 2, 3, ..."""
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())
