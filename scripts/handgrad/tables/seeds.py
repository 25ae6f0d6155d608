"""The table over seeds: one row for each run with the seed taken out."""

from collections.abc import Callable

import pandas as pd

from handgrad.experiment.runs import AXES, canonical_text
from handgrad.tables.results import axis_column, telling_axes
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

#: what runs that differ in the seed alone have in common
SETTING_AXES: tuple[str, ...] = tuple(axis for axis in AXES if axis != "seed")

_FIGURES = ("accuracy", "faults", "loss")

SEEDS_COLUMNS: tuple[str, ...] = (
    *SETTING_AXES,
    "seeds",
    "finished",
    "diverged",
    "test_size",
    *(f"{figure}_{what}" for figure in _FIGURES for what in ("mean", "sd")),
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
        **{name: results[name].astype("float64") for name in (*_FIGURES, "validation_faults")},
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
        **{f"{figure}_{name}": (figure, name) for figure in _FIGURES for name in ("mean", "std")},
    ).reset_index()
    return typed(rows_of(table.rename(columns=lambda name: name.replace("_std", "_sd"))), SEEDS_COLUMNS)


def seeds_columns(table: pd.DataFrame) -> list[Column]:
    """What people see of a table over seeds."""
    return [
        *(plain_column(name) for name in TITLES),
        *(axis_column(name) for name in telling_axes(table)),
        plain_column("seeds", "SEEDS"),
        plain_column("diverged", "DIVERGED"),
        Column("MEAN PREC", _percent("accuracy_mean", "%")),
        Column("SD PREC", _percent("accuracy_sd")),
        format_column("faults_mean", "MEAN FAULTS", ".1f"),
        format_column("faults_sd", "SD FAULTS", ".1f"),
        Column("FAULTS", faults_range),
        format_column("loss_mean", "MEAN LOSS", "#.5g"),
        format_column("loss_sd", "SD LOSS", ".2g"),
        *([VALIDATION] if table["validation_faults_mean"].notna().any() else []),
    ]


def _validation(row: Row) -> str:
    if pd.isna(row["validation_faults_mean"]):
        return ""
    return f"{canonical_text(round(row['validation_faults_mean'], 1))}/{row['validation_size']}"


VALIDATION = Column("MEAN VALID", _validation)


def _percent(name: str, unit: str = "") -> Callable[[Row], str]:
    def text(row: Row) -> str:
        return "" if pd.isna(row[name]) else f"{100 * row[name]:.2f}{unit}"

    return text


def faults_range(row: Row) -> str:
    """The faults of the seeds, from the fewest to the most; of one seed its faults, of none nothing."""
    if pd.isna(row["faults_min"]):
        return ""
    low, high = row["faults_min"], row["faults_max"]
    return f"{low}" if low == high else f"{low} to {high}"


def count_seeds(table: pd.DataFrame) -> str:
    """How many settings there are and with how many seeds, in words."""
    seeds = sorted({int(count) for count in table["seeds"]})
    diverged = int(table["diverged"].sum())
    settings = f"{len(table)} run{'' if len(table) == 1 else 's'} with the seed taken out"
    of = " or ".join(map(str, seeds)) if len(seeds) < 4 else f"{seeds[0]} to {seeds[-1]}"
    each = f", {of} seed{'' if seeds == [1] else 's'} each" if seeds else ""
    return f"{settings}{each}; {diverged or 'none'} diverged."


def seeds_markdown(table: pd.DataFrame) -> str:
    """A table over seeds as Markdown."""
    return markdown_table(seeds_columns(table), rows_of(table))


def seeds_html(table: pd.DataFrame) -> str:
    """A table over seeds as a page; rows of which a seed diverged are set off, and say so in numbers."""
    return html_page(
        "Over seeds",
        count_seeds(table),
        seeds_columns(table),
        rows_of(table),
        some_diverged,
    )


def some_diverged(row: Row) -> bool:
    """Whether a seed of a row diverged; it is set off."""
    return bool(row["diverged"] > 0)
