"""The comparison of published and reproduced results, with a verdict on each published row."""

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

#: a published row is compared with the runs that have equal values of these axes
KEY: tuple[str, ...] = tuple(SETTINGS)

#: axes whose values the published table does not give
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

#: a row agrees if the mean of our faults differs from the published faults by at most this percentage
WITHIN_PERCENT = 10
#: a row is unstable if the largest number of faults of a seed is more than this many times the smallest
UNSTABLE_RATIO = 2
#: with fewer seeds, the published faults over seeds also decide whether a row is unstable
ENOUGH_SEEDS = 5

VERDICTS = ("agrees", "differs", "unstable over seeds", "not run")
AGREES, DIFFERS, UNSTABLE, NOT_RUN = VERDICTS

RULE = (
    f"Unstable over seeds: the seed with the most faults has more than {UNSTABLE_RATIO} times the faults of the seed "
    "with the fewest, or some seeds diverged and others did not. "
    f"If we ran fewer than {ENOUGH_SEEDS} seeds, the same rule also applies to {' and '.join(SPREAD)} of the published "
    "table. "
    f"Agrees: not unstable, no seed diverged, and the mean of our faults is within {WITHIN_PERCENT} percent of the "
    "published faults or the published faults are between our smallest and largest number. "
    "Differs: any other row that was run."
)


def comparison_table(seeds: pd.DataFrame, published: pd.DataFrame, loss_divisor: Mapping[str, float]) -> pd.DataFrame:
    """Return a table of the kind COMPARISON: each published row of the datasets that we ran, with our runs of its KEY.

    seeds: from ``seeds_table``. published: from ``published_table``.

    Rows are in the published order. If our runs of a KEY differ in PROTOCOL, each combination has its own row. Runs
    with values that differ from KNOWN are not a reproduction and are left out.

    - Our columns: statistics over the seeds.
    - difference_percent: the mean of our faults minus the published faults, in percent of the published faults. If
      the numbers of test examples differ, published faults are scaled in proportion.
    - loss_mean, loss_sd: in the published normalisation. This is the mean negative log-likelihood of a test example,
      times the published number of test examples, divided by loss_divisor[dataset].
    - verdict: by RULE.
    - left_out: the number of published rows of datasets that we did not run.

    Raises HandgradError if a dataset that was run has no divisor.
    """
    trained = published[published["dataset"].isin(seeds["dataset"])]
    theirs = trained.rename(columns={name: f"published_{name}" for name in ("faults", "test_size", "loss")})
    theirs = theirs.assign(**KNOWN).astype({axis: AXIS_TYPES[axis] for axis in KNOWN})
    table = theirs.merge(seeds[[*SETTING_AXES, *_OURS]], how="left", on=[*KEY, *KNOWN])
    unknown = sorted(set(table.loc[table["seeds"].notna(), "dataset"]) - set(loss_divisor))
    if unknown:
        raise HandgradError(
            f"published.loss_divisor.{unknown[0]}: missing, but the published table has rows of this dataset; give the "
            "number by which the published losses were divided"
        )
    expected = (table["published_faults"] * table["test_size"] / table["published_test_size"]).astype("float64")
    table["difference_percent"] = 100 * (table["faults_mean"] - expected) / expected
    divisor = table["dataset"].map(loss_divisor).astype("float64")  # without rows, map returns texts
    for name in ("loss_mean", "loss_sd"):
        table[name] = table[name] * table["published_test_size"] / divisor
    return COMPARISON.typed(table.assign(verdict=_verdicts(table, expected), left_out=len(published) - len(trained)))


def _verdicts(table: pd.DataFrame, expected: "pd.Series[float]") -> NDArray[Any]:
    """Return a verdict for each row, by RULE. expected: published faults, scaled to our number of test examples."""
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
    """Return the number of rows of each verdict as text: ``72 rows: 60 agree, 12 differ``."""
    words = {AGREES: "agree", DIFFERS: "differ"}
    counts = comparison["verdict"].value_counts()
    parts = [f"{counts[name]} {words.get(name, name)}" for name in VERDICTS if name in counts]
    return f"{counted(len(comparison), 'row')}: {', '.join(parts) or 'none'}"


def _lines(comparison: pd.DataFrame) -> list[str]:
    """Return the counts of verdicts, in total and by learning rate, of rows with one seed and of rows left out."""
    alone = int(((comparison["seeds"] == 1) & (comparison["verdict"] != UNSTABLE)).sum())
    left_out = 0 if comparison.empty else int(comparison["left_out"].max())
    return [
        f"All {count_verdicts(comparison)}.",
        *(f"Learning rate {rate:g}, {count_verdicts(rows)}." for rate, rows in comparison.groupby("learning_rate")),
        *([f"{counted(alone, 'row')} with one seed: instability over seeds cannot be detected."] if alone else []),
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
    title="Published and reproduced results",
    lines=_lines,
    columns=_columns,
    marked=lambda comparison: comparison["verdict"].isin((DIFFERS, UNSTABLE)),
    note=RULE,
)
