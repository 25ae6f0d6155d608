"""Tables as data: a DataFrame with the columns' plain names and values in full precision, and its CSV file."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import Run

Row = dict[str, Any]

_REMEDY = "correct it, and run snakemake again"
# Columns that may be blank need pandas' Int64: with a blank, a plain integer column turns into floats.
_KINDS: dict[Any, str] = {str: "str", float: "float64"}
_AXIS_TYPES = {axis.name: _KINDS.get(axis.type, "Int64") for axis in fields(Run)}
_INTEGERS = """
    faults faults_min faults_max validation_faults published_faults seeds_fewest_faults seeds_most_faults
    test_size published_test_size seeds finished diverged settings left_out
"""
_NUMBERS = """
    accuracy accuracy_low accuracy_high accuracy_min accuracy_max accuracy_mean accuracy_sd published_accuracy
    faults_mean faults_sd validation_faults_mean difference_percent difference_points
    loss loss_mean loss_sd published_loss p_holm seconds
"""
_TEXTS = "status against_best verdict content_sha256 run best_of chosen_on"
#: the type of each column of a table, except the numbers of gradient checks
TYPES: dict[str, str] = {
    **_AXIS_TYPES,
    **{f"published_{axis}": kind for axis, kind in _AXIS_TYPES.items()},
    **dict.fromkeys(_INTEGERS.split(), "Int64"),
    **dict.fromkeys(_NUMBERS.split(), "float64"),
    **dict.fromkeys(_TEXTS.split(), "str"),
}


def typed(rows: pd.DataFrame | Iterable[Row], columns: Sequence[str]) -> pd.DataFrame:
    """A table of these columns, missing where rows have none, of the types that ``parse_table`` gives them."""
    data = rows if isinstance(rows, pd.DataFrame) else list(rows)
    table = pd.DataFrame(data, columns=list(columns))
    return table.astype({name: TYPES[name] for name in columns if name in TYPES})


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, each a mapping from its columns' names to plain Python values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def varying(table: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Those of the columns that hold more than one value."""
    return [name for name in names if len(table[name].unique()) > 1]


def parse_table(data: bytes, path: str | Path, columns: Sequence[str], remedy: str) -> pd.DataFrame:
    """These columns of the content of a CSV file. a blank is a missing value.

    path, remedy: for the HandgradError that is raised if it lacks a column or has a value of the wrong kind.
    """
    try:
        # Left to itself, pandas takes a dataset called "null" or "NA" for a blank.
        table = pd.read_csv(io.BytesIO(data), dtype=TYPES, keep_default_na=False, na_values=[""])
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise HandgradError(f"{path}: cannot be read as a table ({reason}); {remedy}") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise HandgradError(f"{path}: has no column {', '.join(missing)}, expected {', '.join(columns)}; {remedy}")
    return table[list(columns)]


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table as CSV: floats as ``repr`` writes them, blank for a missing value."""
    with whole_file(path) as part:
        table.to_csv(part, index=False, lineterminator="\n")


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8; the file appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
