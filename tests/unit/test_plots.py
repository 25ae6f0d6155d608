"""Plots of runs: each shows all that it promises, and odd cases give a plot that can be read too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from factories import grid, published, summary
from figures import legend_texts, require_readable, save, titles, words
from handgrad.plots.accuracy import accuracy_by_hidden_units
from handgrad.plots.best import best_accuracies
from handgrad.plots.comparison import NAMED_ROWS, published_against_reproduced
from handgrad.plots.cost import CROWDED, accuracy_against_cost, front
from handgrad.plots.fault_shades import SMALLEST_RATIO
from handgrad.plots.heat_maps import LETTERS, heat_cells, heat_maps
from handgrad.plots.learning_curves import BANDS, learning_curves
from handgrad.plots.panels import log_ticks, panels
from handgrad.plots.style import LEGEND_ENTRIES, text_on
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import best_table
from handgrad.tables.comparison import comparison_table
from handgrad.tables.results import results_table
from handgrad.tables.seeds import seeds_table

ROOT = Path(__file__).parents[2]
PUBLISHED_GRID = {
    "activation": ["softplus", "tanh", "cos"],
    "hidden_units": [100, 200, 300],
    "learning_rate": [0.01, 0.001],
    "l2": [0.01, 0.1],
}


def with_curve(run: Summary) -> Summary:
    """A run whose faults fall by 50 an epoch to its own; where it diverged, it did so in its last epoch."""
    epochs = run.run.epochs
    loss = np.full(epochs, 0.5)
    if run.faults is None:
        loss[-1] = np.nan
    curve = (300 if run.faults is None else run.faults) + 50 * np.arange(epochs - 1, -1, -1)
    return replace(run, history={**run.history, "test_faults": curve, "test_loss": loss})


def curves(runs: list[Summary]) -> Figure:
    return learning_curves([with_curve(run) for run in runs])


def accuracy(runs: list[Summary]) -> Figure:
    return accuracy_by_hidden_units(results_table(runs))


def heat(runs: list[Summary]) -> Figure:
    return heat_maps(results_table(runs))


def cost(runs: list[Summary]) -> Figure:
    return accuracy_against_cost(results_table(runs))


def published_rows(rows: list[Summary]) -> pd.DataFrame:
    """A published table with the faults of these runs."""
    return published(*({**vars(row.run), "faults": 300 if row.faults is None else row.faults} for row in rows))


def comparison(runs: list[Summary], *, rows: list[Summary] | None = None) -> Figure:
    theirs = published_rows(rows or runs)
    divisors = dict.fromkeys(("digits", "mnist"), 1.0)
    return published_against_reproduced(comparison_table(seeds_table(results_table(runs)), theirs, divisors))


def best(runs: list[Summary], *, rows: list[Summary] | None = None) -> Figure:
    return best_accuracies(best_table(seeds_table(results_table(runs)), published_rows(rows or [])))


PLOTS: dict[str, Callable[[list[Summary]], Figure]] = {
    one.__name__: one for one in (curves, accuracy, heat, cost, comparison, best)
}


# --- learning curves ---


def bands(figure: Figure) -> list[list[tuple[float, float, float]]]:
    """The bands of the first panel: at each epoch of each, the epoch and both ends."""
    found = []
    for band in figure.axes[0].collections:
        points = band.get_paths()[0].vertices
        epochs = sorted({float(epoch) for epoch, _ in points})
        at = {epoch: [float(y) for x, y in points if x == epoch] for epoch in epochs}
        found.append([(epoch, min(at[epoch]), max(at[epoch])) for epoch in epochs])
    return found


def test_each_activation_and_learning_rate_has_a_panel_with_all_its_runs() -> None:
    expected = [f"{h}, learning rate {rate}" for h in PUBLISHED_GRID["activation"] for rate in (0.001, 0.01)]
    figure = curves(grid(**PUBLISHED_GRID))
    assert titles(figure) == titles(accuracy(grid(**PUBLISHED_GRID))) == expected
    assert [len(axes.lines) for axes in figure.axes] == [6] * 6
    names = {"100 hidden units", "200 hidden units", "300 hidden units", "λ = 0.01", "λ = 0.1"}
    assert set(legend_texts(figure)) == names


def test_learning_curves_show_percent_of_test_images_from_epoch_one() -> None:
    (line,) = curves([summary(100, size=2000, epochs=3)]).axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[1, 10], [2, 7.5], [3, 5]])


def test_hidden_units_differ_in_colour_and_marker_and_l2_in_line() -> None:
    lines = curves(grid(hidden_units=[100, 200], l2=[0.01, 0.1], batch_size=[1, 2])).axes[0].lines
    looks = [{look(line) for line in lines} for look in (lambda a: a.get_color(), lambda a: a.get_marker())]
    assert [len(look) for look in looks] == [2, 2]
    assert len({str(line.get_linestyle()) + str(line.is_dashed()) for line in lines}) == 2
    assert len(lines) == 8


def test_mean_and_band_are_over_the_seeds_that_have_not_diverged() -> None:
    runs = [summary(100, epochs=3), summary(200, epochs=3, seed=1), summary(None, epochs=3, seed=2)]
    figure = curves([*runs, summary(900, l2=0.1, epochs=3)])
    line, single, cross = figure.axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), [3, 2.5, 1.5])  # of 2, 3, 4; 1.5, 2.5, 3.5; 1, 2
    np.testing.assert_allclose(single.get_ydata(), [10, 9.5, 9])
    assert bands(figure) == [[(1, 2, 4), (2, 1.5, 3.5), (3, 1, 2)]]
    assert (cross.get_marker(), cross.get_xydata().tolist()) == ("x", [[2, 3.5]])
    assert titles(figure)[0].endswith("1 of 4 diverged")
    assert {"range over seeds", "then diverged"} <= set(legend_texts(figure))
    assert bands(curves(runs[1:])) == [[(1, 3, 4), (2, 2.5, 3.5)]]  # then one seed is left
    assert "range over seeds" not in legend_texts(curves(runs[:1]))


def test_a_panel_with_many_lines_has_no_bands_as_the_caption_says() -> None:
    few = grid(batch_size=list(range(1, BANDS + 1)), seed=[0, 1])
    assert len(bands(curves(few))) == BANDS
    assert bands(curves([*few, summary(batch_size=100)])) == []
    assert f"more than {BANDS} lines" in (ROOT / "workflow/report/learning_curves.rst").read_text()


@pytest.mark.parametrize(("faults", "scale"), [((272, 3000), "log"), ((5700, 9000), "linear"), ((0, 9000), "linear")])
def test_the_fault_axis_is_logarithmic_only_where_that_helps(faults: tuple[int, int], scale: str) -> None:
    assert curves([summary(count, seed=i) for i, count in enumerate(faults)]).axes[0].get_yscale() == scale


def test_one_epoch_is_drawn_as_a_point_and_its_band_can_be_seen() -> None:
    figure = curves(grid(epochs=[1], seed=[0, 1], batch_size=[1, 2]))
    assert all(line.get_marker() not in ("", "None") for line in figure.axes[0].lines)
    assert figure.axes[0].collections[0].get_linewidth()[0] > 0


def test_many_values_leave_a_short_legend() -> None:
    figure = curves(grid(hidden_units=list(range(10, 210, 10)), l2=[i / 100 for i in range(10)]))
    texts = legend_texts(figure)
    assert len(texts) == LEGEND_ENTRIES + 1
    assert {"λ: 10 values, drawn alike", "10 hidden units", "200 hidden units"} <= set(texts)
    assert len({str(line.get_color()) for line in figure.axes[0].lines}) == 20


# --- accuracy ---


def test_a_line_goes_through_the_mean_of_the_seeds() -> None:
    runs = [summary(faults, hidden_units=m, seed=s) for faults, m, s in [(100, 50, 0), (300, 50, 1), (50, 90, 0)]]
    line, points = accuracy(runs).axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[50, 0.98], [90, 0.995]])
    assert sorted(map(tuple, points.get_xydata())) == [(50, 0.97), (50, 0.99), (90, 0.995)]
    assert len(accuracy(grid(hidden_units=[50, 90], train_size=[None, 5], batch_size=[1, 2])).axes[0].lines) == 8


def test_diverged_runs_have_no_point_and_are_counted() -> None:
    runs = [summary(hidden_units=9), summary(None), summary(None, activation="cos")]
    figure = accuracy(runs)
    assert [title.split("\n")[1] for title in titles(figure)] == ["1 of 2 diverged", "1 of 1 diverged"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 0]
    assert titles(cost(runs)) == ["3 runs\n2 of 3 diverged"]
    assert len(markers(cost(runs))) == 1


def test_accuracies_of_all_sizes_can_be_told_apart() -> None:
    figure = accuracy([summary(faults, hidden_units=100 + faults) for faults in (5345, 272, 205)])
    assert figure.axes[0].get_yscale() == "logit"
    require_readable(figure)
    assert {"50", "90", "97"} <= {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert accuracy([summary(9000), summary(0, seed=1)]).axes[0].get_yscale() == "linear"


# --- cost ---


def markers(figure: Figure) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_marker() != "None"]


def staircase(figure: Figure) -> list[list[float]]:
    (line,) = [line for line in figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
    steps: list[list[float]] = line.get_xydata().tolist()
    return steps


def test_every_run_is_a_point_at_its_seconds_and_test_accuracy() -> None:
    runs = [summary(300, seconds=2), summary(400, seconds=5, l2=0.1), summary(100, seconds=3, activation="cos")]
    figure = cost(runs)
    assert {tuple(p) for line in markers(figure) for p in line.get_xydata()} == {(2, 0.97), (5, 0.96), (3, 0.99)}
    assert figure.axes[0].get_xscale() == "log"


def test_activations_differ_in_colour_and_marker_hidden_units_in_size() -> None:
    figure = cost(grid(hidden_units=[50, 10, 200], activation=["cos", "tanh"]))
    looks = [(line.get_color(), line.get_marker()) for line in markers(figure)]
    assert len(set(looks)) == len({colour for colour, _ in looks}) == len({mark for _, mark in looks}) == 2
    handles = zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles, strict=True)
    sizes = {text.get_text(): handle.get_markersize() for text, handle in handles}
    shown = [sizes[f"{m} hidden units"] for m in (10, 50, 200)]
    assert shown == sorted({line.get_markersize() for line in markers(figure)})


def test_the_staircase_is_the_best_accuracy_for_the_cost() -> None:
    points = [(400, 3), (500, 1), (450, 4), (200, 6), (300, 9), (500, 2)]
    figure = cost([summary(faults, seconds=seconds, seed=seconds) for faults, seconds in points])
    assert staircase(figure) == [[1, 0.95], [3, 0.96], [6, 0.98], [9, 0.98]]


@settings(deadline=None)  # its promise is not about time
@given(st.lists(st.tuples(st.floats(0.1, 10), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=12))
def test_the_front_holds_what_no_other_run_beats(points: list[tuple[float, float]]) -> None:
    seconds, accuracies = (np.array(values) for values in zip(*points, strict=True))
    found = front(seconds, accuracies)

    def beaten(i: int) -> bool:
        no_worse = (seconds <= seconds[i]) & (accuracies >= accuracies[i])
        return bool((no_worse & ((seconds < seconds[i]) | (accuracies > accuracies[i]))).any())

    assert {points[i] for i in found} == {points[i] for i in range(len(points)) if not beaten(i)}
    assert len(found) == len({points[i] for i in found})
    assert all(np.diff(seconds[found]) > 0)


def test_the_axis_of_accuracies_ends_at_100_percent() -> None:
    assert cost([summary(200)]).axes[0].get_ylim()[1] < 1.01  # left to itself, it goes 5 percent beyond
    assert cost([summary(0), summary(100, seconds=3)]).axes[0].get_ylim()[1] > 1  # room for the marker
    assert cost([summary(200), summary(5000, seconds=3)]).axes[0].get_yscale() == "logit"


def test_many_points_are_small_as_the_caption_says() -> None:
    many = [summary(i, seed=i, seconds=i + 1, hidden_units=1 + i % 2) for i in range(CROWDED + 1)]
    largest = [max(line.get_markersize() for line in markers(cost(runs))) for runs in (many, many[1:])]
    assert largest[0] < largest[1]
    assert f"more than {CROWDED} points" in (ROOT / "workflow/report/cost.rst").read_text()


# --- heat maps ---


def panel(figure: Figure, title: str) -> Any:
    (found,) = [axes for axes in figure.axes if axes.get_title().split("\n")[0] == title]
    return found


def numbers(axes: Any) -> dict[tuple[float, float], str]:
    """What is written in the cells of a panel, by learning rate and l2."""
    names = axes.get_xticklabels(), axes.get_yticklabels()
    rates, penalties = ([float(label.get_text()) for label in labels] for labels in names)
    at = {text.get_position(): text.get_text() for text in axes.texts}
    return {(rates[round(x)], penalties[round(y)]): text for (x, y), text in at.items()}


def frames(axes: Any) -> dict[tuple[float, float], float]:
    """The thickest outline of each cell that has one."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    ordered = sorted(found, key=lambda patch: patch.get_linewidth())
    return {(patch.get_x() + 0.5, patch.get_y() + 0.5): patch.get_linewidth() for patch in ordered}


