"""Read the published table and match its rows with runs."""

import csv
import io
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.common.text_files import read_text
from handgrad.experiment.runs import Run

#: the columns with hyperparameters; each is the name of an axis
SETTINGS: dict[str, type] = {
    "dataset": str,
    "activation": str,
    "hidden_units": int,
    "learning_rate": float,
    "batch_size": int,
    "epochs": int,
    "l2": float,
}
_DEFAULTS = {axis.name: axis.default for axis in fields(Run)}
#: hyperparameters that all published runs share: updates without momentum, the published initial weights and all
#: training images; these are the defaults of a run
KNOWN: dict[str, Any] = {
    axis: _DEFAULTS[axis] for axis in ("momentum", "schedule", "init", "train_size", "validation_size")
}
COLUMNS: dict[str, type] = {
    **SETTINGS,
    "precision_percent": float,
    "faults": int,
    "test_size": int,
    "loss": float,
}
#: optional columns: the fewest and the most faults over several seeds; a value may be blank
SPREAD: dict[str, type] = {"seeds_fewest_faults": int, "seeds_most_faults": int}
MAX_BYTES = 10_000_000


#: allowed values of each column: a description and a test
_POSSIBLE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("dataset", "activation"), ("a name", bool)),
    **dict.fromkeys(
        ("hidden_units", "batch_size", "epochs", "test_size"), ("a whole number of at least 1", lambda n: n >= 1)
    ),
    **dict.fromkeys(("faults", *SPREAD), ("a whole number of at least 0", lambda n: n >= 0)),
    **dict.fromkeys(("l2", "loss"), ("a number of at least 0", lambda x: 0 <= x < math.inf)),
    "learning_rate": ("a number greater than 0", lambda x: 0 < x < math.inf),
    "precision_percent": ("a number from 0 to 100", lambda x: 0 <= x <= 100),
}


def published_rows(path: str | Path) -> list[dict[str, Any]]:
    """Return the rows of a published CSV file, in file order.

    Each row has the keys of ``COLUMNS`` and ``SPREAD`` (None if blank). Raises HandgradError if the file cannot be
    read, has wrong columns or has an impossible value.
    """
    reader = csv.reader(io.StringIO(read_text(path, max_bytes=MAX_BYTES), newline=""), strict=True)
    rows: list[dict[str, Any]] = []
    lines: dict[tuple[Any, ...], int] = {}
    try:
        header = next(reader, [])
        if header not in (list(COLUMNS), [*COLUMNS, *SPREAD]):
            found = ",".join(header)[:100]
            raise HandgradError(f"{path}: line 1: found {found!r}, expected the columns {','.join(COLUMNS)}")
        for texts in filter(any, reader):
            where = f"{path}: line {reader.line_num}"
            if len(texts) != len(header):
                raise HandgradError(f"{where}: found {len(texts)} values, expected {len(header)}")
            row = _row(dict(zip(header, texts, strict=True)), where)
            if (first := lines.setdefault(row_settings(row), reader.line_num)) != reader.line_num:
                raise HandgradError(f"{where}: repeats the settings of line {first}; keep one of them")
            rows.append(row)
    except csv.Error as error:
        raise HandgradError(f"{path}: line {reader.line_num}: not CSV ({error})") from error
    return rows


def _row(texts: dict[str, str], where: str) -> dict[str, Any]:
    """Return the values of a row. Raises HandgradError with the column if a value is impossible."""
    row: dict[str, Any] = dict.fromkeys(SPREAD)
    for column, text in texts.items():
        expected, possible = _POSSIBLE[column]
        if text or column not in SPREAD:
            with suppress(ValueError):
                row[column] = {**COLUMNS, **SPREAD}[column](text)
            if not possible(row.get(column, math.nan)):
                raise HandgradError(f"{where}: {column}: found {text!r}, expected {expected}")
    if row["faults"] > row["test_size"]:
        expected = f"at most test_size ({row['test_size']})"
        raise HandgradError(f"{where}: faults: found '{row['faults']}', expected {expected}")
    spread = [row[column] for column in SPREAD if row[column] is not None]
    if spread and not (len(spread) == len(SPREAD) and spread[0] <= spread[1] <= row["test_size"]):
        expected = f"two numbers in ascending order, at most test_size ({row['test_size']}), or two blanks"
        raise HandgradError(f"{where}: {' and '.join(SPREAD)}: found {spread}, expected {expected}")
    return row


def row_settings(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the settings of a published row, to compare with ``run_settings``."""
    return tuple(row[column] for column in SETTINGS)


def comparable(run: Run) -> bool:
    """Return whether a run has the ``KNOWN`` hyperparameters of the published runs."""
    return all(getattr(run, axis) == value for axis, value in KNOWN.items())


def run_settings(run: Run) -> tuple[Any, ...]:
    """Return the settings of a run, to compare with ``row_settings``."""
    return tuple(getattr(run, column) for column in SETTINGS)
