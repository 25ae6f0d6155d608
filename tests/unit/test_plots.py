"""Plots of runs: each plot shows what its caption promises, and unusual runs also give a readable plot."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.stats import ttest_1samp

from factories import grid, published, summary
from figures import legend_texts, require_readable, save, titles, words
from handgrad.plots.accuracy import accuracy_by_hidden_units
from handgrad.plots.best import best_accuracies
from handgrad.plots.comparison import NAMED_ROWS, published_against_reproduced
from handgrad.plots.cost import accuracy_against_cost
from handgrad.plots.heat_maps import SMALLEST_RATIO, heat_cells, heat_maps
from handgrad.plots.learning_curves import BANDS, LINES_OF_PANEL, learning_curves
from handgrad.plots.ranges import CELLS, RANGES
from handgrad.plots.seeds import faults_by_seed
from handgrad.plots.style import LEGEND_ENTRIES
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import best_table
from handgrad.tables.comparison import comparison_table
from handgrad.tables.results import results_table
from handgrad.tables.seed_variance import MAX_SETTINGS, seed_variance
from handgrad.tables.seeds import seeds_table

ROOT = Path(__file__).parents[2]
PUBLISHED_GRID = {
    "activation": ["softplus", "tanh", "cos"],
    "hidden_units": [100, 200, 300],
    "learning_rate": [0.01, 0.001],
    "l2": [0.01, 0.1],
}


def with_curve(run: Summary) -> Summary:
    """Return a run whose faults decrease by 50 in each epoch. A diverged run diverges in its last epoch."""
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


def seeds(runs: list[Summary]) -> Figure:
    return faults_by_seed(results_table(runs))


def published_rows(rows: list[Summary]) -> pd.DataFrame:
    """Return a published table with the faults of these runs."""
    return published(*({**vars(row.run), "faults": 300 if row.faults is None else row.faults} for row in rows))


def comparison(runs: list[Summary], *, rows: list[Summary] | None = None) -> Figure:
    theirs = published_rows(rows or runs)
    divisors = dict.fromkeys(("digits", "mnist"), 1.0)
    return published_against_reproduced(comparison_table(seeds_table(results_table(runs)), theirs, divisors))


def best(runs: list[Summary], *, rows: list[Summary] | None = None) -> Figure:
    return best_accuracies(best_table(seeds_table(results_table(runs)), published_rows(rows or [])))


PLOTS: dict[str, Callable[[list[Summary]], Figure]] = {
    one.__name__: one for one in (curves, accuracy, heat, cost, seeds, comparison, best)
}


# --- seeds ---


def with_seeds(*faults: int | None, **axes: Any) -> list[Summary]:
    return [summary(count, seed=seed, **axes) for seed, count in enumerate(faults)]


def test_each_seed_is_a_point_and_settings_are_sorted_with_their_intervals() -> None:
    runs = [*with_seeds(40, 50, 45), *with_seeds(30, None, 36, l2=0.5), *with_seeds(20, 26, 20, l2=0.3)]
    (axes,) = seeds([*runs, summary(1, l2=0.7)]).axes  # one seed shows no spread
    points = [line for line in axes.lines if line.get_marker() == "o"]
    # a setting with a diverged seed is not the best
    assert [sorted(line.get_xdata()) for line in points] == [[20, 20, 26], [40, 45, 50], [30, 36]]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        f"tanh  M 5  λ {one}" for one in ("0.3", "0.01", "0.5  (1 diverged)")
    ]
    ends = [bar.get_segments()[0][:, 0] for bar in axes.collections]
    expected = [ttest_1samp(own, 0).confidence_interval(0.95) for own in ([20, 20, 26], [40, 45, 50])]
    np.testing.assert_allclose(ends, expected)


def test_the_title_has_the_part_of_the_variance_that_the_seed_causes() -> None:
    # within: (2 + 2) / 2 = 2; of the means 2 and 6, times two seeds: 16, so between: (16 - 2) / 2 = 7
    found = seed_variance([np.array([1.0, 3.0]), np.array([5.0, 7.0])])
    assert (found.over_seeds**2, found.share) == (pytest.approx(2), pytest.approx(2 / 9))
    assert found.between
    assert found.between**2 == pytest.approx(7)
    (title,) = titles(seeds([*with_seeds(1, 3), *with_seeds(5, 7, l2=0.5)]))
    assert "1.41 over seeds, 2.65 between settings\n22%" in title
    assert seed_variance([np.array([1.0, 9.0]), np.array([9.0, 1.0])]).share == 1


def test_of_many_settings_the_best_are_drawn_and_the_plot_says_so() -> None:
    figure = seeds(grid(l2=[i / 100 for i in range(50)], seed=[0, 1]))
    assert len(figure.axes[0].get_yticklabels()) == MAX_SETTINGS
    assert f"best {MAX_SETTINGS} of 50 settings" in titles(figure)[0]
    assert words(seeds(grid(l2=[0.0, 1.0])))[0] == "No setting has two seeds that finished"


# --- learning curves ---


def bands(figure: Figure) -> list[list[tuple[float, float, float]]]:
    """Return the bands of the first panel. A band is a list of (epoch, lower end, upper end)."""
    found = []
    for band in figure.axes[0].collections:
        ends = pd.DataFrame(band.get_paths()[0].vertices, columns=["epoch", "rate"]).groupby("epoch")["rate"]
        found.append(list(zip(ends.groups, ends.min(), ends.max(), strict=True)))
    return found


def test_each_activation_and_learning_rate_has_a_panel_with_all_its_runs() -> None:
    runs = grid(**PUBLISHED_GRID)
    figure = curves(runs)
    expected = [f"{h}, learning rate {rate}" for h in PUBLISHED_GRID["activation"] for rate in (0.001, 0.01)]
    assert titles(figure) == titles(accuracy(runs)) == expected
    names = {"100 hidden units", "200 hidden units", "300 hidden units", "λ = 0.01", "λ = 0.1"}
    assert set(legend_texts(figure)) == names
    for lines in (axes.lines for axes in figure.axes):
        assert len({(line.get_color(), line.is_dashed()) for line in lines}) == len(lines) == 6
        assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 3


def test_mean_and_band_are_over_the_seeds_that_have_not_diverged() -> None:
    runs = [summary(100, epochs=3), summary(200, epochs=3, seed=1), summary(None, epochs=3, seed=2)]
    figure = curves([*runs, summary(900, l2=0.1, epochs=3)])
    line, single, cross = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[1, 3], [2, 2.5], [3, 1.5]])  # means of 2, 3, 4; 1.5, 2.5, 3.5; 1, 2
    np.testing.assert_allclose(single.get_ydata(), [10, 9.5, 9])
    assert bands(figure) == [[(1, 2, 4), (2, 1.5, 3.5), (3, 1, 2)]]
    assert (cross.get_marker(), cross.get_xydata().tolist()) == ("x", [[2, 3.5]])
    assert titles(figure)[0].endswith("1 of 4 diverged")
    assert {"range over seeds", "then diverged"} <= set(legend_texts(figure))
    assert bands(curves(runs[1:])) == [[(1, 3, 4), (2, 2.5, 3.5)]]  # after that, one seed is left
    assert "range over seeds" not in legend_texts(curves(runs[:1]))


def test_a_panel_with_many_lines_has_no_bands_as_the_caption_says() -> None:
    few = grid(batch_size=list(range(1, BANDS + 1)), seed=[0, 1])
    assert len(bands(curves(few))) == BANDS
    assert bands(curves([*few, summary(batch_size=100)])) == []
    assert f"more than {BANDS} lines" in (ROOT / "workflow/report/learning_curves.rst").read_text()


@pytest.mark.parametrize(("faults", "scale"), [((272, 3000), "log"), ((5700, 9000), "linear"), ((0, 9000), "linear")])
def test_the_fault_axis_is_logarithmic_only_where_that_helps(faults: tuple[int, int], scale: str) -> None:
    assert curves([summary(count, seed=i) for i, count in enumerate(faults)]).axes[0].get_yscale() == scale


def test_many_values_leave_a_short_legend_and_colours_of_their_own() -> None:
    few = grid(hidden_units=[10], l2=[i / 100 for i in range(2, 11)], epochs=[1])
    figure = curves([*grid(hidden_units=list(range(10, 210, 10)), epochs=[1]), *few])
    assert len(legend_texts(figure)) == LEGEND_ENTRIES + 1
    assert {"λ: 10 values, same line style", "10 hidden units", "200 hidden units"} <= set(legend_texts(figure))
    looks = {(str(line.get_color()), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == 20
    assert {marker for _, marker in looks} == {"."}  # so that a curve of one epoch is visible


def test_of_hundreds_of_settings_the_best_curves_are_drawn_and_the_plot_says_so() -> None:
    runs = grid(l2=[float(i) for i in range(LINES_OF_PANEL + 30)], epochs=[2])
    figure = curves(runs)
    assert len(figure.axes[0].lines) == LINES_OF_PANEL
    assert max(line.get_ydata()[-1] for line in figure.axes[0].lines) < 2.5  # 200 faults, 201, ...
    assert any(f"best {LINES_OF_PANEL} settings" in text for text in words(figure))
    assert not any("best" in text for text in words(curves(runs[:9])))
    equal = [summary(200, l2=float(i)) for i in range(2 * LINES_OF_PANEL)]
    assert len(curves(equal).axes[0].lines) == LINES_OF_PANEL


@pytest.mark.parametrize("plot", [lambda runs: curves(runs), lambda runs: accuracy(runs), lambda runs: heat(runs)])
def test_a_drawn_axis_gives_few_panels_and_each_names_its_range(plot: Callable[[list[Summary]], Figure]) -> None:
    runs = [summary(200 + i, learning_rate=(i + 1) / 1000, hidden_units=i + 1, l2=0.1 * i) for i in range(60)]
    named = titles(plot(runs))
    assert len(named) == RANGES
    assert re.search(r"\b(1 to 15 hidden units|learning rate 0.001 to 0.015)$", named[0])
    require_readable(plot(runs))


def test_of_many_networks_the_best_of_each_range_is_drawn_and_the_plot_says_so() -> None:
    runs = [summary(900 - i % 7, hidden_units=10 + i) for i in range(100)]
    figure = best(runs)
    (line,) = [one for one in figure.axes[0].lines if len(one.get_xdata()) > 1]
    assert len(line.get_xdata()) == CELLS
    assert any("ranges" in text for text in words(figure))
    assert not any("ranges" in text for text in words(best(runs[:20])))


def test_a_heat_map_of_drawn_values_has_few_cells_with_the_best_setting_of_each() -> None:
    runs = [summary(900 - i, learning_rate=(i + 1) / 1000, l2=0.1 * i) for i in range(60)]
    axes = heat(runs).axes[0]
    assert len(shades(axes)) == CELLS * (CELLS + 1)  # l2 = 0 has its own row
    best = max(frames(axes), key=frames(axes).__getitem__)
    assert best == (CELLS - 1, CELLS)
    assert {text.get_text() for text in axes.texts if text.get_position() == best} == {"8.41"}


# --- accuracy and cost ---


def markers(figure: Figure) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_marker() not in ("", "None")]


def test_a_line_goes_through_the_mean_of_the_seeds() -> None:
    runs = [summary(faults, hidden_units=m, seed=s) for faults, m, s in [(100, 50, 0), (300, 50, 1), (50, 90, 0)]]
    line, points = accuracy(runs).axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[50, 0.98], [90, 0.995]])
    assert sorted(map(tuple, points.get_xydata())) == [(50, 0.97), (50, 0.99), (90, 0.995)]
    several = accuracy(grid(hidden_units=[50, 90], train_size=[None, 5], batch_size=[1, 2])).axes[0].lines
    assert sum(line.get_linestyle() != "None" for line in several) == 4


def test_diverged_runs_have_no_point_and_are_counted() -> None:
    runs = [summary(hidden_units=9), summary(None), summary(None, activation="cos")]
    figure = accuracy(runs)
    assert [title.split("\n")[1] for title in titles(figure)] == ["1 of 2 diverged", "1 of 1 diverged"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 0]
    assert titles(cost(runs)) == ["3 runs\n2 of 3 diverged"]
    assert len(markers(cost(runs))) == 1


def test_accuracies_of_all_sizes_can_be_told_apart() -> None:
    figure = accuracy([summary(faults, hidden_units=100 + faults) for faults in (5345, 272, 205)])
    require_readable(figure)
    assert {"50", "90", "97"} <= {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert 1 < cost([summary(9000), summary(0, seed=1)]).axes[0].get_ylim()[1] < 1.05  # only the marker exceeds 1


def test_every_run_is_a_point_and_the_staircase_the_best_for_the_cost() -> None:
    points = [(400, 3), (500, 1), (450, 4), (200, 6), (300, 9), (500, 2), (600, 1)]
    figure = cost([summary(faults, seconds=seconds, seed=i) for i, (faults, seconds) in enumerate(points)])
    (drawn,) = markers(figure)
    assert {tuple(p) for p in drawn.get_xydata()} == {(seconds, 1 - faults / 10000) for faults, seconds in points}
    (stairs,) = [line for line in figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
    np.testing.assert_allclose(stairs.get_ydata(), [0.95, 0.95, 0.95, 0.96, 0.96, 0.98, 0.98])
    assert stairs.get_xdata().tolist() == [1, 1, 2, 3, 4, 6, 9]
    assert figure.axes[0].get_xscale() == "log"


def test_activations_differ_in_colour_and_marker_hidden_units_in_size() -> None:
    figure = cost(grid(hidden_units=[50, 10, 200], activation=["cos", "tanh"]))
    drawn = markers(figure)
    assert len({line.get_color() for line in drawn}) == len({line.get_marker() for line in drawn}) == 2
    handles = zip(figure.legends[0].get_texts(), figure.legends[0].legend_handles, strict=True)
    sizes = {text.get_text(): handle.get_markersize() for text, handle in handles}
    assert [sizes[f"{m} hidden units"] for m in (10, 50, 200)] == sorted({line.get_markersize() for line in drawn})


# --- heat maps ---


def numbers(axes: Any) -> dict[tuple[float, float], str]:
    """Return the numbers in the cells of a panel, by learning rate and l2."""
    names = axes.get_xticklabels(), axes.get_yticklabels()
    rates, penalties = ([float(label.get_text()) for label in labels] for labels in names)
    at = {text.get_position(): text.get_text() for text in axes.texts}
    return {(rates[x], penalties[y]): text for (x, y), text in at.items()}


def frames(axes: Any) -> dict[tuple[float, float], float]:
    """Return the largest line width of the outlines of each outlined cell."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    ordered = sorted(found, key=lambda patch: patch.get_linewidth())
    return {(patch.get_x() + 0.5, patch.get_y() + 0.5): patch.get_linewidth() for patch in ordered}


