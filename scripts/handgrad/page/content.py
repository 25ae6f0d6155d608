"""The content of the page of an experiment, results/<experiment>/summary.html. Its template is assets/page.html."""

import base64
import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from handgrad.common.formatting import counted, duration_text
from handgrad.layout.figures import DATASET_FIGURES, OVERALL_FIGURES, LeftOut
from handgrad.page.answers import Confused, answers
from handgrad.page.benchmarks import cost_columns
from handgrad.page.captions import caption_html
from handgrad.page.context import config_text
from handgrad.page.explore import History, explore_data
from handgrad.page.head import cards
from handgrad.page.methods import experiment_in_words
from handgrad.page.searches import search_data
from handgrad.page.templates import TEMPLATES
from handgrad.plots.figure_files import read_figure
from handgrad.storage.provenance import Machine, Source
from handgrad.tables.best import BEST
from handgrad.tables.columns import html_table
from handgrad.tables.comparison import COMPARISON
from handgrad.tables.gradient_checks import GRADIENT_CHECKS
from handgrad.tables.importance import IMPORTANCE
from handgrad.tables.results import RESULTS
from handgrad.tables.search import SEARCH
from handgrad.tables.seeds import SEEDS
from handgrad.tables.table import TableKind

#: the tables of the page, in order
KINDS = {kind.name: kind for kind in (RESULTS, BEST, SEEDS, SEARCH, COMPARISON, IMPORTANCE, GRADIENT_CHECKS)}

