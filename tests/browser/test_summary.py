"""The page of an experiment and its tables in a browser."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver import Keys

from ..unit.test_summary import contents, summaries, summary_page
from .pages import Page

OpenPage = Callable[[Path], Page]

RESULTS = "#table-results table"
__all__ = ["contents"]  # a fixture


@pytest.fixture
def page(open_page: OpenPage, quick_results: Path) -> Page:
    return open_page(quick_results / "summary.html")


@pytest.fixture
def made(open_page: OpenPage, contents: Callable[..., object], tmp_path: Path) -> Callable[..., Page]:
    """Return a function that opens the page of runs with these contents."""

    def make(runs: list[object], **given: object) -> Page:
        path = tmp_path / "summary.html"
        path.write_text(summary_page(contents(runs, **given)), encoding="utf-8")  # type: ignore[arg-type]
        return open_page(path)

    return make


def column(page: Page, title: str) -> list[str]:
    """Return the texts of a column in the displayed rows of the results, in the order of the rows."""
    titles = page.script(f"return [...document.querySelectorAll('{RESULTS} thead th')].map(th => th.textContent)")
    return [row[titles.index(title)] for row in page.rows(RESULTS)]


def sort_by(page: Page, title: str) -> None:
    """Sort the results by a column with the keyboard."""
    page.find(f"{RESULTS} th button", title).send_keys(Keys.ENTER)


def choose(page: Page, title: str, value: str) -> None:
    """Choose a value in the filter above the table of results."""
    page.script(
        "const label = [...document.querySelectorAll('#table-results .filter label')]"
        ".find(label => label.firstChild.textContent === arguments[0]);"
        "const select = label.querySelector('select');"
        "select.value = [...select.options].find(option => option.text === arguments[1]).value;"
        "select.dispatchEvent(new Event('input', {bubbles: true}));",
        title,
        value,
    )


def test_the_page_has_no_error_asks_for_nothing_and_loads_every_image(page: Page, quick_results: Path) -> None:
    figures = len(list(quick_results.glob("figures/**/*.svg")))
    assert page.script("return document.querySelectorAll('figure img').length") == figures > 7
    links = page.script("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert links == page.script("return [...document.querySelectorAll('main section')].map(s => '#' + s.id)")
    assert page.problems() == []


def test_titles_sort_by_keyboard_and_once_more_the_other_way(page: Page, quick_results: Path) -> None:
    losses = [f"{loss:#.5g}" for loss in sorted(pd.read_csv(quick_results / "tables/results.csv")["loss"])]
    before = sorted(page.rows(RESULTS))
    said = (
        "return [...document.querySelectorAll('#table-results th[aria-sort]')].map(th => [th.textContent, th.ariaSort])"
    )
    for order, expected in (("ascending", losses), ("descending", losses[::-1])):
        sort_by(page, "LOSS")
        assert column(page, "LOSS") == expected
        assert page.script(said) == [["LOSS", order]]
    assert sorted(page.rows(RESULTS)) == before  # rows keep their cells
    for title, expected in (("HU", ["50"] * 6 + ["200"] * 6), ("AF", sorted(["cos", "softplus", "tanh"] * 4))):
        sort_by(page, title)
        assert column(page, title) == expected  # numbers are sorted as numbers
    assert page.problems() == []


def test_rows_are_found_by_words_and_by_values(page: Page) -> None:
    count = "#table-results .filter output"
    page.type("#table-results .filter input", "COS 0.03")
    assert (page.texts(count), set(column(page, "AF"))) == (["2 of 12 rows"], {"cos"})
    choose(page, "HU", "200")
    assert page.texts(count) == ["1 of 12 rows"]
    page.click("#table-results .filter button", "Clear filters")
    assert page.texts(count) == ["12 of 12 rows"]
    choose(page, "AF", "tanh")
    sort_by(page, "LOSS")  # hidden rows stay hidden
    assert column(page, "AF") == ["tanh"] * 4
    assert page.problems() == []


def test_blank_cells_are_last_whichever_way_a_column_is_sorted(made: Callable[..., Page]) -> None:
    page = made([*summaries(1, diverged=True, l2=0.5), *summaries(2), *summaries(1, diverged=True, l2=0.7)])
    for expected in (["272/10000", "273/10000"], ["273/10000", "272/10000"]):
        sort_by(page, "FAULTS")
        assert column(page, "FAULTS") == [*expected, "", ""]


def test_in_print_tables_and_plots_are_whole_and_controls_are_gone(page: Page) -> None:
    page.emulate("print", width=718)  # of A4 paper
    assert page.script("return [...document.images].every((image) => image.getBoundingClientRect().right <= 718)")
    assert page.texts("nav, .filter, .controls") == []
    clipped = "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 1).length"
    assert page.script(clipped) == 0


def test_the_page_is_no_wider_than_a_telephone(page: Page) -> None:
    page.emulate(width=400)
    assert page.script("return document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_no_violation(page: Page, axe: None, width: int, scheme: str) -> None:
    page.emulate(width=width, scheme=scheme)
    page.script("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert page.violations() == []


def test_the_switch_changes_the_colours_of_the_page_and_of_the_views(page: Page) -> None:
    colours = "return [getComputedStyle(document.body).backgroundColor, css('--best')]"
    light = page.script(colours)
    page.find("#scheme").send_keys("dark")
    assert not set(light) & set(page.script(colours))
    page.emulate(scheme="dark")
    page.find("#scheme").send_keys(Keys.ARROW_UP)
    assert page.script(colours) == light


def test_a_plot_is_enlarged_and_closed_by_keyboard(page: Page) -> None:
    opener = page.find("#plots button.enlarge")
    opener.send_keys(Keys.ENTER)
    shown = page.find("dialog img")
    assert shown.get_attribute("src") == opener.find_element("css selector", "img").get_attribute("src")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait_until(lambda: not page.texts("dialog"), "no dialog")
    assert page.problems() == []


def test_the_contents_list_stays_in_view_and_marks_the_section(page: Page) -> None:
    for width in (1440, 390):
        page.emulate(width=width)
        page.script("document.getElementById('checks').scrollIntoView()")
        assert page.find("nav a", "Checks").is_displayed()
        assert page.script("return document.querySelector('nav').getBoundingClientRect().top") >= 0
        page.wait_until(lambda: page.texts("nav a[aria-current]") == ["Checks"], "the mark")
