"""Making the tables of an archive again from its runs and gradient checks, as the workflow makes them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handgrad.archive.labels import Labels
from handgrad.archive.members import PUBLISHED
from handgrad.experiment.config import Experiment
from handgrad.experiment.runs import Run
from handgrad.layout.paths import finalist_inputs, ranked_files
from handgrad.search.parts import Part, Shape, finalist_runs, read_parts
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import BEST, best_table
from handgrad.tables.comparison import COMPARISON, comparison_table
from handgrad.tables.complete_results import complete_results
from handgrad.tables.gradient_checks import GRADIENT_CHECKS, checks_table
from handgrad.tables.importance import IMPORTANCE, importance_in_searches, importance_table
from handgrad.tables.inputs import distinct
from handgrad.tables.published import published_table
from handgrad.tables.results import RESULTS
from handgrad.tables.search import SEARCH, search_table
from handgrad.tables.seeds import SEEDS, seeds_table


def tables_again(
    folder: Path,
    experiment: Experiment,
    labels: Mapping[str, Labels],
    runs: Mapping[str, Summary],
    checks: Iterable[Mapping[str, Any]],
    code: str,
) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each table file.

    folder: payload of the archive. runs: by path in the archive. checks: gradient checks. code: digest of training.
    Raises HandgradError if the parts of a search do not follow from each other.
    """
    parts, finalists = searches_again(folder, experiment, labels, runs, code)
    tests = {dataset: one.test for dataset, one in labels.items()}
    results = complete_results(distinct(runs.values()), tests, folder, finalists)
    seeds = seeds_table(results)
    published = published_table(str(folder / PUBLISHED) if experiment.has_published_dataset else None)
    made = [
        (RESULTS, results),
        (SEEDS, seeds),
        (BEST, best_table(seeds, published)),
        (GRADIENT_CHECKS, checks_table(checks)),
    ]
    if parts:
        made.append((SEARCH, search := search_table(parts)))
    if experiment.published and experiment.has_published:
        made.append((COMPARISON, comparison_table(seeds, published, experiment.published.loss_divisor)))
    if experiment.has_importance:
        made.append((IMPORTANCE, importance_in_searches(search) if parts else importance_table(seeds)))
    for kind, table in made:
        for ending, text in kind.texts(table).items():
            yield f"results/{experiment.name}/tables/{kind.name}.{ending}", text


def searches_again(
    folder: Path, experiment: Experiment, labels: Mapping[str, Labels], runs: Mapping[str, Summary], code: str
) -> tuple[list[tuple[int, list[Part]]], set[Run]]:
    """Return the parts of each search with halving, after its entry of ``experiments``, and the runs of finalists."""
    located = {str(folder / path): run for path, run in runs.items()}
    results, rankings = (_in(folder, files) for files in ranked_files(experiment))
    ranked, last_rankings, slots = (_in(folder, files) for files in finalist_inputs(experiment).values())
    parts, finalists = [], set[Run]()
    for search in experiment.searches:
        shape, of_data = Shape(**search.shape), labels[search.dataset]
        digests = {"code_digest": code, "data_digest": of_data.digest}
        if search.rungs:
            parts.append((search.block, read_parts(shape, results, rankings, digests, of_data.content)[0]))
        if search.finalists:
            finalists.update(finalist_runs(shape, ranked, last_rankings, slots, located, digests))
    return parts, finalists


def _in(folder: Path, files: Iterable[str]) -> Iterator[str]:
    return (str(folder / path) for path in files)
