"""The page that shows a whole experiment, results/<experiment>/summary.html: its sections."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from handgrad.page.benchmarks import cost_columns
from handgrad.page.methods import experiment_in_words
from handgrad.page.parts import (
    Section,
    caption_part,
    code_part,
    facts_part,
    figure_part,
    heading_part,
    list_part,
    page,
    table_part,
    text_part,
    warning_part,
)
from handgrad.storage.provenance import Machine, Source
from handgrad.tables.best import best_columns, best_lines, best_of_datasets, of_datasets
from handgrad.tables.columns import Column, column
from handgrad.tables.comparison import comparison_columns, disagrees, verdicts
from handgrad.tables.gradient_checks import check_columns, failed
from handgrad.tables.results import count_runs, result_columns, unfinished
from handgrad.tables.seeds import count_seeds, seeds_columns, some_diverged
from handgrad.tables.selection import how_chosen

#: the figures of a dataset, by their folder, in the order of the page
FIGURES = {
    "accuracy": "Accuracy by hidden units",
    "heat_maps": "Faults by learning rate and λ",
    "learning_curves": "Learning curves",
    "cost": "Accuracy against cost",
    "confusion": "Confusion matrix of the best run",
    "mistakes": "The most confident mistakes of the best run",
    "weights": "First-layer weights of the best run",
}


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the page shows.

    contexts: what captions say (``context.caption_context``), by dataset; under None, of all. config:
    ``config_text``, read. comparison: None where there is none.
    """

    contexts: Mapping[str | None, Mapping[str, Any]]
    config: Mapping[str, Any]
    config_text: str
    results: pd.DataFrame
    seeds: pd.DataFrame
    best: pd.DataFrame
    checks: pd.DataFrame
    comparison: pd.DataFrame | None
    figures: Sequence[str]
    costs: pd.DataFrame
    machines: Sequence[Machine]
    sources: Sequence[Source]
    facts: Mapping[str, str]


def summary_page(contents: Contents) -> str:
    """The page as HTML."""
    comparison = [] if contents.comparison is None else [_comparison(contents, contents.comparison)]
    sections = [
        _methods(contents),
        _results(contents),
        *([_seeds(contents)] if (contents.seeds["seeds"] > 1).any() else []),
        _best_table(contents),
        *comparison,
        _checks(contents),
        *(_figures(contents, dataset) for dataset in _datasets(contents)),
        _costs(contents),
        _provenance(contents),
    ]
    return page(contents.config["name"], _lead(contents), sections)


def _datasets(contents: Contents) -> list[str]:
    return list(contents.results["dataset"].unique())


def _lead(contents: Contents) -> list[str]:
    """The numbers that a reader must know first."""
    checks = contents.checks
    passed = f"{int(checks['passed'].sum())} of {len(checks)} gradient checks passed."
    return [
        f"{count_runs(contents.results)}.",
        *(f"Warning: {line}" for dataset in _datasets(contents) for line in _warnings(contents, dataset)),
        *best_of_datasets(contents.best),
        *([] if contents.comparison is None else verdicts(contents.comparison)[:1]),
        passed,
    ]


def _warnings(contents: Contents, dataset: str) -> list[str]:
    """What is strange about a dataset, so that nobody reads its results without knowing it."""
    sources = (source for source in contents.sources if source.dataset == dataset)
    return [f"{dataset}: {warning}." for source in sources for warning in source.warnings]


def _caption(contents: Contents, name: str, dataset: str | None = None) -> Markup:
    """A caption of workflow/report, for all datasets or for one."""
    return caption_part(name, contents.contexts[dataset])


def _methods(contents: Contents) -> Section:
    config = contents.config
    words = experiment_in_words(config["experiments"], config["datasets"])
    runs = list_part(words)
    return Section("methods", "What was run, and how", [runs, caption_part("workflow", contents.contexts[None])])


def _results(contents: Contents) -> Section:
    results = contents.results
    parts = [
        text_part(f"{count_runs(results)}. {how_chosen(results)}"),
        *(warning_part(line) for dataset in _datasets(contents) for line in _warnings(contents, dataset)),
        table_part(result_columns(results), unfinished(results)),
        _caption(contents, "results"),
    ]
    return Section("results", "Results", parts)


