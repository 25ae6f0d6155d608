"""Heat maps: what stands in a cell, and what is said of cells that have no number."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from handgrad.experiment.runs import Run
from handgrad.plots.heat_maps import LEAST_RATIO, LETTERS, heat_cells, heat_maps
from handgrad.plots.style import save_figure, text_on
from handgrad.storage.run_reader import Summary
from handgrad.tables.results import results_table
from handgrad.tables.table import rows_of

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


def run(faults: int | None = 300, *, validation_faults: int = 0, **axes: Any) -> Summary:
    """A run with these faults of 10,000 test images, or one that diverged."""
    status = "diverged" if faults is None else "finished"
    history = {"validation_faults": np.array([validation_faults])}
    return Summary(replace(RUN, **axes), status, 10000, faults, 0.5, 1.0, history, "c0ffee", {})


def grid(**axes: list[Any]) -> list[Summary]:
    points = product(*axes.values())
    return [run(200 + i, **dict(zip(axes, point, strict=True))) for i, point in enumerate(points)]


def figure_of(runs: list[Summary]) -> Figure:
    return heat_maps(results_table(runs))


def save(figure: Figure, path: Path) -> str:
    """The SVG of a figure, which must be well-formed and of a readable width."""
    save_figure(path, figure)
    text = path.read_text()
    assert 300 < float(ET.fromstring(text).attrib["width"].removesuffix("pt")) < 1000  # noqa: S314, our own
    return text


def panel(figure: Figure, title: str) -> Any:
    (found,) = [axes for axes in figure.axes if axes.get_title().split("\n")[0] == title]
    return found


def numbers(axes: Any) -> dict[tuple[float, float], str]:
    """What is written in the cells of a panel, by learning rate and l2."""
    rates, penalties = (
        [float(label.get_text()) for label in labels] for labels in (axes.get_xticklabels(), axes.get_yticklabels())
    )
    at = {text.get_position(): text.get_text() for text in axes.texts}
    return {(rates[round(x)], penalties[round(y)]): text for (x, y), text in at.items()}


def frames(axes: Any) -> list[tuple[tuple[float, float], float]]:
    """Where cells are outlined, and how thickly."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [((patch.get_x() + 0.5, patch.get_y() + 0.5), patch.get_linewidth()) for patch in found]


def shades(axes: Any) -> list[Any]:
    (cells,) = [found for found in axes.collections if isinstance(found, PolyCollection)]
    return [tuple(shade) for shade in cells.get_facecolors()]


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]


def test_there_is_a_panel_for_each_activation_and_hidden_units_in_rows_and_columns() -> None:
    figure = figure_of(grid(hidden_units=[300, 100], activation=["softplus", "cos"], l2=[0.1, 0.01]))
    titles = [axes.get_title() for axes in figure.axes[:-1]]  # the last is the bar
    assert titles == [f"{h}, {m} hidden units" for h in ("softplus", "cos") for m in (100, 300)]
    places = [axes.get_subplotspec().num1 for axes in figure.axes[:-1]]
    assert places == [0, 1, 2, 3]


def test_a_cell_is_the_mean_over_the_seeds_on_the_validation_split_where_there_is_one() -> None:
    runs = [
        run(9000, validation_faults=faults, validation_size=500, seed=seed, learning_rate=0.1, l2=l2)
        for faults, seed, l2 in [(10, 0, 0.01), (13, 1, 0.01), (200, 0, 0.5)]
    ]
    figure = figure_of(runs)
    assert numbers(figure.axes[0]) == {(0.1, 0.01): "2.30", (0.1, 0.5): "40.0"}
    assert figure.axes[-1].get_ylabel() == "Faults (percent of validation images)"


def test_it_is_the_test_split_where_one_run_holds_nothing_out() -> None:
    figure = figure_of(
        [run(500, validation_faults=1, validation_size=500), run(1234, l2=0.1), run(1235, l2=0.1, seed=1)]
    )
    assert numbers(figure.axes[0]) == {(0.001, 0.01): "5.00", (0.001, 0.1): "12.3"}
    assert figure.axes[-1].get_ylabel() == "Faults (percent of test images)"


