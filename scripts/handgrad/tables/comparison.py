"""Published results beside our own, and the verdict on each published row."""

from collections.abc import Mapping

import pandas as pd

from handgrad.common.errors import HandgradError
from handgrad.experiment.published import KNOWN, SETTINGS, SPREAD
from handgrad.tables.results import axis_column, telling_axes
from handgrad.tables.seeds import SETTING_AXES, faults_range
from handgrad.tables.table import (
    Column,
    Row,
    format_column,
    html_page,
    markdown_table,
    plain_column,
    rows_of,
    typed,
)

#: what a published row and a run must have in common to be compared
KEY: tuple[str, ...] = tuple(SETTINGS)

#: what the published rows do not tell
PROTOCOL: tuple[str, ...] = tuple(axis for axis in SETTING_AXES if axis not in (*KEY, *KNOWN))

PUBLISHED_COLUMNS: tuple[str, ...] = (*KEY, "faults", "test_size", "loss", *SPREAD)

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

COMPARISON_COLUMNS: tuple[str, ...] = (
    *KEY,
    *PROTOCOL,
    "published_faults",
    "published_test_size",
    "published_loss",
    *_OURS,
    "difference_percent",
    "verdict",
    "left_out",
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

    The columns are COMPARISON_COLUMNS. seeds: a table of ``seeds_table``. One row for each published row, in
    their order; left_out: how many are of datasets that we did not run. Where our runs of a KEY differ in
    more than the seed, one for each kind of them, which PROTOCOL tells apart. Our figures are those over the
    seeds. difference_percent: the mean of our faults less the published ones, in percent of
    these. loss_mean, loss_sd: as the published losses are normalised, the mean negative log-likelihood a
    test example times the published number of test examples, divided by loss_divisor[dataset]. Where the
    numbers of test examples differ, published faults are taken in proportion. verdict: by RULE.

    Runs that differ in what is KNOWN of the published ones are no reproduction, and are left out.

    Raises HandgradError if a dataset that was run has no divisor.
    """
    published = published.reindex(columns=PUBLISHED_COLUMNS)  # SPREAD may be absent
    trained = published[published["dataset"].isin(seeds["dataset"])]
    theirs = trained.rename(columns={name: f"published_{name}" for name in ("faults", "test_size", "loss")})
    table = theirs.merge(_reproductions(seeds)[[*KEY, *PROTOCOL, *_OURS]], how="left", on=list(KEY))
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
    rows = rows_of(table.assign(expected=expected, left_out=len(published) - len(trained)))
    return typed(({**row, "verdict": verdict(row)} for row in rows), COMPARISON_COLUMNS)


def _reproductions(seeds: pd.DataFrame) -> pd.DataFrame:
    """The rows that are as ``published.comparable`` demands of a run."""
    kept = pd.Series(data=True, index=seeds.index)
    for axis, value in KNOWN.items():
        kept &= seeds[axis].isna() if value is None else seeds[axis] == value
    return seeds[kept]


def verdict(row: Row) -> str:
    """One of VERDICTS, by RULE. expected: the published faults, for our number of test examples."""
    if pd.isna(row["seeds"]):
        return NOT_RUN
    if row["diverged"] > 0:
        return UNSTABLE if row["finished"] > 0 or _known_unstable(row) else DIFFERS
    if row["faults_max"] > UNSTABLE_RATIO * row["faults_min"] or _known_unstable(row):
        return UNSTABLE
    within = abs(row["difference_percent"]) <= WITHIN_PERCENT
    between = row["faults_min"] <= row["expected"] <= row["faults_max"]
    return AGREES if within or between else DIFFERS


def _known_unstable(row: Row) -> bool:
    """Whether a row of which we ran few seeds is unstable over those of the published table."""
    fewest, most = (row[column] for column in SPREAD)
    return bool(row["seeds"] < ENOUGH_SEEDS and pd.notna(most) and most > UNSTABLE_RATIO * fewest)


def count_verdicts(comparison: pd.DataFrame) -> str:
    """How many rows have each verdict, in words: ``72 rows: 60 agree, 12 differ``."""
    plural = {AGREES: "agree", DIFFERS: "differ"}
    counts = comparison["verdict"].value_counts()
    told = [f"{counts[name]} {plural.get(name, name)}" for name in VERDICTS if counts.get(name, 0)]
    return f"{len(comparison)} row{'' if len(comparison) == 1 else 's'}: {', '.join(told) or 'none'}"


def verdicts(comparison: pd.DataFrame) -> list[str]:
    """How many rows have each verdict: in all, and at each learning rate, the smallest first."""
    return [
        f"All {count_verdicts(comparison)}.",
        *(f"Learning rate {rate:g}, {count_verdicts(rows)}." for rate, rows in comparison.groupby("learning_rate")),
        *([alone] if (alone := _one_seed(comparison)) else []),
        *([others] if (others := _left_out(comparison)) else []),
    ]


def _left_out(comparison: pd.DataFrame) -> str:
    """How many published rows are of other datasets than those of the experiment."""
    count = int(comparison["left_out"].max()) if len(comparison) else 0
    rows = "row is" if count == 1 else "rows are"
    return f"{count} published {rows} left out: of datasets that this experiment does not train." if count else ""


def _one_seed(comparison: pd.DataFrame) -> str:
    """What must be said of rows with a single seed, except those that are known to be unstable."""
    alone = int(((comparison["seeds"] == 1) & (comparison["verdict"] != UNSTABLE)).sum())
    return f"{alone} with one seed, which cannot show whether they are unstable." if alone else ""


def comparison_columns(comparison: pd.DataFrame) -> list[Column]:
    """What people see of a comparison."""
    run = comparison[comparison["seeds"].notna()]
    shown = [name for name in telling_axes(run) if name in PROTOCOL] if len(run) else []
    return [
        *(plain_column(name) for name in KEY),
        *(axis_column(name) for name in shown),
        plain_column("published_faults", "PUBLISHED FAULTS"),
        format_column("faults_mean", "MEAN FAULTS", ".1f"),
        Column("OVER SEEDS", faults_range),
        format_column("difference_percent", "DIFFERENCE", "+.1f", unit="%"),
        format_column("published_loss", "PUBLISHED LOSS", "#.5g"),
        format_column("loss_mean", "MEAN LOSS", "#.5g"),
        format_column("loss_sd", "SD LOSS", ".2g"),
        Column("SEEDS", _seeds),
        plain_column("verdict", "VERDICT"),
    ]


def _seeds(row: Row) -> str:
    if pd.isna(row["seeds"]):
        return ""
    return f"{row['seeds']}, {row['diverged']} diverged" if row["diverged"] else f"{row['seeds']}"


def comparison_html(comparison: pd.DataFrame) -> str:
    """A comparison as a page; rows that were run and do not agree are marked."""
    return html_page(
        "Published and reproduced",
        " ".join([*verdicts(comparison), RULE]),
        comparison_columns(comparison),
        rows_of(comparison),
        disagrees,
    )


def disagrees(row: Row) -> bool:
    """Whether a row was run and does not agree with the published one; it is set off."""
    return row["verdict"] in (DIFFERS, UNSTABLE)


def comparison_markdown(comparison: pd.DataFrame) -> str:
    """A comparison as Markdown: the counts of verdicts, the table, and the rule of the verdicts."""
    counts = "".join(f"- {line}\n" for line in verdicts(comparison))
    return f"{counts}\n{markdown_table(comparison_columns(comparison), rows_of(comparison))}\n{RULE}\n"
