"""The table over seeds: one row for each run with the seed taken out."""

import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, canonical_text
from handgrad.tables.columns import (
    TITLES,
    Column,
    column,
    html_page,
    markdown_table,
    percent_column,
    plain_column,
    with_texts,
)
from handgrad.tables.results import shown_axes
from handgrad.tables.table import typed

#: what runs that differ in the seed alone have in common
SETTING_AXES: tuple[str, ...] = tuple(axis for axis in AXES if axis != "seed")

_MEASURED = ("accuracy", "faults", "loss")

SEEDS_COLUMNS: tuple[str, ...] = (
    *SETTING_AXES,
    "seeds",
    "finished",
    "diverged",
    "test_size",
    *(f"{name}_{what}" for name in _MEASURED for what in ("mean", "sd")),
    "faults_min",
    "faults_max",
    "validation_faults_mean",
)


def seeds_table(results: pd.DataFrame) -> pd.DataFrame:
    """One row for each run with the seed taken out, in the order of the first ones, with SEEDS_COLUMNS.

    seeds: how many there are, of which finished and diverged. Means, standard deviations (ddof 1, missing
    with fewer than two), the smallest and the largest number are over the seeds that finished.
    validation_faults_mean: of validation_size examples, missing where none are held out.
    """
    runs = results.assign(
        seeds=1,
        finished=(results["status"] == "finished").astype(int),
        diverged=(results["status"] == "diverged").astype(int),
        **{name: results[name].astype("float64") for name in (*_MEASURED, "validation_faults")},
    )
    # dropna: train_size is missing where all examples are used
    groups = runs.groupby(list(SETTING_AXES), dropna=False, sort=False)
    table = groups.agg(
        seeds=("seeds", "sum"),
        finished=("finished", "sum"),
        diverged=("diverged", "sum"),
        test_size=("test_size", "first"),
        faults_min=("faults", "min"),
        faults_max=("faults", "max"),
        validation_faults_mean=("validation_faults", "mean"),
        **{f"{name}_mean": (name, "mean") for name in _MEASURED},
        **{f"{name}_sd": (name, "std") for name in _MEASURED},
    ).reset_index()
    return typed(table, SEEDS_COLUMNS)


def seeds_columns(table: pd.DataFrame) -> list[Column]:
    """What people see of a table over seeds."""
    return [
        *(plain_column(table, name) for name in TITLES),
        *(plain_column(table, name) for name in shown_axes(table)),
        plain_column(table, "seeds"),
        plain_column(table, "diverged"),
        percent_column("MEAN PREC", table["accuracy_mean"]),
        column("SD PREC", "{:.2f}", 100 * table["accuracy_sd"]),
        column("MEAN FAULTS", "{:.1f}", table["faults_mean"]),
        column("SD FAULTS", "{:.1f}", table["faults_sd"]),
        faults_column(table, "FAULTS"),
        column("MEAN LOSS", "{:#.5g}", table["loss_mean"]),
        column("SD LOSS", "{:.2g}", table["loss_sd"]),
        *with_texts(validation_column(table)),
    ]


def validation_column(table: pd.DataFrame) -> Column:
    """The mean of the validation faults over the seeds, of the images that are held out."""

    def text(faults: float, size: int) -> str:
        return f"{canonical_text(round(faults, 1))}/{size}"

    return column("MEAN VALID", text, table["validation_faults_mean"], table["validation_size"])


def seeds_column(table: pd.DataFrame) -> Column:
    """How many seeds there are, and how many of them diverged if any did."""

    def text(seeds: int, diverged: int) -> str:
        return f"{seeds}, {diverged} diverged" if diverged else f"{seeds}"

    return column("SEEDS", text, table["seeds"], table["diverged"])


def faults_column(table: pd.DataFrame, title: str) -> Column:
    """The faults of the seeds, from the fewest to the most; of one seed its faults, of none nothing."""

    def text(low: int, high: int) -> str:
        return f"{low}" if low == high else f"{low} to {high}"

    return column(title, text, table["faults_min"], table["faults_max"])


def count_seeds(table: pd.DataFrame) -> str:
    """How many settings there are and with how many seeds, in words."""
    fewest, most = (0, 0) if table.empty else (table["seeds"].min(), table["seeds"].max())
    seeds = counted(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    return f"{counted(len(table), 'setting')}, {seeds} each; {table['diverged'].sum() or 'none'} diverged."


def seeds_markdown(table: pd.DataFrame) -> str:
    """A table over seeds as Markdown."""
    return markdown_table(seeds_columns(table))


def seeds_html(table: pd.DataFrame) -> str:
    """A table over seeds as a page; rows of which a seed diverged are set off, and say so in numbers."""
    return html_page("Over seeds", count_seeds(table), seeds_columns(table), some_diverged(table))


def some_diverged(table: pd.DataFrame) -> "pd.Series[bool]":
    """Of which settings a seed diverged; they are set off."""
    return table["diverged"] > 0