def shades(axes: Any) -> list[Any]:
    (cells,) = [found for found in axes.collections if isinstance(found, PolyCollection)]
    return [tuple(shade) for shade in cells.get_facecolors()]


def luminance(colour: Any) -> float:
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: Any, other: Any) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_heat_maps_have_a_panel_for_each_activation_and_hidden_units() -> None:
    figure = heat(grid(hidden_units=[300, 100], activation=["softplus", "cos"], l2=[0.1, 0.01]))
    assert titles(figure) == [f"{h}, {m} hidden units" for h in ("softplus", "cos") for m in (100, 300)]
    with_gap = heat([summary(hidden_units=1), *grid(hidden_units=[2], activation=["tanh", "cos"])])
    assert not panel(with_gap, "cos, 1 hidden units").collections  # not run, and in its place


@pytest.mark.parametrize(
    ("held_out", "rates", "split"), [(500, ("2.30", "40.0"), "validation"), (0, ("12.3", "5.00"), "test")]
)
def test_a_cell_is_the_mean_over_seeds_on_the_split_that_selects(
    held_out: int, rates: tuple[str, str], split: str
) -> None:
    runs = [
        summary(faults, validation_faults=v, validation_size=held_out, seed=seed, l2=l2)
        for faults, v, seed, l2 in [(1234, 10, 0, 0.01), (1235, 13, 1, 0.01), (500, 200, 0, 0.5)]
    ]
    figure = heat(runs)
    assert numbers(figure.axes[0]) == {(0.001, 0.01): rates[0], (0.001, 0.5): rates[1]}
    assert split in figure.axes[-1].get_ylabel()


