"""The table of results, with one row for each run."""

import os
from collections.abc import Collection, Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, Run
from handgrad.tables.columns import (
    TITLES,
    Column,
    column,
    percent_column,
    plain_column,
    range_column,
    with_texts,
)
from handgrad.tables.selection import how_chosen, splits
from handgrad.tables.table import AXIS_TYPES, INTEGER, NUMBER, TEXT, Row, TableKind

if TYPE_CHECKING:  # scripts of other tables must not depend on the imports of training
    from handgrad.storage.run_reader import Summary


def results_table(
    summaries: Iterable["Summary"], project: str | Path = ".", finalists: Collection[Run] = ()
) -> pd.DataFrame:
    """Return a table of the kind RESULTS with one row for each run, in the given order.

    project: folder of results/. finalists: the runs that finalists of a search add.

    - faults (of test_size test examples), accuracy (a fraction), loss (mean negative log-likelihood of a test
      example): after the last epoch; missing if the run diverged.
    - validation_faults (of validation_size examples): missing if no examples are held out.
    - seconds: of training and evaluation.
    - run: the name of the run. file: its run file, relative to the project folder. added: ``finalist`` if a search
      adds it as another seed of a finalist, otherwise missing.

    The columns that ``significance.with_statistics`` and ``class_balance.with_class_balance`` add are missing.
    """
    return RESULTS.typed(_row(summary, project, summary.run in finalists) for summary in summaries)


def _row(summary: "Summary", project: str | Path, is_finalist: bool) -> Row:
    faults, size = summary.faults, summary.test_size
    held_out = faults is not None and summary.run.validation_size > 0
    return {
        **vars(summary.run),
        "status": summary.status,
        "faults": faults,
        "test_size": size,
        "accuracy": None if faults is None else (size - faults) / size,
        "loss": summary.loss,
        "validation_faults": int(summary.history["validation_faults"][-1]) if held_out else None,
        "seconds": summary.seconds,
        "content_sha256": summary.content_sha256,
        "run": summary.run.name,
        "file": os.path.relpath(summary.path, project),
        "added": "finalist" if is_finalist else None,
    }


def _columns(table: pd.DataFrame) -> list[Column]:
    """Return the published columns in the published order, and then our additional columns."""
    return [
        *(plain_column(table, name) for name in TITLES),
        percent_column("PREC", table["accuracy"]),
        *with_texts(
            range_column("95% INTERVAL", table["accuracy_low"], table["accuracy_high"]),
            percent_column("MAJORITY", table["majority_rate"]),
            percent_column("BALANCED PREC", table["balanced_accuracy"]),
        ),
        column("FAULTS", "{}/{}", table["faults"], table["test_size"]),
        column("LOSS", "{:#.5g}", table["loss"]),
        *(plain_column(table, name) for name in shown_axes(table)),
        *with_texts(
            column("VALID", "{}/{}", table["validation_faults"], table["validation_size"]),
            plain_column(table, "against_best"),
        ),
        plain_column(table, "status"),
        column("SECONDS", "{:.1f}", table["seconds"]),
    ]


def shown_axes(table: pd.DataFrame) -> list[str]:
    """Return the axes to show in addition to the published ones: those with a non-default value; seed if it varies."""
    default = {axis.name: axis.default for axis in fields(Run)}
    found = {name: set(table[name].dropna()) for name in AXES if name in table and name not in TITLES}
    return [name for name, values in found.items() if len(values - {default[name]}) > (name == "seed")]


def _lines(table: pd.DataFrame) -> list[str]:
    """Return the numbers of runs and of diverged runs, and how the best run was selected if there were several."""
    diverged = (table["status"] == "diverged").sum() or "none"
    of_several = table[table.duplicated(["dataset", "seed"], keep=False)]
    compared = set(of_several["dataset"][of_several["status"] == "finished"])
    chosen_on = {dataset: split for dataset, split in splits(table).items() if dataset in compared}
    how = how_chosen("The best run of a dataset and seed has the fewest faults", chosen_on)
    return [f"{counted(len(table), 'run')}, {diverged} diverged.", *how]


RESULTS = TableKind(
    name="results",
    types={
        **AXIS_TYPES,
        "status": TEXT,
        "faults": INTEGER,
        "test_size": INTEGER,
        "accuracy": NUMBER,
        "accuracy_low": NUMBER,
        "accuracy_high": NUMBER,
        "majority_rate": NUMBER,
        "balanced_accuracy": NUMBER,
        "loss": NUMBER,
        "validation_faults": INTEGER,
        "against_best": TEXT,
        "p_holm": NUMBER,
        "seconds": NUMBER,
        "content_sha256": TEXT,
        "run": TEXT,
        "file": TEXT,
        "added": TEXT,
    },
    title="Results",
    lines=_lines,
    columns=_columns,
    marked=lambda table: table["status"] != "finished",
)