def shades(axes: Any) -> list[Any]:
    """Return the colours of the cells, from left to right and from bottom to top."""
    (cells,) = [found for found in axes.collections if isinstance(found, QuadMesh)]
    return list(map(tuple, cells.to_rgba(cells.get_array()).reshape(-1, 4)))


def luminance(colour: Any) -> float:
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


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
    seeds = [summary(300), summary(None, seed=1), summary(500, seed=2)]
    figure = heat([*seeds, summary(None, l2=0.1), summary(learning_rate=0.1)])
    axes = figure.axes[0]
    assert numbers(axes) == {(0.001, 0.01): "4.00", (0.1, 0.01): "2.00"}
    assert titles(figure) == ["tanh, 5 hidden units\n2 of 5 diverged"]
    crosses = {line.get_label(): line.get_xydata().round().tolist() for line in axes.lines}
    assert crosses == {"all diverged": [[0, 1]], "some seeds diverged": [[0, 0]]}
    assert {*crosses, "not run"} <= set(legend_texts(figure))
    assert legend_texts(heat([summary()])) == ["best of all"]


def test_the_best_cell_of_each_panel_and_of_all_is_outlined() -> None:
    runs = grid(activation=["tanh", "cos"], hidden_units=[100, 5], learning_rate=[0.1, 0.01], l2=[0.1, 0.01])
    figure = heat([*runs, summary(None, activation="softplus", learning_rate=0.1, l2=0.1)])
    expected = [f"{h}, {m} hidden units" for h in ("tanh", "cos") for m in (5, 100)]
    assert titles(figure) == [*expected, "softplus, 5 hidden units\n1 of 1 diverged"]
    widths = [frames(axes).get((1, 1)) for axes in figure.axes[:4]]
    assert widths[1] > widths[0] == widths[2] == widths[3]  # the first run has 100 hidden units
    assert [len(frames(axes)) for axes in figure.axes[:5]] == [1, 1, 1, 1, 0]


