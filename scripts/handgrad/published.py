"""The published table: its rows, and which run each of them belongs to."""

import csv
from dataclasses import fields
from pathlib import Path
from typing import Any

from handgrad.errors import HandgradError
from handgrad.runs import Run

#: the columns that say what was trained, each the name of an axis
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
#: what every published run is known to have used besides, by axis: plain updates, the published initial
#: weights and all training images, which are the defaults of a run
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


def published_rows(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a published CSV in the file's order, a value of the right type for each of ``COLUMNS``.

    Raises HandgradError if the file cannot be read or is not such a table.
    """
    name = repr(str(path))
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if header != list(COLUMNS):
                begins, columns = ",".join(header)[:100], ",".join(COLUMNS)
                raise HandgradError(f"{name} begins with {begins!r}; expected the columns {columns}")
            return [_row(row, f"{name}, line {reader.line_num}") for row in reader if row]
    except (OSError, ValueError, csv.Error) as error:  # ValueError: not UTF-8, or a path that can be none
        reason = error.strerror if isinstance(error, OSError) else error
        raise HandgradError(f"{name} cannot be read ({reason}); expected a CSV file, or null") from error


def _row(texts: list[str], where: str) -> dict[str, Any]:
    if len(texts) != len(COLUMNS):
        raise HandgradError(f"{where} has {len(texts)} values; expected {len(COLUMNS)}")
    row = {}
    for (column, kind), text in zip(COLUMNS.items(), texts, strict=True):
        try:
            row[column] = kind(text)
        except ValueError:
            expected = "a whole number" if kind is int else "a number"
            raise HandgradError(f"{where}: {column} is {text!r}; expected {expected}") from None
    return row


def row_settings(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a published row trained, to compare with ``run_settings``."""
    return tuple(row[column] for column in SETTINGS)


def comparable(run: Run) -> bool:
    """Whether a run agrees with what is ``KNOWN`` of all published ones; else it is no reproduction."""
    return all(getattr(run, axis) == value for axis, value in KNOWN.items())


def run_settings(run: Run) -> tuple[Any, ...]:
    """What a run trains, as far as published rows tell."""
    return tuple(getattr(run, column) for column in SETTINGS)