def test_of_several_settings_a_cell_shows_the_best_without_diverged_seeds() -> None:
    runs = [
        *(summary(faults, seed=seed, batch_size=10) for seed, faults in enumerate((100, 900))),
        *(summary(faults, seed=seed, train_size=50) for seed, faults in enumerate((400, 420))),
        *(summary(faults, seed=seed, batch_size=20) for seed, faults in enumerate((50, None))),
    ]
    (cell,) = heat_cells(results_table(runs), "test").itertuples()
    assert cell.rate == pytest.approx(4.1)
    assert (cell.seeds, cell.diverged) == (2, 0)
    assert heat_cells(results_table([*runs[4:], summary(None, l2=0.3)]), "test")["l2"].tolist() == [0.01, 0.3]


def test_cells_not_run_or_diverged_are_marked_and_counted() -> None:
    runs = [
        summary(300),
        summary(None, seed=1),
        summary(500, seed=2),
        summary(None, l2=0.1),
        summary(learning_rate=0.1),
    ]
    figure = heat(runs)
    axes = figure.axes[0]
    assert numbers(axes) == {(0.001, 0.01): "4.00", (0.001, 0.1): "diverged", (0.1, 0.01): "2.00"}
    assert titles(figure) == ["tanh, 5 hidden units\n2 of 5 diverged"]
    (mark,) = axes.lines
    assert [round(value) for value in mark.get_xydata()[0]] == [0, 0]
    assert axes.patch.get_hatch()
    assert {"some seeds diverged", "all diverged", "not run"} <= set(legend_texts(figure))
    assert legend_texts(heat([summary()])) == ["best of all"]
    crosses = heat([*grid(l2=[i / 10 for i in range(30)]), summary(None, l2=9.0)]).axes[0].lines
    assert [tuple(line.get_xydata()[0]) for line in crosses] == [(0, 30)]  # no room for the word


