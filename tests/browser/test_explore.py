"""The linked views of the page: a selection in one of them holds in all of them, and in the table."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from selenium.webdriver import ActionChains, Keys

from factories import grid as combinations
from factories import summary
from handgrad.experiment.config import load_experiment
from handgrad.page.content import Contents
from handgrad.page.explore import STEPS, explore_data, point_count, shortened
from handgrad.storage.run_reader import Summary
from handgrad.tables.results import results_table
from handgrad.tables.search import SEARCH

from ..unit.test_summary import contents, summary_page
from .pages import Page

__all__ = ["contents"]  # a fixture
ROOT = Path(__file__).parents[2]
COUNT = "[data-part=count]"
OPEN_SECONDS, BRUSH_SECONDS = 2, 0.2


def grid(**axes: list[object]) -> list[Summary]:
    """Return runs of all combinations of these values on mnist; the first one is the best."""
    return combinations(dataset=["mnist"], **axes)


@pytest.fixture
def explore(
    open_page: Callable[[Path], Page], contents: Callable[..., Contents], tmp_path: Path
) -> Callable[..., Page]:
    """Return a function that opens the page of some runs."""

    def make(runs: list[Summary], **tables: pd.DataFrame) -> Page:
        path = tmp_path / "summary.html"
        made = contents(runs)
        made = replace(made, tables={**made.tables, **tables})
        path.write_text(summary_page(made), encoding="utf-8")
        return open_page(path)

    return make


SMALL = {"activation": ["tanh", "cos"], "hidden_units": [50, 100, 200], "learning_rate": [0.001, 0.01, 0.1]}


def rows(page: Page) -> list[list[str]]:
    return [row[1:4] for row in page.rows("#table-results table")]


def slide(page: Page, title: str, keys: str) -> None:
    """Press keys on a slider, such as ``learning rate, from``."""
    page.find(f'input[aria-label="{title}"]').send_keys(keys)


def place(page: Page, axis: int, value: int) -> tuple[float, float]:
    """Return the pixel of a value on an axis of the parallel coordinates, from the centre of the view."""
    x, y, width, height = page.script(
        "const view = EXPLORE.views[0]; const [i, k] = arguments;"
        "return [view.places[i], view.scales[i].at[k], view.width, view.height]",
        axis,
        value,
    )
    return x - width / 2, y - height / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    view = page.find("[data-part=parallel]")
    page.script("arguments[0].scrollIntoView({block: 'center'})", view)
    moves = ActionChains(page.browser, duration=20).move_to_element_with_offset(view, *map(int, start)).click_and_hold()
    moves.move_to_element_with_offset(view, *map(int, end)).release().perform()


def test_brushes_on_two_axes_select_in_the_views_and_in_the_table(explore: Callable[..., Page]) -> None:
    page = explore(grid(**SMALL))
    (x, top), (_, bottom) = place(page, 1, 2), place(page, 1, 1)
    drag(page, (x, top - 4), (x, bottom + 4))
    page.wait_until(lambda: page.texts(COUNT) == ["12 of 18 runs selected"], "12 selected")
    (x, top), (_, bottom) = place(page, 2, 2), place(page, 2, 2)
    drag(page, (x, top - 4), (x, bottom + 4))
    page.wait_until(lambda: page.texts(COUNT) == ["4 of 18 runs selected"], "4 selected")
    assert rows(page) == [[h, m, "0.1"] for h in ("tanh", "cos") for m in ("100", "200")]
    assert page.script("return EXPLORE.views[2].shown().length") == 4
    page.click("[data-part=clear]")
    page.wait_until(lambda: len(rows(page)) == 18, "all rows")
    assert page.problems() == []


def test_ranges_and_rows_select_by_keyboard(explore: Callable[..., Page]) -> None:
    page = explore(grid(**SMALL))
    page.find("#explore .controls summary").send_keys(Keys.ENTER)
    slide(page, "learning rate, from", Keys.ARROW_RIGHT)
    slide(page, "learning rate, to", Keys.ARROW_LEFT)
    page.wait_until(lambda: {row[2] for row in rows(page)} == {"0.01"}, "rows of 0.01")
    assert page.script("return document.querySelector('[aria-label=\"learning rate, to\"]').ariaValueText") == "0.01"
    first = page.find("#table-results tbody tr[tabindex='0']")
    first.send_keys(Keys.ARROW_DOWN)
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait_until(lambda: rows(page) == [["tanh", "100", "0.01"]], "the second row")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.find("#explore select, #explore button").send_keys(Keys.ESCAPE)
    page.wait_until(lambda: len(rows(page)) == 18, "all rows")


def test_hovering_names_the_run_and_a_click_picks_it(explore: Callable[..., Page]) -> None:
    page = explore([*grid(**SMALL), summary(None, dataset="mnist", hidden_units=400)])
    view = page.find("[data-part=scatter]")
    x, y = page.script(
        "const view = EXPLORE.views[1]; view.name = 'hidden_units'; EXPLORE.axis.value = 'hidden_units';"
        "EXPLORE.chooseAxis(); const run = EXPLORE.runs.order[0];"
        "return [view.x.at[view.dimension.at[run]] - view.width / 2,"
        "view.y.at[EXPLORE.runs.metric.at[run]] - view.height / 2]"
    )
    page.script("arguments[0].scrollIntoView({block: 'center'})", view)
    ActionChains(page.browser).move_to_element_with_offset(view, int(x), int(y)).perform()
    (shown,) = page.texts(".readout")
    assert "2.00% misclassified (200 of 10000, test)" in shown
    assert "activation tanh, hidden units 50, learning rate 0.001" in shown
    assert "af_tanh_hu_50_lr_0.001_bs_50_ep_2_l2_0.01_seed_0" in shown
    ActionChains(page.browser).click().perform()
    page.wait_until(lambda: rows(page) == [["tanh", "50", "0.001"]], "the picked run")
    assert page.problems() == []


SELECTIONS = {
    "all of a grid": (grid(**SMALL), lambda i: True),
    "a part that is no grid": (grid(**SMALL), lambda i: i % 5 != 2),
    "seeds of some settings": (grid(learning_rate=[0.1, 1e-07], l2=[0.0, 1.0], seed=[0, 1, 2]), lambda i: i % 12 > 2),
    "missing and default values": (
        grid(train_size=[None, 500], momentum=[0.0, 0.9], init=["scaled", "published"]),
        lambda i: i != 3,
    ),
    "one run": ([summary(200, dataset="mnist")], lambda i: True),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_the_copied_yaml_describes_exactly_the_selected_runs(explore: Callable[..., Page], case: str) -> None:
    runs, chosen = SELECTIONS[case]
    wanted = [i for i in range(len(runs)) if chosen(i)]
    page = explore(runs)
    if len(wanted) < len(runs):
        page.script("arguments[0].forEach((run) => EXPLORE.runs.picked.add(run)); EXPLORE.update()", wanted)
    page.wait_until(lambda: page.texts(COUNT)[0].startswith(f"{len(wanted)} of"), "the selection")
    page.click("#explore summary", "Selection as an experiment file")
    field = page.find("[data-part=yaml]")
    text = page.wait_until(lambda: field.get_attribute("value"), "YAML")
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    found = load_experiment({**registry, **yaml.safe_load(text)}).runs
    assert sorted(found, key=lambda run: run.name) == sorted((runs[i].run for i in wanted), key=lambda run: run.name)


def test_a_metric_and_a_dataset_can_be_chosen(explore: Callable[..., Page]) -> None:
    runs = [summary(300 + i, validation_faults=40 - i, validation_size=500, dataset="mnist", seed=i) for i in range(3)]
    page = explore(runs)
    best = "return EXPLORE.runs.order[0]"
    assert page.script(best) == 2  # on the validation split, which selects
    page.script("EXPLORE.metric.value = 'test'; EXPLORE.metric.dispatchEvent(new Event('change', {bubbles: true}))")
    assert page.script(best) == 0


def test_curves_keep_their_ends_and_their_rates() -> None:
    run = summary(200, epochs=1000)
    faults = np.linspace(5000, 200, 1000).astype(int)
    long = replace(run, history={**run.history, "test_faults": faults, "test_loss": np.ones(1000)})
    (data,) = explore_data(results_table([long]), [long.history])
    assert (data["lengths"], data["points"]) == ([1000], 60)
    rates = np.frombuffer(base64.b64decode(data["splits"][0]["curves"]), "<u2") / STEPS
    np.testing.assert_allclose(rates, faults[shortened(1000, 60)] / 10000, atol=1 / STEPS)
    assert rates[[0, -1]] == pytest.approx([0.5, 0.02], abs=1 / STEPS)
    assert point_count(5000, 2) * 5000 * 2 <= 200_000


def many(count: int) -> list[Summary]:
    """Return runs of a random search, some of them diverged."""
    rng = np.random.default_rng(0)
    runs = []
    for i in range(count):
        rate, l2 = 10 ** rng.uniform(-4, 0), 10 ** rng.uniform(-4, 0)
        faults = None if rate > 0.8 else int(200 + 3000 * rate + 500 * l2 + rng.integers(50))
        axes = {"learning_rate": float(f"{rate:.3g}"), "l2": float(f"{l2:.3g}"), "seed": i, "epochs": 50}
        run = summary(faults, dataset="mnist", hidden_units=int(rng.integers(20, 400)), **axes)
        end = 3000 if faults is None else faults
        curve = (end * np.linspace(3, 1, 50)).astype(int)
        loss = np.where(np.arange(50) < (20 if faults is None else 50), 0.5, np.nan)
        runs.append(replace(run, history={**run.history, "test_faults": curve, "test_loss": loss}))
    return runs


#: Limits two dimensions eight times, and waits for each frame.
BRUSH = """
const done = arguments[arguments.length - 1];
const { runs, views } = EXPLORE;
const at = views[0].scales[1].at;
function step(k) {
  if (k === 8) return done();
  EXPLORE.limit(runs.dimensions[1], at, [at.at(-1), at.at(-1) + (at[0] - at.at(-1)) * (0.3 + k / 20)]);
  EXPLORE.limit(runs.dimensions[0], views[0].scales[0].at, [0, 250]);
  requestAnimationFrame(() => setTimeout(() => step(k + 1)));
}
step(0);
"""


def test_five_thousand_runs_open_fast_and_answer_a_brush_at_once(explore: Callable[..., Page]) -> None:
    page = explore(many(5000))
    assert page.cpu_seconds() < OPEN_SECONDS
    before = page.cpu_seconds()
    page.browser.set_script_timeout(60)
    page.browser.execute_async_script(BRUSH)
    assert (page.cpu_seconds() - before) / 8 < BRUSH_SECONDS
    text = page.path.read_text()
    data = len(text.partition('id="runs">')[2].partition("</script>")[0]) + sum(map(len, text.split("<table>")[1:]))
    assert len(text) - data < 1.5e6
    assert page.problems() == []


def test_thousands_of_rows_are_shown_on_request_and_are_all_sorted(explore: Callable[..., Page]) -> None:
    runs = [summary(200, dataset="mnist", learning_rate=(1 + 7 * i % 1000) / 1e6) for i in range(1000)]
    page = explore(runs)
    page.find("#table-results th button", "LR").send_keys(Keys.ENTER)
    assert [row[2] for row in rows(page)] == [f"{i / 1e6:g}" for i in range(1, 101)]
    page.click("#table-results button", "Show all 1,000 rows")
    assert len(rows(page)) == 1000
    page.type("#table-results .filter input", "0.000234")
    assert [row[2] for row in rows(page)] == ["0.000234"]
    assert page.problems() == []


def test_a_search_shows_where_each_setting_stopped(explore: Callable[..., Page]) -> None:
    stops = [("yes", 0, 80), ("no", 1, 40), ("no", 0, 90), ("no", 0, None)]
    rates = [0.01, 0.01, 0.1, 5.0]
    rows = [
        {**vars(summary().run), "dataset": "mnist", "validation_size": 1000, "block": 0, "learning_rate": rate}
        | {"rung": rung, "until": 1 + 2 * rung, "rank": 1, "promoted": promoted, "seeds": 1, "diverged": 0}
        | {"validation_faults": faults}
        for rate, (promoted, rung, faults) in zip(rates, stops, strict=True)
    ]
    page = explore([summary(200, dataset="mnist")], search=SEARCH.typed(rows))
    assert page.texts("#searches .bottom text") == ["after epoch 1", "after epoch 3"]
    assert "diverged" in page.texts("#searches .left text")
    view = page.find("#searches .drawing")
    page.script("arguments[0].scrollIntoView({block: 'center'})", view)
    end = "const v = SEARCH.view; const [x, y] = v.points(0).at(-1); return [x - v.width / 2, y - v.height / 2]"
    x, y = page.script(end)
    ActionChains(page.browser).move_to_element_with_offset(view, int(x), int(y)).perform()
    assert page.texts("#searches .readout") == ["4.00% after epoch 3 learning rate 0.01"]
    assert page.problems() == []
