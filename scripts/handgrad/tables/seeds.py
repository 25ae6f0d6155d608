"""The table over seeds, with one row for each setting (a run without its seed)."""

import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES
from handgrad.tables.columns import TITLES, Column, column, percent_column, plain_column, with_texts
from handgrad.tables.results import shown_axes
from handgrad.tables.table import AXIS_TYPES, INTEGER, NUMBER, TableKind

#: the axes of a setting
SETTING_AXES: tuple[str, ...] = tuple(axis for axis in AXES if axis != "seed")

_MEASURED = ("accuracy", "faults", "loss")
_AVERAGED = ("validation_faults", "balanced_accuracy")


def seeds_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the kind SEEDS with one row for each setting, in the order of their first runs.

    - seeds, finished, diverged: the numbers of all seeds, of finished seeds and of diverged seeds.
    - Mean, standard deviation (ddof 1), smallest and largest value: over the seeds that finished. With fewer than
      two, the standard deviation is missing.
    - validation_faults_mean (of validation_size examples): missing if no examples are held out.
    - majority_rate, balanced_accuracy_mean: see ``class_balance``.
    - finalist: 1 if a search trained the setting with more seeds, otherwise 0.
    """
    runs = results.assign(
        seeds=1,
        finished=(results["status"] == "finished").astype(int),
        diverged=(results["status"] == "diverged").astype(int),
        finalist=(results["added"] == "finalist").astype(int),
        **{name: results[name].astype("float64") for name in (*_MEASURED, *_AVERAGED)},
    )
    # dropna: train_size is missing if all examples are used
    groups = runs.groupby(list(SETTING_AXES), dropna=False, sort=False)
    table = groups.agg(
        seeds=("seeds", "sum"),
        finished=("finished", "sum"),
        diverged=("diverged", "sum"),
        test_size=("test_size", "first"),
        faults_min=("faults", "min"),
        faults_max=("faults", "max"),
        majority_rate=("majority_rate", "first"),
        finalist=("finalist", "max"),
        **{f"{name}_mean": (name, "mean") for name in _AVERAGED},
        **{f"{name}_mean": (name, "mean") for name in _MEASURED},
        **{f"{name}_sd": (name, "std") for name in _MEASURED},
    ).reset_index()
    return SEEDS.typed(table)


def _columns(table: pd.DataFrame) -> list[Column]:
    return [
        *(plain_column(table, name) for name in TITLES),
        plain_column(table, "seeds"),
        plain_column(table, "diverged"),
        percent_column("MEAN PREC", table["accuracy_mean"]),
        column("SD PREC", "{:.2f}", 100 * table["accuracy_sd"]),
        column("MEAN FAULTS", "{:.1f}", table["faults_mean"]),
        column("SD FAULTS", "{:.1f}", table["faults_sd"]),
        faults_column(table, "FAULTS"),
        column("MEAN LOSS", "{:#.5g}", table["loss_mean"]),
        column("SD LOSS", "{:.2g}", table["loss_sd"]),
        *with_texts(validation_column(table), percent_column("MEAN BALANCED PREC", table["balanced_accuracy_mean"])),
        *(plain_column(table, name) for name in shown_axes(table)),
    ]


def validation_column(table: pd.DataFrame) -> Column:
    """Return a column of the mean validation faults over the seeds and the number of validation examples."""
    return column("MEAN VALID", "{:.1f}/{}", table["validation_faults_mean"], table["validation_size"])


def faults_column(table: pd.DataFrame, title: str) -> Column:
    """Return a column of the fewest and the most faults of a seed; blank if no seed finished."""
    return column(
        title,
        lambda low, high: f"{low}" if low == high else f"{low} to {high}",
        table["faults_min"],
        table["faults_max"],
    )


def _lines(table: pd.DataFrame) -> list[str]:
    """Return the numbers of settings, runs and diverged runs."""
    runs, diverged = table[["seeds", "diverged"]].sum()
    return [f"{counted(len(table), 'setting')} of {counted(runs, 'run')}, {diverged or 'none'} diverged."]


SEEDS = TableKind(
    name="seeds",
    types={
        **{axis: AXIS_TYPES[axis] for axis in SETTING_AXES},
        **dict.fromkeys(("seeds", "finished", "diverged", "test_size"), INTEGER),
        **{f"{name}_{what}": NUMBER for name in _MEASURED for what in ("mean", "sd")},
        "faults_min": INTEGER,
        "faults_max": INTEGER,
        "validation_faults_mean": NUMBER,
        "majority_rate": NUMBER,
        "balanced_accuracy_mean": NUMBER,
        "finalist": INTEGER,
    },
    title="Results over seeds",
    lines=_lines,
    columns=_columns,
    marked=lambda table: table["diverged"] > 0,
)
