"""The tables of an archive, made again from its runs and gradient checks as the workflow makes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from handgrad.archive.labels import Labels
from handgrad.archive.members import PUBLISHED
from handgrad.common.errors import REMEDY
from handgrad.experiment.config import Experiment
from handgrad.experiment.published import published_rows
from handgrad.storage.run_reader import Summary
from handgrad.tables import best, comparison, gradient_checks, results, seeds
from handgrad.tables.predictions import correct_predictions
from handgrad.tables.significance import with_statistics
from handgrad.tables.table import parse_table, typed

Show = Callable[[pd.DataFrame], str]


def tables_again(
    folder: Path,
    experiment: Experiment,
    labels: Mapping[str, Labels],
    runs: Sequence[Summary],
    checks: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of a table. folder: of the archive."""
    path = f"results/{experiment.name}/tables"
    right = correct_predictions(runs, {dataset: one.test for dataset, one in labels.items()})
    result = with_statistics(results.results_table(runs), right)
    yield from _files(f"{path}/results", result, results.results_markdown, results.results_html)
    over_seeds = seeds.seeds_table(_read_again(result, results.RESULT_COLUMNS))
    yield from _files(f"{path}/seeds", over_seeds, seeds.seeds_markdown, seeds.seeds_html)
    check = gradient_checks.checks_table(checks)
    yield from _files(f"{path}/gradient_checks", check, gradient_checks.checks_markdown, gradient_checks.checks_html)
    over_seeds = _read_again(over_seeds, seeds.SEEDS_COLUMNS)
    rows = published_rows(folder / PUBLISHED) if experiment.has_published_dataset else None
    bests = best.best_table(over_seeds, None if rows is None else typed(rows, best.PUBLISHED_COLUMNS))
    yield from _files(f"{path}/best", bests, best.best_markdown, best.best_html)
    if rows and experiment.published and experiment.has_published:
        theirs = typed(rows, comparison.PUBLISHED_COLUMNS)
        compared = comparison.comparison_table(over_seeds, theirs, experiment.published.loss_divisor)
        yield from _files(f"{path}/comparison", compared, comparison.comparison_markdown, comparison.comparison_html)


def _files(path: str, table: pd.DataFrame, markdown: Show, html: Show) -> Iterator[tuple[str, str]]:
    yield from ((f"{path}.csv", _csv(table)), (f"{path}.md", markdown(table)), (f"{path}.html", html(table)))


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))


def _read_again(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table as the job that takes it reads it."""
    return parse_table(_csv(table).encode(), "table", columns, REMEDY)