def test_the_best_cells_are_darkest_and_every_number_can_be_read() -> None:
    faults = [200, 260, *range(400, 1000, 40), 5000, 9000]
    axes = heat([summary(count, l2=i + 1.0) for i, count in enumerate(faults)]).axes[0]
    light = [luminance(shade) for shade in shades(axes)]
    assert light == sorted(light)
    assert light[2] - light[1] > light[1] - light[0] > 0.01
    inks = [luminance(text.get_color()) for text in axes.texts]
    contrasts = [(max(pair) + 0.05) / (min(pair) + 0.05) for pair in zip(light, inks, strict=True)]
    assert min(contrasts) > 4.5  # minimum contrast of WCAG 2


def test_chance_looks_small_and_cells_without_room_have_no_numbers() -> None:
    low, high = heat([summary(200), summary(201, l2=0.1)]).axes[-1].get_ylim()
    assert high / low == pytest.approx(SMALLEST_RATIO)
    values = [round(10 ** (-4 + i / 5), 9) for i in range(20)]
    axes = heat(grid(learning_rate=values, l2=values)).axes[0]
    assert (len(axes.texts), len(shades(axes))) == (0, 400)


# --- published and reproduced faults ---


def points(axes: Any) -> list[Any]:
    """Return the positions of the markers of a panel."""
    return [place for line in axes.lines if line.get_marker() != "None" for place in line.get_xydata().tolist()]