def _seeds(contents: Contents) -> Section:
    seeds = contents.seeds
    parts = [
        text_part(count_seeds(seeds)),
        table_part(seeds_columns(seeds), some_diverged(seeds)),
        _caption(contents, "seeds"),
    ]
    return Section("seeds", "Over seeds", parts)


def _best_table(contents: Contents) -> Section:
    best = contents.best
    parts = [
        *map(text_part, best_lines(best)),
        *_figure(contents, "best.svg", "Best accuracy by hidden units"),
        table_part(best_columns(best), of_datasets(best)),
        _caption(contents, "best"),
    ]
    return Section("best", "Best results", parts)


def _comparison(contents: Contents, comparison: pd.DataFrame) -> Section:
    parts = [
        *map(text_part, verdicts(comparison)),
        *_figure(contents, "comparison.svg", "Published and reproduced faults"),
        table_part(comparison_columns(comparison), disagrees(comparison)),
        _caption(contents, "comparison"),
    ]
    return Section("comparison", "Published and reproduced", parts)


def _checks(contents: Contents) -> Section:
    checks = contents.checks
    parts = [table_part(check_columns(checks), failed(checks)), _caption(contents, "gradient_checks")]
    return Section("checks", "Gradient checks", parts)


def _figure(contents: Contents, name: str, title: str) -> list[Markup]:
    """A figure of all datasets, whose caption is called ``<name>_figure``."""
    return [
        figure_part(path, title, _caption(contents, f"{Path(path).stem}_figure"))
        for path in contents.figures
        if Path(path).parts[-2:] == ("figures", name)
    ]


def _figures(contents: Contents, dataset: str) -> Section:
    paths = {Path(path).parent.name: path for path in contents.figures if Path(path).stem == dataset}
    parts = [
        *map(warning_part, _warnings(contents, dataset)),
        *_classes(contents.config["datasets"][dataset]["class_names"]),
    ]
    for kind, title in FIGURES.items():
        if kind in paths:
            parts.append(figure_part(paths[kind], f"{title}: {dataset}", _caption(contents, kind, dataset)))
    return Section(f"figures-{dataset}", f"Figures: {dataset}", parts)


def _classes(names: Sequence[str]) -> list[Markup]:
    """The classes by number, which figures show where they cannot show a name."""
    if list(names) == [str(label) for label in range(len(names))]:
        return []
    classes = "; ".join(f"{label}: {name}" for label, name in enumerate(names))
    return [text_part(f"Classes: {classes}.")]


def _costs(contents: Contents) -> Section:
    parts = [text_part(_ABOUT_COSTS), table_part(cost_columns(contents.costs))]
    return Section("costs", "Run times and memory", parts)


def _provenance(contents: Contents) -> Section:
    parts = [
        facts_part(contents.facts),
        heading_part("What computed the runs"),
        table_part(_text_columns(_MACHINE_COLUMNS, map(astuple, contents.machines))),
        heading_part("Datasets"),
        table_part(_text_columns(_SOURCE_COLUMNS, _source_rows(contents.sources))),
        heading_part("Configuration, with its defaults"),
        code_part(contents.config_text, "Configuration"),
    ]
    return Section("provenance", "Where it comes from", parts)


def _source_rows(sources: Sequence[Source]) -> list[tuple[str, ...]]:
    return [
        (one.dataset, f"{one.train:,} and {one.test:,}", name, sha256) for one in sources for name, sha256 in one.files
    ]


def _text_columns(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Column]:
    table = pd.DataFrame(list(rows), columns=list(titles), dtype="object")
    return [column(title, "{}", table[title], numeric=title == "RUNS") for title in titles]


_MACHINE_COLUMNS = ("CPU", "PYTHON", "NUMPY", "BLAS", "RUNS")
_SOURCE_COLUMNS = ("DATASET", "TRAINING AND TEST IMAGES", "FILE", "SHA-256")
_ABOUT_COSTS = """What the jobs of each rule took, as Snakemake measured them when they ran last: wall time, and the
largest memory (resident set) of any job. Results are shared, so another experiment may have run them. For a run that
continued from a checkpoint, only its last part is counted; SECONDS in the table of results is its whole time.
Blank: too short to be measured."""
