"""The page that shows a whole experiment, results/<experiment>/summary.html: what stands where."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from handgrad.tables.best import best_columns, best_lines, best_of_datasets, of_a_dataset
from handgrad.tables.comparison import comparison_columns, disagrees, verdicts
from handgrad.tables.gradient_checks import check_columns, failed
from handgrad.tables.results import count_runs, result_columns, unfinished
from handgrad.tables.seeds import count_seeds, seeds_columns, some_diverged
from handgrad.tables.selection import how_chosen
from handgrad.tables.table import Column, Row, rows_of

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
    costs: Sequence[Row]
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
    return Section(
        "results",
        "Results",
        [
            text_part(f"{count_runs(results)}. {how_chosen(results)}"),
            *(warning_part(line) for dataset in _datasets(contents) for line in _warnings(contents, dataset)),
            table_part(result_columns(results), rows_of(results), unfinished),
            _caption(contents, "results"),
        ],
    )


def _seeds(contents: Contents) -> Section:
    seeds = contents.seeds
    return Section(
        "seeds",
        "Over seeds",
        [
            text_part(count_seeds(seeds)),
            table_part(seeds_columns(seeds), rows_of(seeds), some_diverged),
            _caption(contents, "seeds"),
        ],
    )


def _best_table(contents: Contents) -> Section:
    best = contents.best
    return Section(
        "best",
        "Best results",
        [
            *(text_part(line) for line in best_lines(best)),
            *_figure(contents, "best.svg", "Best accuracy by hidden units"),
            table_part(best_columns(best), rows_of(best), of_a_dataset),
            _caption(contents, "best"),
        ],
    )


def _comparison(contents: Contents, comparison: pd.DataFrame) -> Section:
    return Section(
        "comparison",
        "Published and reproduced",
        [
            *(text_part(line) for line in verdicts(comparison)),
            *_figure(contents, "comparison.svg", "Published and reproduced faults"),
            table_part(
                comparison_columns(comparison),
                rows_of(comparison),
                disagrees,
            ),
            _caption(contents, "comparison"),
        ],
    )


def _checks(contents: Contents) -> Section:
    return Section(
        "checks",
        "Gradient checks",
        [
            table_part(check_columns(), rows_of(contents.checks), failed),
            _caption(contents, "gradient_checks"),
        ],
    )


def _figure(contents: Contents, name: str, title: str) -> list[Markup]:
    """A figure of all datasets, whose caption is called ``<name>_figure``."""
    return [
        figure_part(path, title, _caption(contents, f"{Path(path).stem}_figure"))
        for path in contents.figures
        if Path(path).parts[-2:] == ("figures", name)
    ]


def _figures(contents: Contents, dataset: str) -> Section:
    paths = {Path(path).parent.name: path for path in contents.figures if Path(path).stem == dataset}
    return Section(
        f"figures-{dataset}",
        f"Figures: {dataset}",
        [
            *map(warning_part, _warnings(contents, dataset)),
            *_classes(contents.config["datasets"][dataset]["class_names"]),
            *(
                figure_part(paths[kind], f"{title}: {dataset}", _caption(contents, kind, dataset))
                for kind, title in FIGURES.items()
                if kind in paths
            ),
        ],
    )


def _classes(names: Sequence[str]) -> list[Markup]:
    """The classes by number, which figures show where they cannot show a name."""
    if list(names) == [str(label) for label in range(len(names))]:
        return []
    classes = "; ".join(f"{label}: {name}" for label, name in enumerate(names))
    return [text_part(f"Classes: {classes}.")]


def _costs(contents: Contents) -> Section:
    told = (
        "What the jobs of each rule took, as Snakemake measured them when they ran last: wall time, and the "
        "largest memory (resident set) that it saw of any job. Results are shared, so another experiment may "
        "have run them. A run that went on from a checkpoint counts its last part alone; SECONDS in the "
        "table of results is the whole of it. Blank: over before it could be measured."
    )
    return Section(
        "costs",
        "Run times and memory",
        [text_part(told), table_part(cost_columns(), contents.costs, _never)],
    )


def _provenance(contents: Contents) -> Section:
    return Section(
        "provenance",
        "Where it comes from",
        [
            facts_part(contents.facts),
            heading_part("What computed the runs"),
            table_part(_MACHINE_COLUMNS, [vars(machine) for machine in contents.machines], _never),
            heading_part("Datasets"),
            table_part(_SOURCE_COLUMNS, _source_rows(contents.sources), _never),
            heading_part("Configuration, with its defaults"),
            code_part(contents.config_text, "Configuration"),
        ],
    )


def _source_rows(sources: Sequence[Source]) -> list[Row]:
    return [
        {"dataset": s.dataset, "images": f"{s.train:,} and {s.test:,}", "file": name, "sha256": sha256}
        for s in sources
        for name, sha256 in s.files
    ]


def _never(_: Row) -> bool:
    return False


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name])


_MACHINE_COLUMNS = [
    *(Column(name.upper(), _text(name), numeric=False) for name in ("cpu", "python", "numpy", "blas")),
    Column("RUNS", _text("runs")),
]
_SOURCE_COLUMNS = [
    Column("DATASET", _text("dataset"), numeric=False),
    Column("TRAINING AND TEST IMAGES", _text("images"), numeric=False),
    Column("FILE", _text("file"), numeric=False),
    Column("SHA-256", _text("sha256"), numeric=False),
]
