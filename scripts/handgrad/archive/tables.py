"""The tables of an archive, made again from its runs and gradient checks as the workflow makes them."""

from collections.abc import Iterator, Mapping, Sequence
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


def tables_again(
    folder: Path,
    experiment: Experiment,
    labels: Mapping[str, Labels],
    runs: Sequence[Summary],
    checks: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each table. folder: of the archive; checks: gradient checks by their names."""
    right = correct_predictions(runs, {dataset: one.test_labels for dataset, one in labels.items()})
    result = with_statistics(results.results_table(runs), right)
    seed = seeds.seeds_table(_read_again(result, results.RESULT_COLUMNS))
    check = gradient_checks.checks_table(checks.values())
    rows = published_rows(folder / PUBLISHED) if experiment.has_published_dataset else None
    theirs = None if rows is None else typed(rows, best.PUBLISHED_COLUMNS)
    seed_again = _read_again(seed, seeds.SEEDS_COLUMNS)
    bests = best.best_table(seed_again, theirs)
    made = {
        "results": (result, results.results_markdown(result), results.results_html(result)),
        "seeds": (seed, seeds.seeds_markdown(seed), seeds.seeds_html(seed)),
        "best": (bests, best.best_markdown(bests), best.best_html(bests)),
        "gradient_checks": (check, gradient_checks.checks_markdown(check), gradient_checks.checks_html(check)),
    }
    if rows and experiment.published and experiment.has_published:
        typed_rows = typed(rows, comparison.PUBLISHED_COLUMNS)
        compared = comparison.comparison_table(seed_again, typed_rows, experiment.published.loss_divisor)
        texts = comparison.comparison_markdown(compared), comparison.comparison_html(compared)
        made["comparison"] = (compared, *texts)
    for name, (table, markdown, html) in made.items():
        start = f"results/{experiment.name}/tables/{name}"
        yield from ((f"{start}.csv", _csv(table)), (f"{start}.md", markdown), (f"{start}.html", html))


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))


def _read_again(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table as the job that takes it reads it."""
    return parse_table(_csv(table).encode(), "table", columns, REMEDY)