PLAIN_BYTES = 2_500_000  # up to this size, all figures together are not compressed, so they need no JavaScript


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The content of the page.

    config: from ``context.shown_config``. contexts: values for captions (``context.caption_context``), by dataset; the
    key None is for all datasets. tables: by name. histories: of the run of each row of the results. figures: paths by
    kind and dataset (``figures.figure_keys``). confused: by dataset. days: of the first and the last run file. facts:
    on the origin of the page, by title.
    """

    config: Mapping[str, Any]
    contexts: Mapping[str | None, Mapping[str, Any]]
    tables: Mapping[str, pd.DataFrame]
    histories: Sequence[History]
    figures: Mapping[tuple[str, str | None], str]
    left_out: Sequence[LeftOut]
    confused: Mapping[str, Sequence[Confused]] = field(default_factory=dict)
    days: Sequence[str] = ()
    costs: pd.DataFrame
    machines: Sequence[Machine]
    sources: Mapping[str, Source]
    facts: Mapping[str, str]


def summary_page(contents: Contents) -> str:
    """Return the page as HTML. Raises HandgradError if a figure was changed after it was drawn."""
    config, sources, tables = contents.config, contents.sources, contents.tables
    warnings = {name: [f"{name}: {warning}." for warning in source.warnings] for name, source in sources.items()}
    sizes = {name: {"train": one.train, "test": one.test} for name, one in sources.items()}
    entries = {name: {**entry, **sizes[name]} for name, entry in config["datasets"].items()}
    files = [(one, file) for one in sources.values() for file in one.files]
    names = {name: list(map(str, entry["class_names"])) for name, entry in entries.items()}
    return TEMPLATES.get_template("page.html").render(
        name=config["name"],
        cards=cards(tables["best"], tables["results"]),
        runs=_runs(contents),
        warnings=[line for lines in warnings.values() for line in lines],
        answers=answers(tables["best"], tables["results"], contents.confused, names),
        explore=explore_data(tables["results"], contents.histories),
        searches=search_data(tables["search"]) if "search" in tables else [],
        described=Markup(experiment_in_words(config["experiments"], entries)),  # noqa: S704, Jinja escapes
        methods=_caption(contents, "workflow"),
        tables=[_table(contents, kind) for kind in _shown_kinds(tables)],
        checks=_table(contents, GRADIENT_CHECKS),
        overall=_overall(contents),
        packed=_packed(contents),
        datasets=[_dataset(contents, name, warnings[name]) for name in sources],
        left_out=_left_out(contents),
        costs=Markup(html_table(cost_columns(contents.costs))),  # noqa: S704, html_table escapes
        facts=contents.facts,
        machines=list(map(astuple, contents.machines)),
        sources=[(one.dataset, f"{one.train:,} and {one.test:,}", name, sha256) for one, (name, sha256) in files],
        config=config_text(config),
    )


def _shown_kinds(tables: Mapping[str, pd.DataFrame]) -> Iterable[TableKind]:
    """Return the kinds of the tables of results. With one seed, the table over seeds would repeat the results."""
    seeds = tables["seeds"]["seeds"].max() > 1
    kinds = [kind for kind in KINDS.values() if kind.name in tables and kind is not GRADIENT_CHECKS]
    return [kind for kind in kinds if kind is not SEEDS or seeds]


def _runs(contents: Contents) -> dict[str, Any]:
    """Return what the head says of the runs and checks as a whole."""
    results, checks = contents.tables["results"], contents.tables["gradient_checks"]
    return {
        "count": len(results),
        "diverged": int((results["status"] == "diverged").sum()),
        "checks": len(checks),
        "passed": int(checks["passed"].sum()),
        "seconds": duration_text(results["seconds"].sum()),
        "days": " to ".join(dict.fromkeys(contents.days)),
        "cpus": list(dict.fromkeys(machine.cpu for machine in contents.machines)),
    }


def _overall(contents: Contents) -> list[dict[str, Any]]:
    """Return the figures of all datasets. A figure of the best results needs a run that finished."""
    finished = (contents.tables["results"]["status"] == "finished").any()
    return _figures(contents, OVERALL_FIGURES if finished else {})


def _left_out(contents: Contents) -> list[str]:
    """Return a sentence for each figure that is not on the page."""
    lost = [name for name in contents.sources if not _has_finished(contents, name)]
    several = len(contents.sources) > 1
    return [
        *(
            f"{one.question}{f' ({one.dataset})' if one.dataset and several else ''} Left out: {one.reason}."
            for one in contents.left_out
        ),
        *(f"{name}: all plots are left out, because every run diverged." for name in lost),
    ]


def _has_finished(contents: Contents, dataset: str) -> bool:
    results = contents.tables["results"]
    return bool((results.loc[results["dataset"] == dataset, "status"] == "finished").any())


def _table(contents: Contents, kind: TableKind) -> dict[str, Any]:
    table = contents.tables[kind.name]
    return {
        "name": kind.name,
        "title": kind.title,
        "lines": kind.lines(table),
        "html": Markup(html_table(kind.columns(table), kind.marked(table))),  # noqa: S704, html_table escapes
        "note": kind.note,
        "caption": _caption(contents, kind.name),
    }


def _dataset(contents: Contents, name: str, warnings: list[str]) -> dict[str, Any]:
    titles = DATASET_FIGURES if _has_finished(contents, name) else {}
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
    caption, packed = partial(_caption, contents, dataset=dataset), _packed(contents)
    return [
        {
            "title": title,
            "kind": kind,
            **_image(read_figure(contents.figures[kind, dataset]), packed),
            "caption": caption(f"{kind}_figure" if kind in KINDS else kind),
        }
        for kind, title in titles.items()
        if (kind, dataset) in contents.figures
    ]


def _packed(contents: Contents) -> bool:
    """Return whether the page compresses its figures. The browser then needs JavaScript to show them."""
    return sum(Path(file).stat().st_size for file in contents.figures.values()) > PLAIN_BYTES


def _image(svg: bytes, packed: bool) -> dict[str, Any]:
    """Return an SVG file as text, and its width and height in pixels. packed: compress it, to a fifth of its size."""
    _, _, *points = re.findall(rb'viewBox="([^"]*)"', svg)[0].decode().split()
    width, height = (round(float(size) * 96 / 72) for size in points)
    data = base64.b64encode(gzip.compress(svg, mtime=0) if packed else svg).decode("ascii")
    return {"packed": packed, "data": data, "width": width, "height": height}


def _caption(contents: Contents, name: str, dataset: str | None = None) -> Markup:
    """Return the caption ``workflow/report/<name>.rst`` as HTML, for one dataset or for all."""
    return Markup(caption_html(name, contents.contexts[dataset]))  # noqa: S704, docutils escapes
