"""The page of an experiment and its tables, as readers have them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver import Keys

from ..unit.test_summary import contents, summaries, summary_page
from .pages import Page

OpenPage = Callable[[Path], Page]

RESULTS = "#results table"
__all__ = ["contents"]  # a fixture


@pytest.fixture
def page(open_page: OpenPage, quick_results: Path) -> Page:
    return open_page(quick_results / "summary.html")


@pytest.fixture
def made(open_page: OpenPage, contents: Callable[..., object], tmp_path: Path) -> Callable[..., Page]:
    """Open the page of some runs, with these contents."""

    def make(runs: list[object], **given: object) -> Page:
        path = tmp_path / "summary.html"
        path.write_text(summary_page(contents(runs, **given)), encoding="utf-8")  # type: ignore[arg-type]
        return open_page(path)

    return make


def column(page: Page, title: str) -> list[str]:
    """The texts of a column of the results, in the order of the rows, of rows that are shown."""
    titles = page.script(f"return [...document.querySelectorAll('{RESULTS} thead th')].map(th => th.textContent)")
    return [row[titles.index(title)] for row in page.rows(RESULTS)]


def sort_by(page: Page, title: str) -> None:
    """Sort as somebody does who uses the keyboard."""
    page.find(f"{RESULTS} th button", title).send_keys(Keys.ENTER)


def choose(page: Page, title: str, value: str) -> None:
    """Choose a value above the table of results."""
    page.script(
        "const label = [...document.querySelectorAll('#results .filter label')]"
        ".find(label => label.firstChild.textContent === arguments[0]);"
        "const select = label.querySelector('select');"
        "select.value = [...select.options].find(option => option.text === arguments[1]).value;"
        "select.dispatchEvent(new Event('input', {bubbles: true}));",
        title,
        value,
    )


def test_the_page_has_no_error_asks_for_nothing_and_loads_every_image(page: Page, quick_results: Path) -> None:
    assert page.script("return document.images.length") == len(list(quick_results.glob("figures/**/*.svg"))) > 7
    links = page.script("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert links == page.script("return [...document.querySelectorAll('main section')].map(s => '#' + s.id)")
    assert page.problems() == []


def test_every_table_shows_its_rows_and_asks_for_nothing(open_page: OpenPage, quick_results: Path) -> None:
    paths = sorted(quick_results.glob("tables/*.html"))
    assert len(paths) >= 4
    for path in paths:
        page = open_page(path)
        assert len(page.rows()) == len(pd.read_csv(path.with_suffix(".csv"))) > 0
        assert page.problems() == []


def test_titles_sort_by_keyboard_and_once_more_the_other_way(page: Page, quick_results: Path) -> None:
    results = pd.read_csv(quick_results / "tables/results.csv")
    losses, before = [f"{loss:#.5g}" for loss in sorted(results["loss"])], sorted(page.rows(RESULTS))
    said = "return [...document.querySelectorAll('#results th[aria-sort]')].map(th => [th.textContent, th.ariaSort])"
    for order, expected in (("ascending", losses), ("descending", losses[::-1])):
        sort_by(page, "LOSS")
        assert column(page, "LOSS") == expected
        assert page.script(said) == [["LOSS", order]]
    assert sorted(page.rows(RESULTS)) == before  # rows move as a whole
    sort_by(page, "HU")
    assert column(page, "HU") == ["50"] * 6 + ["200"] * 6  # as numbers, not as texts
    sort_by(page, "AF")
    assert column(page, "AF") == sorted(results["activation"])
    assert page.problems() == []


def test_rows_are_found_by_words_and_by_values(page: Page) -> None:
    count = "#results .filter output"
    page.type("#results .filter input", "COS 0.03")
    assert (page.texts(count), set(column(page, "AF"))) == (["2 of 12 rows"], {"cos"})
    choose(page, "HU", "200")
    assert page.texts(count) == ["1 of 12 rows"]
    page.click("#results .filter button", "Show all")
    assert page.texts(count) == ["12 of 12 rows"]
    choose(page, "AF", "tanh")
    sort_by(page, "LOSS")  # what is hidden stays hidden
    assert column(page, "AF") == ["tanh"] * 4
    assert page.problems() == []


def test_blank_cells_are_last_whichever_way_a_column_is_sorted(made: Callable[..., Page]) -> None:
    page = made([*summaries(1, diverged=True, l2=0.5), *summaries(2), *summaries(1, diverged=True, l2=0.7)])
    for expected in (["272/10000", "273/10000"], ["273/10000", "272/10000"]):
        sort_by(page, "FAULTS")
        assert column(page, "FAULTS") == [*expected, "", ""]


def test_in_print_tables_are_whole_and_controls_are_gone(page: Page) -> None:
    page.emulate("print")
    assert page.texts("nav, .filter") == []
    clipped = "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 1).length"
    assert page.script(clipped) == 0


def test_the_page_is_no_wider_than_a_telephone(page: Page) -> None:
    page.resize(400, 800)
    assert page.script("return document.documentElement.scrollWidth") <= 400


def test_five_thousand_rows_open_sort_and_filter(made: Callable[..., Page]) -> None:
    page = made([summaries(1, learning_rate=(1 + 7 * i % 5000) / 1e6)[0] for i in range(5000)])
    sort_by(page, "LR")
    rates = [float(text) for text in column(page, "LR")]
    assert len(rates) == 5000
    assert rates == sorted(rates)
    page.type("#results .filter input", "0.002345")
    assert column(page, "LR") == ["0.002345"]
    assert page.problems() == []


def test_awkward_and_diverged_runs_make_a_page(made: Callable[..., Page]) -> None:
    awkward = "<script>alert(1)</script><img src=x onerror=alert(1)>$x_1$&amp;"
    runs = [*summaries(9, activation=awkward), *summaries(3, diverged=True)]
    page = made(runs, facts={awkward: awkward})
    choose(page, "AF", awkward)
    assert set(column(page, "AF")) == {awkward}
    assert page.problems() == []
    assert len(made(summaries(1, diverged=True)).rows(RESULTS)) == 1
