"""The table of published and reproduced results, and the verdict on each published row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.published import KNOWN, SETTINGS, SPREAD
from handgrad.tables.columns import Column, column, plain_column
from handgrad.tables.results import shown_axes
from handgrad.tables.seeds import SEEDS, SETTING_AXES, faults_column
from handgrad.tables.table import AXIS_TYPES, INTEGER, NUMBER, TEXT, TableKind

#: what a published row and a run must have in common to be compared
KEY: tuple[str, ...] = tuple(SETTINGS)

#: what the published rows leave open
PROTOCOL: tuple[str, ...] = tuple(axis for axis in SETTING_AXES if axis not in (*KEY, *KNOWN))

_OURS = (
    "test_size",
    "seeds",
    "finished",
    "diverged",
    "faults_mean",
    "faults_sd",
    "faults_min",
    "faults_max",
    "loss_mean",
    "loss_sd",
)

#: a row agrees if the mean of our faults differs from the published faults by no more than this
WITHIN_PERCENT = 10
#: a row is unstable if the seed with the most faults has more than this many times the fewest
UNSTABLE_RATIO = 2
#: with fewer seeds, what the published table says about seeds decides whether a row is unstable
ENOUGH_SEEDS = 5

VERDICTS = ("agrees", "differs", "unstable over seeds", "not run")
AGREES, DIFFERS, UNSTABLE, NOT_RUN = VERDICTS

RULE = (
    f"Unstable over seeds: the seed with the most faults has more than {UNSTABLE_RATIO} times the faults of "
    "the one with the fewest, or some seeds diverged and others did not. One seed cannot show that, so where "
    f"we ran fewer than {ENOUGH_SEEDS}, the seeds in the published table's columns "
    f"{' and '.join(SPREAD)} count as well. Agrees: not unstable, and the mean over the seeds is within "
    f"{WITHIN_PERCENT} percent of the published faults, or these lie between the fewest and the most. "
    "Differs: any other row that was run."
)


def comparison_table(seeds: pd.DataFrame, published: pd.DataFrame, loss_divisor: Mapping[str, float]) -> pd.DataFrame:
    """The published rows of the datasets that we ran, each with our runs of the same KEY.

    Of the kind COMPARISON. seeds: a table of ``seeds_table``; published: one of ``published_table``. One row for each
    published row, in their order; left_out: how many are of datasets that we did not run. Where our runs of a KEY
    differ in more than the seed, one for each kind of them, which differ in PROTOCOL. Our numbers are those over the
    seeds. difference_percent: the mean of our faults less the published ones, in percent of
    these. loss_mean, loss_sd: as the published losses are normalised, the mean negative log-likelihood a
    test example times the published number of test examples, divided by loss_divisor[dataset]. Where the
    numbers of test examples differ, published faults are taken in proportion. verdict: by RULE.

    Runs that differ in what is KNOWN of the published ones are no reproduction, and are left out.

    Raises HandgradError if a dataset that was run has no divisor.
    """
    trained = published[published["dataset"].isin(seeds["dataset"])]
    theirs = trained.rename(columns={name: f"published_{name}" for name in ("faults", "test_size", "loss")})
    theirs = theirs.assign(**KNOWN).astype({axis: AXIS_TYPES[axis] for axis in KNOWN})
    table = theirs.merge(seeds[[*SETTING_AXES, *_OURS]], how="left", on=[*KEY, *KNOWN])
    unknown = sorted(set(table.loc[table["seeds"].notna(), "dataset"]) - set(loss_divisor))
    if unknown:
        raise HandgradError(
            f"published.loss_divisor.{unknown[0]}: missing, but the published table has rows of these "
            "runs; give the number that its losses were divided by"
        )
    expected = (table["published_faults"] * table["test_size"] / table["published_test_size"]).astype("float64")
    table["difference_percent"] = 100 * (table["faults_mean"] - expected) / expected
    for name in ("loss_mean", "loss_sd"):
        table[name] = table[name] * table["published_test_size"] / table["dataset"].map(loss_divisor)
    return COMPARISON.typed(table.assign(verdict=_verdicts(table, expected), left_out=len(published) - len(trained)))


def _verdicts(table: pd.DataFrame, expected: "pd.Series[float]") -> NDArray[Any]:
    """One of VERDICTS for each row, by RULE. expected: the published faults, for our number of test examples."""
    seeds, finished, diverged, fewest, most, theirs_fewest, theirs_most = (
        table[name].astype("float64") for name in ("seeds", "finished", "diverged", "faults_min", "faults_max", *SPREAD)
    )
    unstable = (
        (most > UNSTABLE_RATIO * fewest)
        | (diverged > 0) & (finished > 0)
        | (seeds < ENOUGH_SEEDS) & (theirs_most > UNSTABLE_RATIO * theirs_fewest)
    )
    within = table["difference_percent"].abs() <= WITHIN_PERCENT
    agrees = (diverged == 0) & (within | expected.between(fewest, most))
    return np.select([seeds.isna(), unstable, agrees], [NOT_RUN, UNSTABLE, AGREES], DIFFERS)


def count_verdicts(comparison: pd.DataFrame) -> str:
    """How many rows have each verdict, in words: ``72 rows: 60 agree, 12 differ``."""
    words = {AGREES: "agree", DIFFERS: "differ"}
    counts = comparison["verdict"].value_counts()
    parts = [f"{counts[name]} {words.get(name, name)}" for name in VERDICTS if name in counts]
    return f"{counted(len(comparison), 'row')}: {', '.join(parts) or 'none'}"


def _lines(comparison: pd.DataFrame) -> list[str]:
    """How many rows have each verdict: in all, and at each learning rate, the smallest first.

    And how many rows have one seed and are not known to be unstable, and how many published ones are left out.
    """
    alone = int(((comparison["seeds"] == 1) & (comparison["verdict"] != UNSTABLE)).sum())
    left_out = 0 if comparison.empty else int(comparison["left_out"].max())
    return [
        f"All {count_verdicts(comparison)}.",
        *(f"Learning rate {rate:g}, {count_verdicts(rows)}." for rate, rows in comparison.groupby("learning_rate")),
        *([f"{alone} with one seed, which cannot show whether they are unstable."] if alone else []),
        *([f"Left out: {counted(left_out, 'published row')} of datasets that were not trained."] if left_out else []),
    ]


def _columns(comparison: pd.DataFrame) -> list[Column]:
    return [
        *(plain_column(comparison, name) for name in (*KEY, *shown_axes(comparison))),
        plain_column(comparison, "published_faults"),
        column("MEAN FAULTS", "{:.1f}", comparison["faults_mean"]),
        faults_column(comparison, "OVER SEEDS"),
        column("DIFFERENCE", "{:+.1f}%", comparison["difference_percent"]),
        column("PUBLISHED LOSS", "{:#.5g}", comparison["published_loss"]),
        column("MEAN LOSS", "{:#.5g}", comparison["loss_mean"]),
        column("SD LOSS", "{:.2g}", comparison["loss_sd"]),
        *(plain_column(comparison, name) for name in ("seeds", "diverged", "verdict")),
    ]


COMPARISON = TableKind(
    name="comparison",
    types={
        **{axis: AXIS_TYPES[axis] for axis in (*KEY, *PROTOCOL)},
        "published_faults": INTEGER,
        "published_test_size": INTEGER,
        "published_loss": NUMBER,
        **{name: SEEDS.types[name] for name in _OURS},
        "difference_percent": NUMBER,
        "verdict": TEXT,
        "left_out": INTEGER,
    },
    title="Published and reproduced",
    lines=_lines,
    columns=_columns,
    marked=lambda comparison: comparison["verdict"].isin((DIFFERS, UNSTABLE)),
    note=RULE,
)
