"""Making the tables of an archive again from its runs and gradient checks, as the workflow makes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from handgrad.archive.labels import Labels
from handgrad.archive.members import PUBLISHED
from handgrad.experiment.config import Experiment
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import BEST, best_table
from handgrad.tables.comparison import COMPARISON, comparison_table
from handgrad.tables.complete_results import complete_results
from handgrad.tables.gradient_checks import GRADIENT_CHECKS, checks_table
from handgrad.tables.published import published_table
from handgrad.tables.results import RESULTS
from handgrad.tables.seeds import SEEDS, seeds_table


def tables_again(
    folder: Path,
    experiment: Experiment,
    labels: Mapping[str, Labels],
    runs: Sequence[Summary],
    checks: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each table file. folder: payload of the archive. checks: gradient checks."""
    results = complete_results(runs, {dataset: one.test for dataset, one in labels.items()})
    seeds = seeds_table(results)
    published = published_table(str(folder / PUBLISHED) if experiment.has_published_dataset else None)
    made = [
        (RESULTS, results),
        (SEEDS, seeds),
        (BEST, best_table(seeds, published)),
        (GRADIENT_CHECKS, checks_table(checks)),
    ]
    if experiment.published and experiment.has_published:
        made.append((COMPARISON, comparison_table(seeds, published, experiment.published.loss_divisor)))
    for kind, table in made:
        for ending, text in kind.texts(table).items():
            yield f"results/{experiment.name}/tables/{kind.name}.{ending}", text
