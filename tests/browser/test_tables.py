"""The tables as pages of their own."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from .pages import Page

TITLES = {
    "results": "Results",
    "seeds": "Over seeds",
    "best": "Published and ours, the best",
    "gradient_checks": "Gradient checks",
}


@pytest.mark.parametrize("name", TITLES)
def test_a_table_shows_every_row_has_no_error_and_asks_for_nothing(
    open_page: Callable[[Path], Page], quick_results: Path, name: str
) -> None:
    page = open_page(quick_results / f"tables/{name}.html")
    assert page.title == TITLES[name]
    assert len(page.rows()) == len(pd.read_csv(quick_results / f"tables/{name}.csv")) > 0
    assert page.problems() == []


def test_no_table_goes_untested(quick_results: Path) -> None:
    assert {path.stem for path in quick_results.glob("tables/*.html")} == set(TITLES)