def test_the_best_cell_of_each_panel_and_of_all_is_outlined() -> None:
    runs = grid(activation=["tanh", "cos"], learning_rate=[0.1, 0.01], l2=[0.1, 0.01])
    figure = heat([*runs, summary(None, activation="softplus", learning_rate=0.1, l2=0.1)])
    first, second, lost = (frames(panel(figure, f"{h}, 5 hidden units")) for h in ("tanh", "cos", "softplus"))
    assert list(first) == list(second) == [(1, 1)]
    assert first[1, 1] > second[1, 1]
    assert not lost


def test_the_best_cells_are_darkest_and_chance_looks_small() -> None:
    figure = heat([summary(faults, l2=i + 1.0) for i, faults in enumerate((200, 260, 400, 5000, 9000))])
    light = [luminance(shade) for shade in shades(figure.axes[0])]
    assert light == sorted(light)
    assert light[2] - light[1] > light[1] - light[0] > 0.01
    close = heat([summary(200), summary(201, l2=0.1)])
    low, high = close.axes[-1].get_ylim()
    assert high / low == pytest.approx(SMALLEST_RATIO)
    assert len(set(shades(heat([summary(0), summary(1, l2=0.1), summary(9000, l2=0.2)]).axes[0]))) == 3


def test_a_number_can_be_read_on_every_shade() -> None:
    assert min(contrast((i / 255,) * 3, text_on((i / 255,) * 3)) for i in range(256)) > 4.5
    axes = heat([summary(faults, l2=i + 1.0) for i, faults in enumerate(range(200, 500, 40))]).axes[0]
    inks = {text.get_position()[1]: text.get_color() for text in axes.texts}
    assert all(contrast(shade, inks[i]) > 4.5 for i, shade in enumerate(shades(axes)))


