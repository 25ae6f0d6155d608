"""The table of an experiment's results: one row a run."""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, Run
from handgrad.tables.columns import (
    TITLES,
    Column,
    column,
    html_page,
    markdown_table,
    percent_column,
    plain_column,
    range_column,
    with_texts,
)
from handgrad.tables.selection import how_chosen
from handgrad.tables.table import Row, typed

if TYPE_CHECKING:  # the tables of other scripts must not depend on what training imports
    from handgrad.storage.run_reader import Summary

RESULT_COLUMNS: tuple[str, ...] = (
    *AXES,
    "status",
    "faults",
    "test_size",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "loss",
    "validation_faults",
    "against_best",
    "p_holm",
    "seconds",
    "content_sha256",
    "run",
)


def results_table(summaries: Iterable["Summary"]) -> pd.DataFrame:
    """One row a run, in the order given, with the columns RESULT_COLUMNS.

    faults, of test_size test examples; accuracy, a fraction; loss, mean negative log-likelihood a test
    example: all after the last epoch, and missing from a run that diverged. validation_faults: of
    validation_size examples, missing where none are held out. seconds: of training and evaluation. run: the
    run's name. What ``significance.with_statistics`` fills in is missing.
    """
    return typed((_row(summary) for summary in summaries), RESULT_COLUMNS)


def _row(summary: "Summary") -> Row:
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
    }


def result_columns(table: pd.DataFrame) -> list[Column]:
    """What people see of a results table: the published columns in the published order, and what it lacked."""
    return [
        *(plain_column(table, name) for name in TITLES),
        percent_column("PREC", table["accuracy"]),
        *with_texts(range_column("95% INTERVAL", table["accuracy_low"], table["accuracy_high"])),
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
    """The axes outside the published table whose values vary in these runs, or differ from the default."""
    shown = []
    for axis in fields(Run):
        if axis.name in table and axis.name not in TITLES:
            values = {None if pd.isna(value) else value for value in table[axis.name]}
            usual = values if axis.default is MISSING else {axis.default}
            if len(values) > 1 or not values <= usual:
                shown.append(axis.name)
    return shown


def results_markdown(table: pd.DataFrame) -> str:
    """A results table as Markdown, and how the best runs were chosen."""
    return f"{markdown_table(result_columns(table))}\n{how_chosen(table)}\n"


def results_html(table: pd.DataFrame) -> str:
    """A results table as a page of its own; runs that diverged say so in words, and are set off."""
    summary = f"{count_runs(table)}. {how_chosen(table)}".strip()
    return html_page("Results", summary, result_columns(table), unfinished(table))


def unfinished(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return which runs diverged, and so have no faults and no loss; they are set off."""
    return table["status"] != "finished"


def count_runs(table: pd.DataFrame) -> str:
    """How many runs there are and how many diverged, in words."""
    return f"{counted(len(table), 'run')}, {(table['status'] == 'diverged').sum() or 'none'} diverged"
