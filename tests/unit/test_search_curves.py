"""The plot of the learning curves of a search with halving, and the importance of axes in a search."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from factories import run_of
from figures import legend_texts, require_readable, save, titles, words
from handgrad.experiment.runs import Run
from handgrad.plots.search import CROWDED, MOST_CURVES, search_curves
from handgrad.plots.style import COLOURS
from handgrad.search.parts import Part
from handgrad.search.ranking import rank
from handgrad.search.rung_files import RungResult
from handgrad.tables.importance import IMPORTANCE, importance_in_searches, leading_axes
from handgrad.tables.search import search_table

ROOT = Path(__file__).parents[2]
#: the epochs before a run diverges; None for a run that does not
Diverges = Callable[[Run], int | None]


def faults_of(run: Run, epoch: int) -> int:
    """Return validation faults of 1,000 that decrease with the epochs. A small l2 is best; l2 = 0 is slow at first."""
    return round((100 + 8 * run.l2 + run.seed) * (1 + (3 if run.l2 else 3.35) / epoch))


def parts_of(
    count: int, until: tuple[int, ...] = (1, 3, 9), *, seeds: int = 1, diverges: Diverges = lambda _: None, **axes: str
) -> list[Part]:
    """Return the parts of a search with this number of settings, and a third is continued after each rung."""
    runs = [
        run_of(l2=float(i), hidden_units=i % 3 + 1, epochs=until[-1], validation_size=1000, **axes)
        for i in range(count)
    ]
    parts = []
    for number, epochs in enumerate(until):
        results = [_result(replace(run, seed=seed), epochs, diverges) for run in runs for seed in range(seeds)]
        settings = rank(results)
        promoted = math.ceil(len(settings) / 3) if number < len(until) - 1 else 0
        parts.append(Part(number, epochs, promoted, settings, tuple(results)))
        runs = [ranked.run for ranked in settings[:promoted]]
    return parts


def _result(run: Run, until: int, diverges: Diverges) -> RungResult:
    finite = diverges(run)
    lost = finite is not None and finite < until
    epochs = finite + 1 if finite is not None and lost else until
    loss = [0.5] * epochs
    faults = tuple(faults_of(run, epoch + 1) for epoch in range(epochs))
    return RungResult(
        run, until, "diverged" if lost else "stopped", faults, (*loss[:-1], None) if lost else tuple(loss)
    )


def lines(figure: Figure, colour: str) -> list[list[list[float]]]:
    """Return the points of each line of this colour in the first panel."""
    found = [one for one in figure.axes[0].collections if isinstance(one, LineCollection)]
    return [
        np.asarray(path.vertices).tolist()
        for one in found
        if np.allclose(one.get_color()[0][:3], to_rgba(colour)[:3])
        for path in one.get_paths()
    ]


def points(figure: Figure, marker: str) -> list[list[float]]:
    return [
        point for line in figure.axes[0].lines if line.get_marker() == marker for point in line.get_xydata().tolist()
    ]


# --- the plot


def test_settings_end_where_they_stopped_and_the_best_is_in_its_own_colour() -> None:
    figure = search_curves([(4, parts_of(9))])
    (best,) = lines(figure, COLOURS[1])
    assert best == [[epoch, pytest.approx(faults_of(run_of(l2=0), epoch) / 10)] for epoch in range(1, 10)]
    assert lines(figure, COLOURS[0]) == []  # one setting alone was trained to the end
    stopped = points(figure, "o")
    assert sorted(epoch for epoch, _ in stopped) == [1] * 6 + [3] * 2
    assert [3, pytest.approx(faults_of(run_of(l2=2), 3) / 10)] in stopped
    assert titles(figure) == ["digits\nexperiments[4]: 9 settings, 3 continued after epoch 1, 1 after 3"]
    assert {"stopped after a rung", "trained to the end", "the best of them"} == set(legend_texts(figure))
    rungs = [line.get_xdata()[0] for line in figure.axes[0].lines if line.is_dashed()]
    assert rungs == [1, 3]


def test_a_curve_is_the_mean_over_the_seeds_that_have_not_diverged() -> None:
    parts = parts_of(3, (2, 5), seeds=3, diverges=lambda run: 3 if run.seed == 2 else None)
    figure = search_curves([(0, parts)])
    (best,) = lines(figure, COLOURS[1])
    means = [np.mean([faults_of(run_of(l2=0, seed=s), e) for s in range(3 if e < 4 else 2)]) / 10 for e in range(1, 6)]
    np.testing.assert_allclose(best, np.column_stack([range(1, 6), means]))
    assert points(figure, "x") == [[5, pytest.approx(means[-1])]]
    assert "a seed diverged" in legend_texts(figure)


def test_a_setting_without_a_finite_epoch_is_left_out_of_a_readable_plot(tmp_path: Path) -> None:
    figure = search_curves([(0, parts_of(9, diverges=lambda run: 0 if run.l2 > 1 else None))])
    assert len(points(figure, "o")) == 1
    save(figure, tmp_path / "some.svg")
    lost = parts_of(9, diverges=lambda _: 0)
    assert words(search_curves([(0, lost)])) == ["Every run diverged"]
    assert len(titles(search_curves([(0, lost), (1, parts_of(9))]))) == 1
    stopped = search_curves([(0, parts_of(9, diverges=lambda run: 1 if run.l2 == 0 else None))])
    require_readable(stopped)
    assert [len(points(stopped, marker)) for marker in "ox"] == [7, 1]  # a setting that diverged has no dot


def test_each_search_of_a_dataset_has_a_panel_also_with_a_long_name() -> None:
    name = "d" * 64
    figure = search_curves([(0, parts_of(9, dataset=name)), (2, parts_of(81, (1, 3, 9, 27, 81), dataset=name))])
    assert [title.split(": 9")[0].split(": 81")[0] for title in titles(figure)] == [
        f"{name}\nexperiments[{i}]" for i in (0, 2)
    ]
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "log"]
    require_readable(figure)


def test_of_thousands_of_settings_some_are_drawn_in_a_moment_and_the_title_says_so(tmp_path: Path) -> None:
    parts = parts_of(1000)
    start = time.process_time()
    figure = search_curves([(0, parts)])
    text = save(figure, tmp_path / "many.svg")
    assert time.process_time() - start < 10
    assert len(text) < 10**6
    assert len(points(figure, "o")) == 2 * MOST_CURVES
    assert len(lines(figure, COLOURS[0])) == MOST_CURVES - 1 > CROWDED
    assert lines(figure, COLOURS[1])[0][0] == [1, pytest.approx(faults_of(run_of(l2=0), 1) / 10)]
    assert f"at most {MOST_CURVES} with the same end are drawn" in titles(figure)[0]
    caption = (ROOT / "workflow/report/search_figure.rst").read_text()
    assert f"more than {MOST_CURVES} settings have the same end, {MOST_CURVES} of them" in caption


# --- the importance of axes


def test_the_importance_in_a_search_compares_all_candidates_after_rung_0() -> None:
    searches = [(0, parts_of(27)), (2, parts_of(27, dataset="mnist")), (3, parts_of(6))]
    table = importance_in_searches(search_table(searches))
    assert table[["dataset", "block", "axis"]].to_numpy().tolist() == [
        *(["digits", 0, axis] for axis in ("l2", "hidden_units")),
        *(["mnist", 2, axis] for axis in ("l2", "hidden_units")),  # the last search has too few candidates
    ]
    assert set(table["settings"]) == {27}
    assert table["importance"].tolist() == [1, 0] * 2
    assert leading_axes(table)[1].startswith("mnist: l2 is the most important axis (100%")
    assert "27 settings of experiments[2] after rung 0" in IMPORTANCE.lines(table)[3]


def test_candidates_that_all_diverged_share_the_last_rank() -> None:
    parts = parts_of(12, diverges=lambda run: 0 if run.l2 else None)
    table = importance_in_searches(search_table([(0, parts)]))
    # the order of their names would depend on hidden_units
    assert table[["importance", "explained"]].to_numpy().tolist() == [[0, 0]] * 2