def test_of_runs_that_differ_in_more_than_the_seed_the_setting_with_the_smallest_mean_counts() -> None:
    runs = [
        *(run(faults, seed=seed, batch_size=10) for seed, faults in enumerate((100, 900))),
        *(run(faults, seed=seed, train_size=50) for seed, faults in enumerate((400, 420))),
        run(None, batch_size=20),
    ]
    (cell,) = rows_of(heat_cells(results_table(runs), "test"))
    assert cell["rate"] == pytest.approx(4.1)
    assert (cell["seeds"], cell["diverged"]) == (2, 0)


def test_a_cell_that_was_not_run_is_blank_and_hatched() -> None:
    figure = figure_of([run(activation="cos"), run(l2=0.1), run(learning_rate=0.1)])
    assert set(numbers(panel(figure, "tanh, 100 hidden units"))) == {(0.001, 0.1), (0.1, 0.01)}
    assert len(shades(panel(figure, "tanh, 100 hidden units"))) == 2
    assert all(axes.patch.get_hatch() for axes in figure.axes[:-1])
    assert "not run" in legend_texts(figure)
    assert "not run" not in legend_texts(figure_of([run(), run(l2=0.1)]))


def test_a_panel_that_was_not_run_keeps_its_place() -> None:
    figure = figure_of([run(hidden_units=100), run(hidden_units=200), run(hidden_units=200, activation="cos")])
    assert len(figure.axes) == 4 + 1
    assert not panel(figure, "cos, 100 hidden units").collections


def test_a_cell_whose_runs_all_diverged_says_so() -> None:
    figure = figure_of([run(), run(None, l2=0.1), run(None, l2=0.1, seed=1)])
    (axes, _) = figure.axes
    assert numbers(axes) == {(0.001, 0.01): "3.00", (0.001, 0.1): "diverged"}
    assert axes.get_title() == "tanh, 100 hidden units\n2 of 3 diverged"
    assert "all diverged" in legend_texts(figure)
    small = grid(l2=[i / 10 for i in range(30)])
    crosses = figure_of([*small, run(None, l2=9.0)]).axes[0].lines
    assert [tuple(line.get_xydata()[0]) for line in crosses] == [(0, 30)]


def test_a_cell_of_which_some_seeds_diverged_is_marked_and_is_the_mean_of_the_others() -> None:
    figure = figure_of([run(300), run(None, seed=1), run(500, seed=2), run(l2=0.1)])
    (axes, _) = figure.axes
    assert numbers(axes)[0.001, 0.01] == "4.00"
    (mark,) = axes.lines
    (x, y) = mark.get_xydata()[0]
    assert (round(x), round(y)) == (0, 0)
    assert (x, y) != (0, 0)
    assert "some seeds diverged" in legend_texts(figure)
    assert "all diverged" not in legend_texts(figure)


def test_the_best_cell_of_each_panel_and_of_all_is_outlined() -> None:
    figure = figure_of(grid(activation=["tanh", "cos"], learning_rate=[0.1, 0.01], l2=[0.1, 0.01]))
    best, other = (panel(figure, f"{h}, 100 hidden units") for h in ("tanh", "cos"))
    assert {place for place, _ in frames(best)} == {place for place, _ in frames(other)} == {(1, 1)}
    assert len(frames(best)) == 2
    assert len(frames(other)) == 1
    assert max(width for _, width in frames(best)) > max(width for _, width in frames(other))


def test_a_cell_of_which_a_seed_diverged_is_the_best_only_where_all_have_such_seeds() -> None:
    restless = [run(100, l2=0.1, seed=0), run(None, l2=0.1, seed=1)]
    steady = [run(300, l2=0.2, seed=seed) for seed in (0, 1)]
    first, second = rows_of(heat_cells(results_table([*restless, *steady]), "test"))
    assert (first["l2"], second["l2"]) == (0.2, 0.1)
    lost = run(None, l2=0.3)
    assert rows_of(heat_cells(results_table([lost, *restless]), "test"))[0]["l2"] == 0.1


def test_a_panel_of_diverged_runs_has_no_best() -> None:
    figure = figure_of([run(), run(None, activation="cos")])
    assert frames(panel(figure, "cos, 100 hidden units")) == []