def texts_at_the_right(figure: Figure) -> list[str]:
    (right,) = figure.axes[0].child_axes
    return [label.get_text() for label in right.get_yticklabels()]


def test_the_comparison_has_a_panel_a_dataset_and_a_line_a_row() -> None:
    runs = grid(dataset=["mnist", "digits"], **PUBLISHED_GRID)
    figure = comparison(runs, rows=[replace(run, faults=300) for run in runs])
    assert [title.split(",")[0] for title in titles(figure)] == ["mnist", "digits"]
    assert [len(points(axes)) for axes in figure.axes] == [36, 36]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "softplus  M 100  η 0.01  λ 0.01"
    assert len(set(names)) == 36


def test_a_row_is_at_its_mean_over_the_published_faults_with_its_verdict() -> None:
    faults = [(330, 0.1), (390, 0.1), (200, 0.2), (500, 0.3), (200, 0.3), (None, 0.4)]
    runs = [summary(count, l2=l2, seed=seed) for seed, (count, l2) in enumerate(faults)]
    figure = comparison(runs, rows=[summary(200, l2=l2) for l2 in (0.1, 0.2, 0.3, 0.4, 0.5)])
    (axes,) = figure.axes
    assert sorted(points(axes)) == [[1, 1], [pytest.approx(1.75), 2], [pytest.approx(1.8), 0]]
    assert texts_at_the_right(figure)[1:] == ["200 → 360", "200 → 200", "200 → 350", "200 → diverged"]
    assert "1 not run" in titles(figure)[0]
    (spread,) = [lines for lines in axes.collections if lines.get_label() == "range over seeds"]
    np.testing.assert_allclose(spread.get_segments(), [[[1.65, 0], [1.95, 0]], [[1, 2], [2.5, 2]]])
    drawn = [line for line in axes.lines if line.get_label() in {"agrees", "differs", "unstable over seeds"}]
    assert len({line.get_marker() for line in drawn}) == len({line.get_color() for line in drawn}) == 3
    assert {line.get_label() for line in drawn} < set(legend_texts(figure))


