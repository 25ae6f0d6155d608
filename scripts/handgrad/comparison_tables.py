"""Published results beside our own."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from handgrad.errors import HandgradError
from handgrad.published import SETTINGS
from handgrad.tables import (
    Column,
    format_column,
    html_page,
    markdown_table,
    plain_column,
    rows_of,
    typed,
)

#: what a published row and a run must have in common to be compared
KEY: tuple[str, ...] = tuple(SETTINGS)

PUBLISHED_COLUMNS: tuple[str, ...] = (*KEY, "faults", "test_size", "loss")

COMPARISON_COLUMNS: tuple[str, ...] = (
    *KEY,
    "published_faults",
    "faults",
    "difference_percent",
    "published_loss",
    "loss",
    "published_test_size",
    "test_size",
    "status",
    "run",
)

#: a run agrees with the published one if its faults differ by no more than this
WITHIN_PERCENT = 10


def comparison_table(
    results: pd.DataFrame, published: pd.DataFrame, loss_divisor: Mapping[str, float]
) -> pd.DataFrame:
    """Every published row beside each of our runs of the same KEY, with the columns COMPARISON_COLUMNS.

    In the order of the published rows, then of ours; a row that no run answers to has the status ``not
    run``. difference_percent: our faults less the published ones, in percent of these. loss: ours as the
    published losses are normalised, the mean negative log-likelihood a test example times the published
    number of test examples, divided by loss_divisor[dataset]. Where the numbers of test examples differ,
    published faults are taken in proportion.

    Runs on part of the training images are no reproduction, and are left out.

    Raises HandgradError if a dataset that was run has no divisor.
    """
    whole = results[results["train_size"].isna() & (results["validation_size"] == 0)]
    theirs = published.rename(columns={name: f"published_{name}" for name in ("faults", "test_size", "loss")})
    table = theirs.merge(whole[[*PUBLISHED_COLUMNS, "status", "run"]], how="left", on=list(KEY))
    unknown = sorted(set(table.loc[table["run"].notna(), "dataset"]) - set(loss_divisor))
    if unknown:
        raise HandgradError(
            f"published.loss_divisor.{unknown[0]}: missing, but the published table has rows of these "
            "runs; give the number that its losses were divided by"
        )
    expected = table["published_faults"] * table["test_size"] / table["published_test_size"]
    table["difference_percent"] = 100 * (table["faults"] - expected) / expected
    divisor = table["dataset"].map(loss_divisor)
    table["loss"] = table["loss"] * table["published_test_size"] / divisor
    table["status"] = table["status"].fillna("not run")
    return typed(rows_of(table), COMPARISON_COLUMNS)


@dataclass(frozen=True)
class Agreement:
    """Runs at one learning rate that were compared with a published row, and how many agree with theirs.

    A run that diverged is counted and does not agree. rows_run: published rows that have a run at all.
    """

    learning_rate: float
    within: int
    runs: int
    rows_run: int
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.within} of {self.runs} runs at learning rate {self.learning_rate:g} within "
            f"{WITHIN_PERCENT} percent of the published faults ({self.rows_run} of {self.rows} published "
            "rows run)"
        )


def agreements(comparison: pd.DataFrame) -> list[Agreement]:
    """The agreement at each learning rate of the published table, the smallest first."""
    return [
        _agreement(float(rate), rows)  # type: ignore[arg-type]  # a group's key, and we group by floats
        for rate, rows in comparison.groupby("learning_rate")
    ]


def _agreement(learning_rate: float, comparison: pd.DataFrame) -> Agreement:
    run = comparison[comparison["run"].notna()]
    return Agreement(
        learning_rate=learning_rate,
        within=int((run["difference_percent"].abs() <= WITHIN_PERCENT).sum()),
        runs=len(run),
        rows_run=len(run[list(KEY)].drop_duplicates()),
        rows=len(comparison[list(KEY)].drop_duplicates()),
    )


def comparison_columns() -> list[Column]:
    """What people see of a comparison."""
    return [
        *(plain_column(name) for name in KEY),
        plain_column("published_faults", "PUBLISHED FAULTS"),
        plain_column("faults", "FAULTS"),
        format_column("difference_percent", "DIFFERENCE", "+.1f", unit="%"),
        format_column("published_loss", "PUBLISHED LOSS", "#.5g"),
        format_column("loss", "LOSS", "#.5g"),
        plain_column("status", "STATUS"),
        plain_column("run", "RUN"),
    ]


def comparison_html(comparison: pd.DataFrame) -> str:
    """A comparison as a page; runs that are not within WITHIN_PERCENT of the published faults are marked."""
    return html_page(
        "Published and reproduced",
        "; ".join(map(str, agreements(comparison))),
        comparison_columns(),
        rows_of(comparison),
        lambda row: bool(abs(row["difference_percent"]) > WITHIN_PERCENT),
    )


def comparison_markdown(comparison: pd.DataFrame) -> str:
    """A comparison as Markdown: how many runs agree, at each learning rate, and the table."""
    counts = "".join(f"- {agreement}\n" for agreement in agreements(comparison))
    return counts + "\n" + markdown_table(comparison_columns(), rows_of(comparison))
