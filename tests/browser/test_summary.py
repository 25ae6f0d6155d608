"""The page of an experiment, as its readers have it."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ..unit.test_summary import contents, summaries, summary_page
from .pages import Page

OpenPage = Callable[[Path], Page]

RESULTS = "#results table"
__all__ = ["contents"]  # a fixture


@pytest.fixture
def page(open_page: OpenPage, quick_results: Path) -> Page:
    return open_page(quick_results / "summary.html")


def column(page: Page, title: str, table: str = RESULTS) -> list[str]:
    """The texts of a column, in the order of the rows, of rows that are shown."""
    titles = page.script(
        "return [...document.querySelectorAll(arguments[0] + ' thead th')].map(th => th.textContent)", table
    )
    rows = page.script(
        "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].filter(tr => tr.offsetHeight > 0)"
        ".map(tr => [...tr.cells].map(td => td.textContent))",
        table,
    )
    return [row[titles.index(title)] for row in rows]


def sort_by(page: Page, title: str, table: str = RESULTS) -> None:
    page.click(f"{table} th button", title)


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


# --- what is there ---


def test_the_page_has_no_error_asks_for_nothing_and_loads_every_image(page: Page, quick_results: Path) -> None:
    assert page.title == "quick: summary"
    assert page.script("return document.images.length") == len(list(quick_results.glob("figures/**/*.svg"))) > 7
    assert page.problems() == []


def test_every_section_is_reached_from_the_top(page: Page) -> None:
    links = page.script("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    ids = page.script("return [...document.querySelectorAll('main section')].map(s => '#' + s.id)")
    assert links == ids
    assert "#results" in ids


def test_the_page_says_what_was_run_what_it_cost_and_where_it_comes_from(page: Page) -> None:
    (methods,) = page.texts("#methods")
    assert "12 runs on digits (images of 8 x 8 pixel values, 10 classes)" in methods
    costs = dict(zip(column(page, "RULE", "#costs table"), column(page, "JOBS", "#costs table"), strict=True))
    assert costs["train_run"] == "12"
    assert costs["check_gate"] == costs["check_gradients"] == "3"
    (provenance,) = page.texts("#provenance")
    for told in (
        "git revision",
        "digest ",
        "matplotlib 3",
        "openblas",
        "digits.csv",
        "hidden_units: [50, 200]",
    ):
        assert told in provenance


# --- the table ---


def test_a_click_on_a_title_sorts_and_another_one_turns_it_round(page: Page, quick_results: Path) -> None:
    results = pd.read_csv(quick_results / "tables/results.csv")
    losses = [f"{loss:#.5g}" for loss in sorted(results["loss"])]
    sort_by(page, "LOSS")
    assert column(page, "LOSS") == losses
    sort_by(page, "LOSS")
    assert column(page, "LOSS") == losses[::-1]
    sort_by(page, "HU")
    assert column(page, "HU") == ["50"] * 6 + ["200"] * 6  # as numbers, not as texts
    sort_by(page, "AF")
    assert column(page, "AF") == sorted(results["activation"])
    assert page.problems() == []


def test_rows_move_as_a_whole(page: Page) -> None:
    before = sorted(page.rows(RESULTS))
    sort_by(page, "LOSS")
    assert sorted(page.rows(RESULTS)) == before


def test_a_title_says_how_its_column_is_sorted(page: Page) -> None:
    said = (
        "return [...document.querySelectorAll('#results th[aria-sort]')].map(head => [head.textContent, head.ariaSort])"
    )
    assert page.script(said) == []
    sort_by(page, "LOSS")
    sort_by(page, "HU")
    assert page.script(said) == [["HU", "ascending"]]
    sort_by(page, "HU")
    assert page.script(said) == [["HU", "descending"]]


def test_rows_are_found_by_words_and_by_values(page: Page) -> None:
    count = "#results .filter output"
    assert page.texts(count) == ["12 of 12 rows"]
    page.type("#results .filter input", "COS 0.03")
    assert page.texts(count) == ["2 of 12 rows"]
    assert set(column(page, "AF")) == {"cos"}
    choose(page, "HU", "200")
    assert page.texts(count) == ["1 of 12 rows"]
    page.click("#results .filter button", "Show all")
    assert page.texts(count) == ["12 of 12 rows"]
    choose(page, "AF", "tanh")
    assert column(page, "AF") == ["tanh"] * 4
    sort_by(page, "LOSS")  # what is hidden stays hidden
    assert column(page, "AF") == ["tanh"] * 4
    assert page.problems() == []


def test_what_is_blank_comes_last_whichever_way_a_column_is_sorted(
    open_page: OpenPage, contents: Callable[..., object], tmp_path: Path
) -> None:
    runs = [*summaries(1, diverged=True, l2=0.5), *summaries(2), *summaries(1, diverged=True, l2=0.7)]
    page = open_text(open_page, tmp_path, summary_page(contents(runs)))  # type: ignore[arg-type]
    for expected in (["272/10000", "273/10000"], ["273/10000", "272/10000"]):
        sort_by(page, "FAULTS")
        assert column(page, "FAULTS") == [*expected, "", ""]


# --- readers ---


def test_in_print_the_tables_are_whole_and_what_can_only_be_clicked_is_gone(page: Page) -> None:
    page.emulate("print")
    shown = "return [...document.querySelectorAll('nav, .filter')].filter(e => e.offsetHeight > 0).length"
    assert page.script(shown) == 0
    clipped = "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 1).length"
    assert page.script(clipped) == 0


def test_the_page_is_no_wider_than_a_telephone(page: Page) -> None:
    page.resize(400, 800)
    assert page.script("return document.documentElement.scrollWidth") <= 400


# --- odd cases ---


def open_text(open_page: OpenPage, folder: Path, text: str) -> Page:
    path = folder / "summary.html"
    path.write_text(text, encoding="utf-8")
    return open_page(path)


def test_markup_in_names_is_shown_and_never_run(
    open_page: OpenPage, contents: Callable[..., object], tmp_path: Path
) -> None:
    awkward = "<script>alert(1)</script><img src=x onerror=alert(1)>$x_1$&amp;"
    runs = [*summaries(9, activation=awkward), *summaries(3)]
    made = contents(runs, experiment=awkward, config_text=awkward, facts={awkward: awkward})
    page = open_text(open_page, tmp_path, summary_page(made))  # type: ignore[arg-type]
    assert page.texts("h1") == [awkward]
    choose(page, "AF", awkward)
    assert set(column(page, "AF")) == {awkward}
    assert page.problems() == []


def test_five_thousand_rows_open_sort_and_filter(
    open_page: OpenPage, contents: Callable[..., object], tmp_path: Path
) -> None:
    runs = [summaries(1, learning_rate=(1 + 7 * i % 5000) / 1e6)[0] for i in range(5000)]
    page = open_text(open_page, tmp_path, summary_page(contents(runs)))  # type: ignore[arg-type]
    sort_by(page, "LR")
    rates = [float(text) for text in column(page, "LR")]
    assert len(rates) == 5000
    assert rates == sorted(rates)
    page.type("#results .filter input", "0.002345")
    assert column(page, "LR") == ["0.002345"]
    assert page.problems() == []


def test_only_diverged_runs_and_a_single_run_make_a_page(
    open_page: OpenPage, contents: Callable[..., object], tmp_path: Path
) -> None:
    for runs in (summaries(2, diverged=True), summaries(1), summaries(1, diverged=True)):
        page = open_text(open_page, tmp_path, summary_page(contents(runs)))  # type: ignore[arg-type]
        assert len(page.rows(RESULTS)) == len(runs)
        assert page.problems() == []