# --- best published row and our best setting ---


def sides(figure: Figure) -> tuple[list[Any], list[Any]]:
    """Return the published lines and our lines in the first panel."""
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    hollow = [line for line in lines if line.get_markerfacecolor() == "none"]
    return hollow, [line for line in lines if line not in hollow]


def test_published_is_hollow_and_dashed_and_ours_filled_and_solid() -> None:
    axes = {"hidden_units": [100, 200], "activation": ["tanh", "cos"]}
    figure = best(grid(300, **axes), rows=grid(400, **axes))
    hollow, filled = sides(figure)
    lines = (*hollow, *filled)
    assert [line.is_dashed() for line in lines] == [True, True, False, False]
    looks = [(line.get_marker(), line.get_color()) for line in lines]
    assert looks[:2] == looks[2:]
    assert len(set(looks)) == 2
    expected = [[96, 95.98], [95.99, 95.97], [97, 96.98], [96.99, 96.97]]
    np.testing.assert_allclose([line.get_ydata() for line in lines], expected)
    assert len({line.get_transform().transform(line.get_xydata())[0, 0] for line in lines}) == 4  # side by side
    assert {"tanh", "cos", "published best", "our best", "95% interval"} <= set(legend_texts(figure))


def test_the_thin_bar_is_the_interval_and_the_thick_one_the_seeds() -> None:
    figure = best([summary(100), summary(300, seed=1), summary(200, hidden_units=200)])
    thin, thick = figure.axes[0].collections
    assert thin.get_linewidth()[0] < thick.get_linewidth()[0]
    assert [low < 98 < high for (_, low), (_, high) in thin.get_segments()] == [True, True]
    np.testing.assert_allclose(thick.get_segments(), [[(5, 97), (5, 99)]])
    assert {"our best (mean)", "over seeds"} <= set(legend_texts(figure))
    assert not sides(figure)[0]


