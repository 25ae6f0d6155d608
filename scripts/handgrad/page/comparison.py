"""The content of the page of two experiments, A and B. Its template is assets/comparison.html."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from handgrad.common.code_digests import PROJECT
from handgrad.common.formatting import counted, duration_text
from handgrad.layout.paths import COMPARISON_PAGE
from handgrad.page.captions import caption_html
from handgrad.page.comparison_tables import axes_rows, fact_rows, pair_columns, unequal_columns
from handgrad.page.explore import EXPERIMENT, explore_data
from handgrad.page.head import cards
from handgrad.page.templates import TEMPLATES
from handgrad.page.verdict import verdict
from handgrad.storage.provenance import git_revision
from handgrad.tables.best import best_table
from handgrad.tables.checksums import write_text
from handgrad.tables.columns import Column, html_table
from handgrad.tables.comparison_words import common_words
from handgrad.tables.divergence import Sides
from handgrad.tables.experiment_comparison import DatasetComparison, ExperimentComparison
from handgrad.tables.published import published_table
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.seeds import seeds_table
from handgrad.tables.stored_results import StoredResults


@dataclass(frozen=True)
class _Side:
    """An experiment: A or B, its results, their table, and what the page says of its best settings by dataset."""

    letter: str
    stored: StoredResults
    results: pd.DataFrame
    cards: Mapping[str, dict[str, Any]]


def write_comparison(found: ExperimentComparison, stored: Sides[StoredResults]) -> str:
    """Write the page of two experiments, and return its path."""
    path = COMPARISON_PAGE.format(a=found.name.a, b=found.name.b)
    write_text(path, comparison_page(found, stored))
    return path


def comparison_page(found: ExperimentComparison, stored: Sides[StoredResults]) -> str:
    """Return the page of two experiments as HTML. found: from ``compare_experiments`` of these results."""
    tables = [results_table(one.runs, one.folder) for one in (stored.a, stored.b)]
    runs = pd.concat([table.assign(**{EXPERIMENT: letter}) for table, letter in zip(tables, "AB", strict=True)])
    runs = runs.reset_index(drop=True)
    sides = [
        _Side(letter, one, table, _cards(table, runs))
        for letter, one, table in zip("AB", (stored.a, stored.b), tables, strict=True)
    ]
    compared = {one.dataset: one for one in found.compared}
    return TEMPLATES.get_template("comparison.html").render(
        name=f"{found.name.a} and {found.name.b}",
        names=found.name,
        warnings=list(_warnings(found)),
        datasets=[_dataset(name, sides, compared.get(name)) for name in runs["dataset"].unique()],
        facts=[_facts(side, found) for side in sides],
        explore=explore_data(runs, [run.history for side in sides for run in side.stored.runs]),
        searches=[],
        differences=list(fact_rows(found)),
        axes=list(axes_rows(found)),
        pairs=_html(pair_columns(found, stored)),
        unequal=_html(unequal_columns(found)),
        results=_results(runs),
        methods=_caption("workflow", ""),
        machines=[
            (side.letter, *astuple(machine))
            for side, machines in zip(sides, (found.machines.a, found.machines.b), strict=True)
            for machine in machines
        ],
        revision=git_revision(PROJECT),
    )


def _cards(results: pd.DataFrame, runs: pd.DataFrame) -> dict[str, dict[str, Any]]:
    best = best_table(seeds_table(results), published_table(None))
    return {card["dataset"]: card for card in cards(best, results, runs)}


def _warnings(found: ExperimentComparison) -> Iterable[str]:
    for one in found.compared:
        if not one.data.equal:
            yield f"{one.dataset}: the data of A and B differ, so the test examples may differ too."
        lost = sum(not unequal.causes for unequal in one.unequal)
        if lost:
            runs = counted(lost, "run")
            yield f"{one.dataset}: {runs} with different results, although code, data and machine are equal."


def _dataset(name: str, sides: Iterable[_Side], found: DatasetComparison | None) -> dict[str, Any]:
    """Return what the head says of a dataset. found: None if only one experiment has the dataset."""
    return {
        "name": name,
        "verdict": verdict(found) if found else None,
        "common": common_words(found) if found else None,
        "cards": [(side.letter, side.stored.name, side.cards.get(name)) for side in sides],
    }


def _facts(side: _Side, found: ExperimentComparison) -> dict[str, Any]:
    """Return what the head says of an experiment as a whole."""
    results, letter = side.results, side.letter.lower()
    machines, code, folder = (getattr(sides, letter) for sides in (found.machines, found.code, found.folder))
    return {
        "letter": side.letter,
        "name": side.stored.name,
        "runs": len(results),
        "diverged": int((results["status"] == "diverged").sum()),
        "seconds": duration_text(results["seconds"].sum()),
        "cpus": list(dict.fromkeys(machine.cpu for machine in machines)),
        "code": code,
        "folder": shlex.quote(os.path.relpath(folder)),
    }


def _results(runs: pd.DataFrame) -> dict[str, Any]:
    experiment = Column("EXPERIMENT", runs[EXPERIMENT].tolist(), numeric=False, choose=True)
    return {
        "name": RESULTS.name,
        "title": RESULTS.title,
        "lines": RESULTS.lines(runs)[:1],
        "html": Markup(html_table([experiment, *RESULTS.columns(runs)], RESULTS.marked(runs))),  # noqa: S704, it escapes
        "note": RESULTS.note,
        "caption": _caption(RESULTS.name, "A or B"),
    }


def _html(columns: list[Column]) -> Markup:
    return Markup(html_table(columns) if columns else "")  # noqa: S704, html_table escapes


def _caption(name: str, experiment: str) -> Markup:
    """Return a caption of the page of an experiment."""
    return Markup(caption_html(name, {"experiment": experiment}))  # noqa: S704, docutils escapes