def test_numbers_are_left_out_where_there_is_no_room() -> None:
    values = [round(10 ** (-4 + i / 5), 9) for i in range(20)]
    figure = heat(grid(learning_rate=values, l2=values))
    assert not figure.axes[0].texts
    assert len(shades(figure.axes[0])) == 400
    assert max(len(label.get_text()) for label in figure.axes[0].get_xticklabels()) <= LETTERS
    assert f"more than {LETTERS} characters" in " ".join((ROOT / "workflow/report/heat_maps.rst").read_text().split())


# --- published and reproduced ---


def points(figure: Figure) -> list[list[Any]]:
    """The markers of each panel."""
    return [[line for line in axes.lines if line.get_marker() != "None"] for axes in figure.axes]


def test_the_comparison_has_a_panel_a_dataset_and_a_line_a_row() -> None:
    runs = grid(dataset=["mnist", "digits"], **PUBLISHED_GRID)
    figure = comparison(runs, rows=[replace(run, faults=300) for run in runs])
    assert [title.split(",")[0] for title in titles(figure)] == ["mnist", "digits"]
    assert [len(panel) for panel in points(figure)] == [36, 36]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "softplus  M 100  η 0.01  λ 0.01"
    assert len(set(names)) == 36


def test_a_row_is_at_its_mean_as_a_multiple_of_the_published_faults() -> None:
    figure = comparison([summary(330), summary(390, seed=1)], rows=[summary(200)])
    ((point,),) = points(figure)
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (pytest.approx(1.8), 0)
    spread = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 2)
    np.testing.assert_allclose(spread.get_xdata(), [1.65, 1.95])
    assert "200 → 360" in {text.get_text() for text in figure.axes[0].texts}