def lightness(shade: Any) -> float:
    return float(np.dot(to_rgb(shade), (0.2126, 0.7152, 0.0722)))


def test_the_best_are_darkest_and_can_be_told_apart_beside_cells_at_90_percent() -> None:
    figure = figure_of([run(faults, l2=i + 1.0) for i, faults in enumerate((200, 260, 400, 5000, 9000))])
    light = [lightness(shade) for shade in shades(figure.axes[0])]
    assert light == sorted(light)
    assert light[1] - light[0] > 0.05
    assert light[2] - light[1] > 0.1


def test_chance_differences_do_not_look_large() -> None:
    figure = figure_of([run(200), run(201, l2=0.1)])
    first, second = map(lightness, shades(figure.axes[0]))
    assert 0 < second - first < 0.05
    low, high = figure.axes[-1].get_ylim()
    assert high / low == pytest.approx(LEAST_RATIO)


def test_no_faults_at_all_have_a_shade(tmp_path: Path) -> None:
    figure = figure_of([run(0), run(1, l2=0.1), run(9000, l2=0.2)])
    assert numbers(figure.axes[0])[0.001, 0.01] == "0.00"
    assert len(set(shades(figure.axes[0]))) == 3
    save(figure, tmp_path / "figure.svg")
    save(figure_of([run(0)]), tmp_path / "figure.svg")


def contrast(one: Any, other: Any) -> float:
    def luminance(colour: Any) -> float:
        channels = np.array(to_rgb(colour))
        low = channels / 12.92
        high = ((channels + 0.055) / 1.055) ** 2.4
        return float(np.where(channels <= 0.04045, low, high) @ (0.2126, 0.7152, 0.0722))

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_a_number_can_be_read_on_every_shade() -> None:
    greys = [(i / 255,) * 3 for i in range(256)]
    assert min(contrast(shade, text_on(shade)) for shade in greys) > 4.5
    (axes, _) = figure_of([run(faults, l2=i + 1.0) for i, faults in enumerate(range(200, 500, 40))]).axes
    inks = {text.get_position()[1]: text.get_color() for text in axes.texts}
    assert len(set(inks.values())) == 2
    assert all(contrast(shade, inks[i]) > 4.5 for i, shade in enumerate(shades(axes)))


def test_numbers_are_left_out_where_there_is_no_room(tmp_path: Path) -> None:
    values = [round(10 ** (-4 + i / 5), 9) for i in range(20)]
    figure = figure_of(grid(learning_rate=values, l2=values))
    assert not figure.axes[0].texts
    assert len(shades(figure.axes[0])) == 400
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert max(map(len, labels)) <= LETTERS
    save(figure, tmp_path / "figure.svg")


def test_the_caption_has_the_thresholds() -> None:
    caption = " ".join((ROOT / "workflow/report/heat_maps.rst").read_text().split())
    assert f"more than {LETTERS} characters" in caption
    assert LEAST_RATIO == 1.25
    assert "at least a quarter more" in caption


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
    "awkward names": [run(activation="$\\frac{a}_^<&>$"), run(activation="_", hidden_units=3)],
    "many sizes": grid(hidden_units=list(range(1, 10)), activation=["tanh", "cos"]),
    "every learning rate": grid(learning_rate=[10.0**-i for i in range(30)]),
    "all wrong": [run(10000), run(10000, l2=0.0)],
    "half diverged": [run(None), run(l2=0.1), run(None, l2=0.1, seed=1)],
}


@pytest.mark.parametrize("runs", ODD_CASES.values(), ids=ODD_CASES.keys())
def test_odd_cases_give_a_figure(runs: list[Summary], tmp_path: Path) -> None:
    first, second = (save(figure_of(runs), tmp_path / f"{i}.svg") for i in range(2))
    assert first == second


def test_five_thousand_runs_give_a_figure(tmp_path: Path) -> None:
    axes = {"hidden_units": list(range(10, 20)), "learning_rate": [i / 25 for i in range(1, 26)]}
    runs = results_table(grid(**axes, l2=[i / 20 for i in range(20)]))
    assert len(runs) == 5000
    text = save(heat_maps(runs), tmp_path / "figure.svg")
    assert len(re.findall(r'<g id="PolyCollection_\d+"', text)) == 10
