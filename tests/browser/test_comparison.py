"""The page of two experiments in a browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from selenium.webdriver import Keys

from handgrad.experiment.config import load_experiment
from handgrad.page.comparison import comparison_page
from handgrad.tables.divergence import Sides
from handgrad.tables.experiment_comparison import compare_experiments
from handgrad.tables.stored_results import StoredResults

from ..unit.test_compare import LABELS, grid
from .pages import Page

ROOT = Path(__file__).parents[2]
#: A and B have two runs in common, one of them with another result
A = grid(44, l2=[0.1, 0.0], seed=[0, 1])
B = [*A[2:3], replace(A[3], content_sha256="other"), *grid(30, l2=[1.0], momentum=[0.9], seed=[0, 1, 2])]


@pytest.fixture
def comparison(open_page: Callable[[Path], Page], tmp_path: Path) -> Page:
    sides = Sides(*(StoredResults(name, Path(), tuple(runs)) for name, runs in (("plain", A), ("momentum", B))))
    path = tmp_path / "plain_vs_momentum.html"
    found = compare_experiments(sides.a, sides.b, {"digits": LABELS})
    path.write_text(comparison_page(found, sides), encoding="utf-8")
    return open_page(path)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_no_violation_in_a_comparison(comparison: Page, axe: None, width: int, scheme: str) -> None:
    comparison.emulate(width=width, scheme=scheme)
    comparison.script("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert comparison.violations() == []
    assert comparison.script("return document.documentElement.scrollWidth") <= width
    links = comparison.script("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
    assert links == comparison.script("return [...document.querySelectorAll('main section')].map(s => '#' + s.id)")
    assert comparison.problems() == []


def shown(page: Page) -> list[str]:
    return [row[0] for row in page.rows("#table-results table")]


def copied(page: Page) -> Any:
    """Return the selection as an experiment file."""
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    return {**registry, **yaml.safe_load(page.find("[data-part=yaml]").get_attribute("value") or "")}


def test_an_experiment_is_selected_by_keyboard_and_copied(comparison: Page) -> None:
    assert shown(comparison) == ["A"] * 4 + ["B"] * 5
    for summary in comparison.browser.find_elements("css selector", "#explore .controls summary"):
        summary.send_keys(Keys.ENTER)
    comparison.find('input[aria-label="experiment, from"]').send_keys(Keys.ARROW_RIGHT)
    comparison.wait_until(lambda: shown(comparison) == ["B"] * 5, "the runs of B")
    assert set(load_experiment(copied(comparison)).runs) == {one.run for one in B}
    comparison.find("[data-part=clear]").click()
    comparison.find('input[aria-label="λ, to"]').send_keys(Keys.HOME)
    comparison.wait_until(lambda: shown(comparison) == ["A", "A", "B", "B"], "the runs in common")
    (entry,) = copied(comparison)["experiments"]
    assert (entry["l2"], entry["seed"]) == (0, [0, 1])  # each run once
    assert comparison.problems() == []