def test_verdicts_differ_in_marker_and_colour() -> None:
    runs = [summary(200), summary(300, l2=0.1), summary(200, l2=0.2), summary(500, l2=0.2, seed=1)]
    figure = comparison(runs, rows=[summary(200, l2=l2) for l2 in (0.01, 0.1, 0.2)])
    assert legend_texts(figure)[:3] == ["agrees", "differs", "unstable over seeds"]
    assert len({point.get_marker() for point in points(figure)[0]}) == 3
    assert len({point.get_color() for point in points(figure)[0]}) == 3


def test_rows_without_a_finished_run_are_counted_and_say_so() -> None:
    rows = [summary(300, l2=l2) for l2 in (0.1, 0.2, 0.3)]
    figure = comparison([summary(400, l2=0.1), summary(None, l2=0.2)], rows=rows)
    assert "1 not run" in titles(figure)[0]
    assert [text.get_text() for text in figure.axes[0].texts][1:] == ["300 → 400", "300 → diverged"]
    assert len(points(figure)[0]) == 1
    assert "finished run" in words(comparison([summary(None)]))[0]


def test_rows_beyond_what_has_room_have_no_names() -> None:
    figure = comparison(grid(l2=[i / 10 for i in range(NAMED_ROWS + 1)]))
    assert len(points(figure)[0]) == NAMED_ROWS + 1
    assert not figure.axes[0].texts


# --- the best of both sides ---