def test_a_panel_says_what_ours_was_selected_on_and_what_diverged() -> None:
    held_out = {"validation_faults": 9, "validation_size": 1000}
    runs = [summary(l2=l2, **data) for l2 in (0.1, 0.2) for data in (held_out, {"dataset": "mnist"})]
    runs += [summary(None, activation="cos", **held_out), summary(dataset="wine")]
    first, second, third = titles(best(runs))
    assert re.match(r"digits.*validation split\n.* 1 of 2 networks", first)
    assert re.match("mnist.*test set", second)
    assert third == "wine"  # one setting: nothing was selected


# --- all plots ---

AWKWARD = "$\\frac{a}_^<&>$"
ODD_CASES = {
    "one run": [summary()],
    "awkward names": [summary(activation=AWKWARD), summary(None, activation="_"), summary(dataset="mnist")],
    "all axes": grid(learning_rate=[10.0**-i for i in range(5)], activation=["tanh", "cos"], hidden_units=[1, 10**4]),
    "many rows": grid(l2=[i / 10 for i in range(NAMED_ROWS + 1)]),
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
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red", "svg.hashsalt": None}):
        assert save(PLOTS[plot](runs), tmp_path / "2.svg") == usual
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("plot", ["curves", "accuracy", "heat", "cost", "seeds", "best"])
def test_nothing_to_draw_is_said_in_words(plot: str, tmp_path: Path) -> None:
    for runs, said in (([], "No runs"), ([summary(None, epochs=1)], "Every run diverged")):
        figure = PLOTS[plot](runs)
        assert words(figure) == [said]
        save(figure, tmp_path / "words.svg")
