"""Accuracy against cost: every run is a point, and the staircase is the best for the cost."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from handgrad.experiment.runs import Run
from handgrad.plots.cost import CROWDED, accuracy_against_cost, front
from handgrad.plots.style import save_figure
from handgrad.storage.run_reader import Summary
from handgrad.tables.results import results_table

ROOT = Path(__file__).parents[2]
RUN = Run(
    dataset="mnist",
    activation="tanh",
    hidden_units=100,
    learning_rate=0.001,
    batch_size=100,
    epochs=4,
    l2=0.01,
    seed=0,
)


def run(faults: int | None = 300, *, seconds: float = 1.0, **axes: Any) -> Summary:
    """A run with these faults of 10,000 test images, or one that diverged."""
    status = "diverged" if faults is None else "finished"
    return Summary(replace(RUN, **axes), status, 10000, faults, 0.5, seconds, {}, "c0ffee", {})


def figure_of(runs: list[Summary]) -> Figure:
    return accuracy_against_cost(results_table(runs))


def save(figure: Figure, path: Path) -> str:
    """The SVG of a figure, which must be well-formed and of a readable width."""
    save_figure(path, figure)
    text = path.read_text()
    assert 300 < float(ET.fromstring(text).attrib["width"].removesuffix("pt")) < 1000  # noqa: S314, our own
    return text


def markers(figure: Figure) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_marker() != "None"]


def staircase(figure: Figure) -> list[list[float]]:
    (line,) = [line for line in figure.axes[0].lines if line.get_marker() == "None"]
    assert line.get_drawstyle() == "steps-post"
    steps: list[list[float]] = line.get_xydata().tolist()
    return steps


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]


def test_every_run_is_a_point_at_its_seconds_and_test_accuracy() -> None:
    runs = [run(300, seconds=2), run(400, seconds=5, l2=0.1), run(100, seconds=3, activation="cos")]
    figure = figure_of(runs)
    points = {tuple(point) for line in markers(figure) for point in line.get_xydata().tolist()}
    assert points == {(2, 0.97), (5, 0.96), (3, 0.99)}
    assert figure.axes[0].get_xscale() == "log"
    assert figure.axes[0].get_title() == "3 runs"


def test_activations_differ_in_colour_and_marker_and_hidden_units_in_size() -> None:
    figure = figure_of([run(hidden_units=m, activation=h) for m in (50, 10, 200) for h in ("cos", "tanh")])
    looks = [(line.get_color(), line.get_marker()) for line in markers(figure)]
    assert len(set(looks)) == len({colour for colour, _ in looks}) == len({mark for _, mark in looks}) == 2
    sizes = sorted({line.get_markersize() for line in markers(figure)})
    assert len(sizes) == 3
    shown = {
        text.get_text(): handle.get_markersize()
        for text, handle in zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles, strict=True)
    }
    assert [shown[f"{m} hidden units"] for m in (10, 50, 200)] == sizes
    assert {"h: cos", "h: tanh", "best for the cost"} <= set(legend_texts(figure))


def test_the_staircase_is_the_best_accuracy_for_the_cost() -> None:
    runs = [run(f, seconds=s, seed=s) for f, s in [(400, 3), (500, 1), (450, 4), (200, 6), (300, 9), (500, 2)]]
    assert staircase(figure_of(runs)) == [[1, 0.95], [3, 0.96], [6, 0.98], [9, 0.98]]


@settings(deadline=None)  # its promise is not about time
@given(st.lists(st.tuples(st.floats(0.1, 10), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=12))
def test_the_front_holds_what_no_other_run_beats(points: list[tuple[float, float]]) -> None:
    seconds, accuracy = (np.array(values) for values in zip(*points, strict=True))
    best = front(seconds, accuracy)

    def beaten(i: int) -> bool:
        no_worse = (seconds <= seconds[i]) & (accuracy >= accuracy[i])
        return bool((no_worse & ((seconds < seconds[i]) | (accuracy > accuracy[i]))).any())

    assert {points[i] for i in best} == {points[i] for i in range(len(points)) if not beaten(i)}
    assert len(best) == len({points[i] for i in best})
    assert all(np.diff(seconds[best]) > 0)
    assert all(np.diff(accuracy[best]) > 0)


def test_diverged_runs_have_no_point_and_are_counted() -> None:
    figure = figure_of([run(), run(None, seconds=0.5, hidden_units=200)])
    assert len(markers(figure)) == 1
    assert staircase(figure) == [[1, 0.97], [1, 0.97]]
    assert figure.axes[0].get_title() == "2 runs\n1 of 2 diverged"


def test_the_axis_of_accuracies_ends_at_100_percent() -> None:
    assert figure_of([run(200)]).axes[0].get_ylim()[1] < 1.01  # left to itself, it goes 5 percent beyond
    assert figure_of([run(0), run(100, seconds=3)]).axes[0].get_ylim()[1] > 1  # room for the marker
    assert figure_of([run(200), run(5000, seconds=3)]).axes[0].get_yscale() == "logit"


def test_many_points_are_small_as_the_caption_says(tmp_path: Path) -> None:
    many = [run(seed, seed=seed, seconds=seed + 1, hidden_units=1 + seed % 2) for seed in range(CROWDED + 1)]
    largest = [max(line.get_markersize() for line in markers(figure_of(runs))) for runs in (many, many[1:])]
    assert largest[0] < largest[1]
    assert f"more than {CROWDED} points" in (ROOT / "workflow/report/cost.rst").read_text()
    save(figure_of(many), tmp_path / "figure.svg")


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([], "No runs"),
        ([run(None)], "The only run diverged"),
        ([run(None), run(None, l2=0.1)], "All 2 runs diverged"),
    ],
)
def test_nothing_to_draw_is_said_in_words(runs: list[Summary], words: str, tmp_path: Path) -> None:
    figure = figure_of(runs)
    assert [text.get_text() for text in figure.texts] == [words]
    save(figure, tmp_path / "figure.svg")


ODD_CASES = {
    "one run": [run()],
    "no time at all": [run(seconds=0), run(200, seconds=1e-9)],
    "awkward names": [run(activation="$\\frac{a}_^<&>$"), run(activation="_")],
    "every activation": [run(activation=f"h{i}") for i in range(9)],
    "every size": [run(hidden_units=i) for i in range(1, 40)],
    "all right": [run(0), run(0, seconds=2)],
    "all wrong": [run(10000), run(10000, seconds=2)],
    "from seconds to days": [run(seconds=0.01), run(seconds=1e6)],
}


@pytest.mark.parametrize("runs", ODD_CASES.values(), ids=ODD_CASES.keys())
def test_odd_cases_give_a_figure(runs: list[Summary], tmp_path: Path) -> None:
    first, second = (save(figure_of(runs), tmp_path / f"{i}.svg") for i in range(2))
    assert first == second
