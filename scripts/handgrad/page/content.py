"""The content of the page of an experiment, results/<experiment>/summary.html. Its template is assets/page.html."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from handgrad.common.formatting import counted
from handgrad.layout.paths import DATASET_FIGURES, OVERALL_FIGURES
from handgrad.page.benchmarks import cost_columns
from handgrad.page.captions import caption_html
from handgrad.page.context import config_text
from handgrad.page.methods import experiment_in_words
from handgrad.page.templates import TEMPLATES
from handgrad.plots.figure_files import read_figure
from handgrad.storage.provenance import Machine, Source
from handgrad.tables.best import BEST
from handgrad.tables.columns import html_table
from handgrad.tables.comparison import COMPARISON
from handgrad.tables.gradient_checks import GRADIENT_CHECKS
from handgrad.tables.results import RESULTS
from handgrad.tables.seeds import SEEDS
from handgrad.tables.table import TableKind

#: the tables of the page, in order
KINDS = {kind.name: kind for kind in (RESULTS, SEEDS, BEST, COMPARISON, GRADIENT_CHECKS)}


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The content of the page.

    config: from ``context.shown_config``. contexts: values for captions (``context.caption_context``), by dataset; the
    key None is for all datasets. tables: by name. figures: paths by kind and dataset (``paths.figure_keys``). facts: on
    the origin of the page, by title.
    """

    config: Mapping[str, Any]
    contexts: Mapping[str | None, Mapping[str, Any]]
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[tuple[str, str | None], str]
    costs: pd.DataFrame
    machines: Iterable[Machine]
    sources: Mapping[str, Source]
    facts: Mapping[str, str]


def summary_page(contents: Contents) -> str:
    """Return the page as HTML. Raises HandgradError if a figure was changed after it was drawn."""
    config, sources = contents.config, contents.sources
    warnings = {name: [f"{name}: {warning}." for warning in source.warnings] for name, source in sources.items()}
    sizes = {name: {"train": one.train, "test": one.test} for name, one in sources.items()}
    entries = {name: {**entry, **sizes[name]} for name, entry in config["datasets"].items()}
    files = [(one, file) for one in sources.values() for file in one.files]
    # if each setting has one seed, the table over seeds adds nothing to the results
    kinds = [kind for kind in KINDS.values() if kind is not SEEDS or contents.tables["seeds"]["seeds"].max() > 1]
    return TEMPLATES.get_template("page.html").render(
        name=config["name"],
        lead=_lead(contents, [f"Warning: {line}" for lines in warnings.values() for line in lines]),
        runs=Markup(experiment_in_words(config["experiments"], entries)),  # noqa: S704, Jinja escapes
        methods=_caption(contents, "workflow"),
        tables=[_table(contents, kind) for kind in kinds if kind.name in contents.tables],
        datasets=[_dataset(contents, name, warnings[name]) for name in sources],
        costs=Markup(html_table(cost_columns(contents.costs))),  # noqa: S704, html_table escapes
        facts=contents.facts,
        machines=map(astuple, contents.machines),
        sources=[(one.dataset, f"{one.train:,} and {one.test:,}", name, sha256) for one, (name, sha256) in files],
        config=config_text(config),
    )


def _lead(contents: Contents, warnings: list[str]) -> list[str]:
    """Return the sentences at the top of the page."""
    lines = {name: KINDS[name].lines(table) for name, table in contents.tables.items()}
    return [lines["results"][0], *warnings, *lines["best"], *lines.get("comparison", [])[:1], *lines["gradient_checks"]]


def _table(contents: Contents, kind: TableKind) -> dict[str, Any]:
    table = contents.tables[kind.name]
    return {
        "name": kind.name,
        "title": kind.title,
        "lines": kind.lines(table),
        "figures": _figures(contents, {kind.name: OVERALL_FIGURES.get(kind.name, "")}),
        "html": Markup(html_table(kind.columns(table), kind.marked(table))),  # noqa: S704, html_table escapes
        "note": kind.note,
        "caption": _caption(contents, kind.name),
    }


def _dataset(contents: Contents, name: str, warnings: list[str]) -> dict[str, Any]:
    titles = {kind: f"{title}: {name}" for kind, title in DATASET_FIGURES.items()}
    named = enumerate(contents.config["datasets"][name]["class_names"])
    classes = [f"{label}: {text}" for label, text in named if text != str(label)]
    return {
        "name": name,
        "warnings": warnings,
        "classes": classes,
        "drawn": _drawn(contents, name),
        "figures": _figures(contents, titles, name),
    }


def _drawn(contents: Contents, name: str) -> str:
    """Return a sentence on the test split if it was drawn, otherwise an empty text."""
    source, group = contents.sources[name], contents.config["datasets"][name].get("split_by")
    together = f"; examples with the same value of {group} are in the same split" if group is not None else ""
    how = "drawn from the data with a fixed seed, stratified by class"
    return f"The {counted(source.test, 'test example')} were {how}{together}." if source.drawn else ""


def _figures(contents: Contents, titles: Mapping[str, str], dataset: str | None = None) -> list[dict[str, Any]]:
    """Return title, data and caption of the figures of these kinds that exist."""
    caption = partial(_caption, contents, dataset=dataset)
    return [
        {
            "title": title,
            "data": base64.b64encode(read_figure(contents.figures[kind, dataset])).decode("ascii"),
            "caption": caption(kind if dataset else f"{kind}_figure"),
        }
        for kind, title in titles.items()
        if (kind, dataset) in contents.figures
    ]


def _caption(contents: Contents, name: str, dataset: str | None = None) -> Markup:
    """Return the caption ``workflow/report/<name>.rst`` as HTML, for one dataset or for all."""
    return Markup(caption_html(name, contents.contexts[dataset]))  # noqa: S704, docutils escapes
