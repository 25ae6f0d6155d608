"""The documentation site in a browser, opened from its files, without a web server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys

from ..conftest import locked
from .pages import Page

DOCS = Path(__file__).parents[2] / "docs"
OpenPage = Callable[[str], Page]


@pytest.fixture(scope="module")
def site(browser: Chrome, shared: Path) -> Path:
    """Build the site and return its folder. The browser is an argument, so that nothing is built if it is missing."""
    built, doctrees, done = (shared / f"site{ending}" for ending in ("", "-doctrees", "-is-done"))
    with locked(shared / "site.lock"):
        if not done.exists():
            command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", doctrees, DOCS, built]
            subprocess.run(command, check=True)
            done.touch()
    return built


@pytest.fixture
def open_page(browser: Chrome, site: Path) -> OpenPage:
    """Return a function that opens a page of the site."""
    return lambda name: Page(browser, site / name, site)


def test_no_page_of_the_site_has_an_error_or_asks_for_anything_else(site: Path, open_page: OpenPage) -> None:
    names = [path.relative_to(site).as_posix() for path in site.rglob("*.html")]
    assert len(names) > len(list(DOCS.glob("*/*.md")))
    assert {name: problems for name in names if (problems := open_page(name).problems())} == {}


def test_formulas_are_shown_as_mathematics(open_page: OpenPage) -> None:
    page = open_page("explanation/derivation.html")
    assert page.script("return document.querySelectorAll('math').length") > 100
    assert not page.script(r"return document.querySelector('article').innerText.match(/\\(frac|sum|log)|\$/)")


def test_search_finds_the_page_on_checkpoints(open_page: OpenPage) -> None:
    page = open_page("index.html")
    page.type("input.sidebar-search", f"checkpoint{Keys.ENTER}")
    page.find("#search-results li a", "Checkpoints")
    assert page.problems() == []
