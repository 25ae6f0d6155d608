"""The table of an experiment's results: one row a run."""

from collections.abc import Iterable
from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING

import pandas as pd

from handgrad.experiment.runs import AXES, Run
from handgrad.tables.selection import how_chosen
from handgrad.tables.table import (
    TITLES,
    Column,
    Row,
    format_column,
    html_page,
    markdown_table,
    plain_column,
    rows_of,
    typed,
)

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
    run's name. What ``result_statistics.with_statistics`` fills in is missing.
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
    """What people see of a results table: the published columns in the published order, and what it lacked.

    An axis that the published table does not have is shown where its values vary, or differ from the
    default.
    """
    return [
        *(plain_column(name) for name in TITLES),
        Column("PREC", _percent),
        *([Column("95% INTERVAL", _interval)] if table["accuracy_low"].notna().any() else []),
        Column("FAULTS", _faults),
        format_column("loss", "LOSS", "#.5g"),
        *(axis_column(name) for name in telling_axes(table)),
        *([Column("VALID", _validation)] if table["validation_faults"].notna().any() else []),
        *([_AGAINST_BEST] if table["against_best"].notna().any() else []),
        plain_column("status", "STATUS"),
        format_column("seconds", "SECONDS", ".1f"),
    ]


def _percent(row: Row) -> str:
    return "" if pd.isna(row["accuracy"]) else f"{100 * row['accuracy']:.2f}%"


def _faults(row: Row) -> str:
    return "" if pd.isna(row["faults"]) else f"{row['faults']}/{row['test_size']}"


def _interval(row: Row) -> str:
    if pd.isna(row["accuracy_low"]):
        return ""
    return f"{100 * row['accuracy_low']:.2f} to {100 * row['accuracy_high']:.2f}"


def _validation(row: Row) -> str:
    return "" if pd.isna(row["validation_faults"]) else f"{row['validation_faults']}/{row['validation_size']}"


_AGAINST_BEST = plain_column("against_best", "AGAINST BEST")


def axis_column(name: str) -> Column:
    """A column that shows an axis outside the published table."""
    shown = plain_column(name, name.replace("_", " ").upper())
    if name != "train_size":
        return shown
    return replace(shown, text=lambda row: shown.text(row) or "all")


def telling_axes(table: pd.DataFrame) -> list[str]:
    """The axes outside the published table that tell a reader something about these runs."""
    telling = []
    for axis in fields(Run):
        if axis.name not in table:
            continue
        values = {None if pd.isna(value) else value for value in table[axis.name]}
        usual = values if axis.default is MISSING else {axis.default}
        if axis.name not in TITLES and (len(values) > 1 or not values <= usual):
            telling.append(axis.name)
    return telling


def results_markdown(table: pd.DataFrame) -> str:
    """A results table as Markdown, and how the best runs were chosen."""
    return f"{markdown_table(result_columns(table), rows_of(table))}\n{how_chosen(table)}\n"


def results_html(table: pd.DataFrame) -> str:
    """A results table as a page of its own; runs that diverged say so in words, and are set off."""
    summary = f"{count_runs(table)}. {how_chosen(table)}".strip()
    return html_page("Results", summary, result_columns(table), rows_of(table), unfinished)


def unfinished(row: Row) -> bool:
    """Whether a row's run did not come to its last epoch, and so has no faults and no loss; it is set off."""
    return bool(row["status"] != "finished")


def count_runs(table: pd.DataFrame) -> str:
    """How many runs there are and how many diverged, in words."""
    runs, diverged = len(table), int((table["status"] == "diverged").sum())
    return f"{runs} run{'' if runs == 1 else 's'}, {diverged or 'none'} diverged"