def sides(figure: Figure) -> tuple[list[Any], list[Any]]:
    """The lines of the published side and of ours in the first panel."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    hollow = [line for line in lines if line.get_markerfacecolor() == "none"]
    return hollow, [line for line in lines if line not in hollow]


def test_published_is_hollow_and_dashed_and_ours_filled_and_solid() -> None:
    axes = {"hidden_units": [100, 200], "activation": ["tanh", "cos"]}
    figure = best(grid(300, **axes), rows=grid(400, **axes))
    hollow, filled = sides(figure)
    for one, other, faults in zip(hollow, filled, (0, 1), strict=True):
        assert (one.get_marker(), one.get_color()) == (other.get_marker(), other.get_color())
        assert one.is_dashed()
        assert not other.is_dashed()
        np.testing.assert_allclose(one.get_ydata(), [96 - faults / 100, 95.98 - faults / 100])
        np.testing.assert_allclose(other.get_ydata(), [97 - faults / 100, 96.98 - faults / 100])
    assert len({line.get_marker() for line in filled}) == len({line.get_color() for line in filled}) == 2
    assert len({float(line.get_xdata()[0]) for line in (*hollow, *filled)}) == 4  # side by side
    assert {"tanh", "cos", "published best", "our best", "95 % interval"} <= set(legend_texts(figure))


def test_the_thin_bar_is_the_interval_and_the_thick_one_the_seeds() -> None:
    figure = best([summary(100), summary(300, seed=1), summary(200, hidden_units=200)])
    bars: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for lines in (one for one in figure.axes[0].collections if isinstance(one, LineCollection)):
        bars[lines.get_linewidth()[0] > 2] += [(low, high) for (_, low), (_, high) in lines.get_segments()]
    np.testing.assert_allclose(bars[True], [(97, 99)])
    assert [low < 98 < high for low, high in bars[False]] == [True, True]
    assert {"our best (mean)", "over seeds"} <= set(legend_texts(figure))
    assert not sides(figure)[0]


def test_a_panel_says_what_ours_was_selected_on_and_what_diverged() -> None:
    held_out = {"validation_faults": 9, "validation_size": 1000}
    runs = [summary(**held_out), summary(None, activation="cos", **held_out), summary(dataset="mnist")]
    first, second = titles(best(runs))
    assert "digits" in first
    assert "validation split\nall runs of 1 of 2 networks diverged" in first
    assert second.endswith("test set")


@pytest.mark.parametrize(("sizes", "scale"), [((10, 100, 1000), "log"), ((100, 200), "linear")])
def test_sizes_far_apart_are_on_a_logarithmic_axis(sizes: tuple[int, ...], scale: str) -> None:
    figure = best([summary(hidden_units=h) for h in sizes])
    assert figure.axes[0].get_xscale() == scale
    np.testing.assert_allclose(sides(figure)[1][0].get_xdata(), sizes)


# --- all plots ---

AWKWARD = "$\\frac{a}_^<&>$"
ODD_CASES = {
    "one run": [summary()],
    "awkward names": [summary(activation=AWKWARD), summary(None, activation="_"), summary(dataset="mnist")],
    "every learning rate": grid(learning_rate=[10.0**-i for i in range(5)], activation=["tanh", "cos"]),
    "every activation and size": grid(activation=[f"h{i}" for i in range(8)], hidden_units=[1, 10**4]),
    "many sizes": grid(hidden_units=list(range(1, 10))),
    "no faults and no time": [summary(0, seconds=0), summary(0, seed=1, seconds=1e-9)],
    "all wrong, for days": [summary(10000, seconds=1e6), summary(10000, l2=0.0)],
    "half diverged": [summary(None), summary(l2=0.1), summary(None, l2=0.1, seed=1)],
}


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("case", ODD_CASES)
def test_odd_cases_give_a_plot_that_can_be_read(plot: str, case: str) -> None:
    require_readable(PLOTS[plot](ODD_CASES[case]))


@pytest.mark.parametrize("plot", PLOTS)
def test_the_same_runs_give_the_same_bytes_whatever_the_users_settings(plot: str, tmp_path: Path) -> None:
    runs = grid(hidden_units=[1, 2], l2=[0.1, 0.2])
    usual = save(PLOTS[plot](runs), tmp_path / "1.svg")
    assert "<dc:date>" not in usual
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red", "svg.hashsalt": None}):
        assert save(PLOTS[plot](runs), tmp_path / "2.svg") == usual
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("plot", ["curves", "accuracy", "heat", "cost", "best"])
def test_nothing_to_draw_is_said_in_words(plot: str, tmp_path: Path) -> None:
    for runs, said in (([], "No runs"), ([summary(None, epochs=1)], "Every run diverged")):
        figure = PLOTS[plot](runs)
        assert words(figure) == [said]
        save(figure, tmp_path / "words.svg")


def test_panels_wrap_evenly_and_begin_a_line_for_each_group() -> None:
    figure, at = panels([(g, i) for g in "ab" for i in range(5)], rows_by=lambda key: key[0])
    places = {key: axes.get_subplotspec().num1 for key, axes in at.items()}
    assert [places["a", i] for i in range(5)] == [0, 1, 2, 3, 4]
    assert [places["b", i] for i in range(5)] == [6, 7, 8, 9, 10]
    assert figure.axes[0].get_shared_y_axes().joined(at["a", 0], at["b", 4])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 1100, [1, 10, 100, 1000]),
        (1.8, 60, [2, 5, 10, 20, 50]),
        (7, 35, [7, 10, 15, 20, 30]),
        (55, 95, [60, 70, 80, 90]),
        (0.001, 0.1, [0.001, 0.01, 0.1]),
    ],
)
def test_logarithmic_ticks_are_round_and_enough(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)
    assert len(log_ticks(9.0, 9.1)) >= 2
