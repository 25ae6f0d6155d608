"""Snakemake's report, which ``handgrad report`` writes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .pages import Page

#: warnings of every Snakemake report, about its copy of Tailwind and the version of its statistics
KNOWN = ("cdn.tailwindcss.com should not be used in production", "The input spec uses Vega-Lite v3")


@pytest.fixture
def report(open_page: Callable[[Path], Page], quick_results: Path) -> Page:
    return open_page(quick_results / "report.html")


def problems(report: Page) -> list[str]:
    """Return all problems except the known warnings of Snakemake."""
    return [problem for problem in report.problems() if not any(known in problem for known in KNOWN)]


def open_category(report: Page, category: str, within: str | None = None) -> list[str]:
    """Open a category of results, or a category within it, and return the first label of each result."""
    report.click("nav a", category)
    if within is not None:
        report.click("nav a", within)
    return [row[0] for row in report.wait_until(lambda: report.rows("nav table"), f"results in {category}")]


@pytest.mark.parametrize("view", ["Workflow", "Statistics", "About"])
def test_a_general_view_of_the_report_opens(report: Page, view: str) -> None:
    report.click("nav a", view)
    assert problems(report) == []


@pytest.mark.parametrize(("category", "at_least"), [("Tables", 4), ("Summary", 1)])
def test_every_table_and_the_page_open_in_the_report(report: Page, category: str, at_least: int) -> None:
    labels = open_category(report, category)
    assert len(labels) >= at_least
    for number, label in enumerate(labels):
        report.click(f"nav tbody tr:nth-child({number + 1}) a")
        report.browser.switch_to.frame(report.find("iframe"))
        report.wait_until(lambda: report.rows("table"), f"rows in {label}")
        report.browser.switch_to.default_content()
        assert problems(report) == [], label


@pytest.mark.parametrize(("within", "at_least"), [("digits", 7), ("all datasets", 1)])
def test_every_figure_opens_in_the_report(report: Page, within: str, at_least: int) -> None:
    figures = open_category(report, "Figures", within)
    assert len(figures) >= at_least
    sources = set()
    for number, figure in enumerate(figures):
        report.click(f"nav tbody tr:nth-child({number + 1}) a")
        sources.add(report.find("img[src^='data:image']:not(nav img)").get_attribute("src"))
        assert problems(report) == [], figure
    assert len(sources) == len(figures)
