"""Snakemake's own report, as handgrad report writes it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .pages import Page

OpenPage = Callable[[Path], Page]

#: what Snakemake's report warns of by itself: the copy of Tailwind in it, and the version of its statistics
KNOWN = ("cdn.tailwindcss.com should not be used in production", "The input spec uses Vega-Lite v3")


@pytest.fixture
def report(open_page: OpenPage, quick_results: Path) -> Page:
    return open_page(quick_results / "report.html")


def problems(report: Page) -> list[str]:
    """All but the warnings that are Snakemake's."""
    return [
        problem
        for problem in report.problems()
        if not (problem.startswith("message: WARNING") and any(known in problem for known in KNOWN))
    ]


def open_category(report: Page, category: str, within: str | None = None) -> list[str]:
    """Open a category of results, or one within it; the first label of each of its results."""
    report.click("nav a", category)
    if within is not None:
        report.click("nav a", within)
    report.wait_until(lambda: report.rows("nav table"), f"results in {category}")
    return [row[0] for row in report.rows("nav table")]


def open_result(report: Page, number: int) -> None:
    """Open one of the results that are listed, counted from 0."""
    report.click(f"nav tbody tr:nth-child({number + 1}) a")


def test_the_report_has_no_error_and_asks_for_nothing(report: Page) -> None:
    assert problems(report) == []


@pytest.mark.parametrize("view", ["Workflow", "Statistics", "About"])
def test_a_general_view_of_the_report_opens(report: Page, view: str) -> None:
    report.click("nav a", view)
    assert problems(report) == []


def test_every_table_opens_in_the_report(report: Page) -> None:
    tables = open_category(report, "Tables")
    assert {"results", "over seeds", "gradient checks"} <= set(tables)
    for number, table in enumerate(tables):
        open_result(report, number)
        with report.inside("iframe"):
            report.wait_until(lambda: report.rows("table"), f"rows in {table}")
        assert problems(report) == [], table


def test_the_results_table_has_its_rows_in_the_report(report: Page) -> None:
    open_result(report, open_category(report, "Tables").index("results"))
    with report.inside("iframe"):
        assert len(report.rows("table")) == 12


@pytest.mark.parametrize(("within", "at_least"), [("digits", 7), ("all datasets", 1)])
def test_every_figure_opens_in_the_report(report: Page, within: str, at_least: int) -> None:
    figures = open_category(report, "Figures", within)
    assert len(figures) >= at_least
    sources = set()
    for number, figure in enumerate(figures):
        open_result(report, number)
        image = report.find("img[src^='data:image']:not(nav img)")
        sources.add(image.get_attribute("src"))
        assert problems(report) == [], figure
    assert len(sources) == len(figures)


def test_the_page_of_the_experiment_opens_in_the_report(report: Page) -> None:
    open_result(report, open_category(report, "Summary").index("the whole experiment on one page"))
    with report.inside("iframe"):
        assert report.texts("h1") == ["quick"]
        assert len(report.rows("#results table")) == 12
    assert problems(report) == []
