"""Figures: each shows what it promises, and the odd cases give a figure too."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from handgrad.experiment.runs import Run
from handgrad.plots.comparison import NAMED_ROWS, published_against_reproduced
from handgrad.plots.confusion import (
    confusion_counts,
    confusion_matrix,
    confusion_of,
)
from handgrad.plots.runs import BANDS, accuracy_by_hidden_units, learning_curves
from handgrad.plots.style import LEGEND_ENTRIES, log_ticks, message_figure, panels, save_figure
from handgrad.plots.text import class_labels
from handgrad.storage.run_reader import Summary
from handgrad.tables.comparison import KEY, comparison_table
from handgrad.tables.results import results_table
from handgrad.tables.seeds import seeds_table

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
SVG = "{http://www.w3.org/2000/svg}"


def summary(faults: int | None = 272, *, epochs: int = 4, size: int = 10000, **axes: Any) -> Summary:
    """A run whose faults fall to the given ones; None: it diverges in its last epoch."""
    run = replace(RUN, **{"epochs": epochs, **axes})
    curve = (300 if faults is None else faults) + 50 * np.arange(epochs - 1, -1, -1)
    loss = np.full(epochs, 0.5)
    if faults is None:
        loss[-1] = np.nan
    history = {"test_faults": curve, "test_loss": loss}
    status, final = ("diverged", None) if faults is None else ("finished", 0.5)
    return Summary(run, status, size, faults, final, 1.0, history, "c0ffee", {})


def grid(**axes: list[Any]) -> list[Summary]:
    points = product(*axes.values())
    return [summary(200 + i, **dict(zip(axes, point, strict=True))) for i, point in enumerate(points)]


PUBLISHED_GRID = {
    "activation": ["softplus", "tanh", "cos"],
    "hidden_units": [100, 200, 300],
    "learning_rate": [0.01, 0.001],
    "l2": [0.01, 0.1],
}


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def curves(figure: Figure) -> list[list[Any]]:
    return [[line for line in axes.lines if line.get_marker() != "x"] for axes in figure.axes]


def save(figure: Figure, path: Path) -> str:
    """The SVG of a figure, which must be well-formed and of a readable size."""
    save_figure(path, figure)
    text = path.read_text()
    root = ET.fromstring(text)  # noqa: S314, it is our own
    assert root.tag == f"{SVG}svg"
    assert 300 < float(root.attrib["width"].removesuffix("pt")) < 1000
    return text


# --- learning curves ---


def test_learning_curves_have_a_panel_for_each_activation_and_learning_rate() -> None:
    figure = learning_curves(grid(**PUBLISHED_GRID))
    assert titles(figure) == [
        f"{activation}, learning rate {rate}" for activation in PUBLISHED_GRID["activation"] for rate in (0.001, 0.01)
    ]
    assert [len(lines) for lines in curves(figure)] == [6] * 6
    assert legend_texts(figure) == [
        *("100 hidden units", "λ = 0.01", "200 hidden units", "λ = 0.1", "300 hidden units")
    ]


def test_learning_curves_show_percent_of_the_test_images_against_epochs_from_one() -> None:
    figure = learning_curves([summary(100, size=2000, epochs=3)])
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(line.get_ydata(), [10, 7.5, 5])
    assert figure.get_supylabel() == "Test faults (percent of test images)"
    assert figure.get_supxlabel() == "Epoch"


def test_hidden_units_differ_in_colour_and_marker_and_l2_in_line() -> None:
    figure = learning_curves(grid(hidden_units=[100, 200], l2=[0.01, 0.1]))
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(looks) == 4
    assert len({colour for colour, _, _ in looks}) == 2
    assert len({marker for _, marker, _ in looks}) == 2
    assert len({line for _, _, line in looks}) == 2


def test_lines_that_differ_in_other_axes_are_drawn_alike() -> None:
    figure = learning_curves(grid(seed=[0, 1], batch_size=[10, 100]))
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(figure.axes[0].lines) == 2
    assert len(looks) == 1


def bands(figure: Figure) -> list[list[tuple[float, float, float]]]:
    """The bands of the first panel: at each epoch of each, the epoch and both ends."""
    found = []
    for band in figure.axes[0].collections:
        points = band.get_paths()[0].vertices
        epochs = sorted({float(epoch) for epoch, _ in points})
        at = {epoch: [float(y) for x, y in points if x == epoch] for epoch in epochs}
        found.append([(epoch, min(at[epoch]), max(at[epoch])) for epoch in epochs])
    return found


def test_runs_that_differ_in_the_seed_alone_are_a_mean_and_a_band() -> None:
    runs = [summary(faults, seed=seed, epochs=2) for seed, faults in enumerate((100, 200, 600))]
    figure = learning_curves([*runs, summary(900, l2=0.1, epochs=2)])
    line, single = curves(figure)[0]
    np.testing.assert_allclose(line.get_ydata(), [3.5, 3])
    np.testing.assert_allclose(single.get_ydata(), [9.5, 9])
    assert bands(figure) == [[(1, 1.5, 6.5), (2, 1, 6)]]
    assert "range over seeds" in legend_texts(figure)


def test_one_seed_has_no_band() -> None:
    figure = learning_curves(grid(hidden_units=[100, 200], batch_size=[10, 100]))
    assert bands(figure) == []
    assert "range over seeds" not in legend_texts(figure)


def test_mean_and_band_are_over_the_seeds_that_have_not_diverged() -> None:
    runs = [summary(100, epochs=3), summary(200, epochs=3, seed=1), summary(None, epochs=3, seed=2)]
    figure = learning_curves(runs)
    (line,) = curves(figure)[0]
    np.testing.assert_allclose(line.get_ydata(), [3, 2.5, 1.5])  # of 2, 3, 4; 1.5, 2.5, 3.5; 1, 2
    assert bands(figure) == [[(1, 2, 4), (2, 1.5, 3.5), (3, 1, 2)]]
    assert figure.axes[0].get_title().endswith("1 of 3 diverged")
    assert figure.axes[0].lines[-1].get_xydata().tolist() == [[2, 3.5]]
    assert bands(learning_curves(runs[1:])) == [[(1, 3, 4), (2, 2.5, 3.5)]]  # then one seed is left


def test_a_panel_with_many_lines_has_no_bands_which_the_caption_says() -> None:
    few = grid(batch_size=list(range(1, BANDS + 1)), seed=[0, 1])
    assert len(bands(learning_curves(few))) == BANDS
    many = learning_curves([*few, summary(batch_size=100)])
    assert bands(many) == []
    assert "range over seeds" not in legend_texts(many)
    caption = (ROOT / "workflow/report/learning_curves.rst").read_text()
    assert f"more than {BANDS} lines" in caption


def test_a_diverged_run_is_drawn_up_to_its_last_finite_epoch_and_counted() -> None:
    figure = learning_curves([summary(), summary(None, hidden_units=200)])
    (axes,) = figure.axes
    assert axes.get_title() == "tanh, learning rate 0.001\n1 of 2 diverged"
    whole, broken, cross = axes.lines
    assert (len(whole.get_xdata()), len(broken.get_xdata())) == (4, 3)
    assert (cross.get_marker(), cross.get_xdata()[0]) == ("x", 3)
    assert "then diverged" in legend_texts(figure)


def test_the_fault_axis_is_logarithmic_only_where_that_helps() -> None:
    def scale(*faults: int) -> str:
        figure = learning_curves([summary(count, seed=i) for i, count in enumerate(faults)])
        return figure.axes[0].get_yscale()

    assert scale(272, 3000) == "log"
    assert scale(5700, 9000) == "linear"
    assert scale(0, 9000) == "linear"  # a logarithmic axis has no place for it


def test_a_band_over_one_epoch_can_be_seen() -> None:
    figure = learning_curves(grid(epochs=[1], seed=[0, 1]))
    assert figure.axes[0].collections[0].get_linewidth()[0] > 0


def test_many_runs_leave_a_short_legend(tmp_path: Path) -> None:
    runs = grid(hidden_units=list(range(10, 210, 10)), l2=[i / 100 for i in range(10)])
    assert len(runs) == 200
    figure = learning_curves(runs)
    texts = legend_texts(figure)
    assert "λ: 10 values, drawn alike" in texts
    assert len(texts) == LEGEND_ENTRIES + 1
    assert {"10 hidden units", "200 hidden units"} <= set(texts)
    assert len({str(line.get_color()) for line in figure.axes[0].lines}) == 20
    save(figure, tmp_path / "figure.svg")


def test_one_epoch_is_drawn_as_a_point() -> None:
    (line,) = learning_curves([summary(epochs=1)]).axes[0].lines
    assert line.get_marker() not in ("", "None")
    crowd = learning_curves(grid(epochs=[1], batch_size=list(range(1, 31))))
    assert len(crowd.axes[0].lines) == 30
    assert all(line.get_marker() not in ("", "None") for line in crowd.axes[0].lines)


# --- accuracy ---


def accuracy(summaries: list[Summary]) -> Figure:
    return accuracy_by_hidden_units(results_table(summaries))


def test_accuracy_has_a_panel_for_each_activation_and_learning_rate() -> None:
    figure = accuracy(grid(**PUBLISHED_GRID))
    assert len(figure.axes) == 6
    assert titles(figure)[:2] == ["softplus, learning rate 0.001", "softplus, learning rate 0.01"]
    assert legend_texts(figure) == ["λ = 0.01", "λ = 0.1"]
    for axes in figure.axes:
        assert [len(line.get_xdata()) for line in axes.lines] == [3] * 4  # a line and its points, for each l2


def test_a_line_goes_through_the_mean_of_the_seeds() -> None:
    runs = [summary(faults, hidden_units=m, seed=s) for faults, m, s in [(100, 50, 0), (300, 50, 1), (50, 90, 0)]]
    line, points = accuracy(runs).axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [50, 90])
    np.testing.assert_allclose(line.get_ydata(), [0.98, 0.995])
    assert len(points.get_xdata()) == 3


def test_runs_that_differ_in_more_than_the_seed_have_lines_of_their_own() -> None:
    assert len(accuracy(grid(hidden_units=[50, 90], train_size=[None, 5], batch_size=[1, 2])).axes[0].lines) == 8


def test_diverged_runs_have_no_point_and_are_counted() -> None:
    figure = accuracy([summary(), summary(None, hidden_units=200), summary(None, activation="cos")])
    assert titles(figure) == [
        "tanh, learning rate 0.001\n1 of 2 diverged",
        "cos, learning rate 0.001\n1 of 1 diverged",
    ]
    assert [len(axes.lines) for axes in figure.axes] == [2, 0]


def test_accuracies_of_all_sizes_can_be_told_apart(tmp_path: Path) -> None:
    figure = accuracy([summary(faults, hidden_units=100 + faults) for faults in (5345, 272, 205)])
    assert figure.axes[0].get_yscale() == "logit"
    save(figure, tmp_path / "figure.svg")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"50", "90", "97"} <= set(labels)
    assert accuracy([summary(6000), summary(9000, seed=1)]).axes[0].get_yscale() == "linear"
    assert accuracy([summary(9000), summary(0, seed=1)]).axes[0].get_yscale() == "linear"


# --- comparison ---


def comparison(summaries: list[Summary], *, rows: list[Summary] | None = None) -> pd.DataFrame:
    theirs = pd.DataFrame(
        {
            **{name: getattr(row.run, name) for name in KEY},
            "faults": 300 if row.faults is None else row.faults,
            "test_size": 10000,
            "loss": 0.5,
        }
        for row in rows or summaries
    )
    return comparison_table(seeds_table(results_table(summaries)), theirs, {"mnist": 60000, "cifar10": 10000})


def points(figure: Figure) -> list[list[Any]]:
    """The markers of each panel."""
    return [[line for line in axes.lines if line.get_marker() != "None"] for axes in figure.axes]


def spreads(figure: Figure) -> list[list[Any]]:
    """From the fewest to the most, of each marker."""
    return [
        [
            [*map(float, line.get_xdata())]
            for line in axes.lines
            if len(set(line.get_ydata())) == 1 < len(line.get_xdata())
        ]
        for axes in figure.axes
    ]


def test_the_comparison_has_a_panel_for_each_dataset_and_a_line_for_each_row() -> None:
    runs = grid(dataset=["mnist", "cifar10"], **PUBLISHED_GRID)
    rows = [replace(run, faults=300) for run in runs]
    figure = published_against_reproduced(comparison(runs, rows=rows))
    assert titles(figure) == ["mnist, 36 rows: 36 differ", "cifar10, 36 rows: 2 agree, 34 differ"]
    assert [len(panel) for panel in points(figure)] == [36, 36]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[:2] == ["softplus  M 100  η 0.01  λ 0.01", "softplus  M 100  η 0.01  λ 0.1"]
    assert len(set(names)) == 36
    assert legend_texts(figure) == ["agrees", "differs", "within 10 percent"]


def test_a_row_stands_at_its_mean_over_seeds_as_a_multiple_of_the_published_faults() -> None:
    table = comparison([summary(330), summary(390, seed=1)], rows=[summary(200)])
    figure = published_against_reproduced(table)
    ((point,),) = points(figure)
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (pytest.approx(1.8), 0)
    assert spreads(figure) == [[[pytest.approx(1.65), pytest.approx(1.95)]]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["published → ours", "200 → 360"]
    assert "from the fewest to the most, over seeds" in legend_texts(figure)


def test_verdicts_differ_in_marker_and_colour() -> None:
    runs = [summary(200), summary(300, l2=0.1), summary(200, l2=0.2), summary(500, l2=0.2, seed=1)]
    figure = published_against_reproduced(comparison(runs, rows=[summary(200, l2=l2) for l2 in (0.01, 0.1, 0.2)]))
    assert legend_texts(figure)[:3] == ["agrees", "differs", "unstable over seeds"]
    assert len({point.get_marker() for point in points(figure)[0]}) == 3
    assert len({point.get_color() for point in points(figure)[0]}) == 3


def test_rows_without_a_finished_run_are_counted_or_say_so() -> None:
    rows = [summary(300, l2=l2) for l2 in (0.1, 0.2, 0.3)]
    figure = published_against_reproduced(comparison([summary(400, l2=0.1), summary(None, l2=0.2)], rows=rows))
    assert titles(figure) == ["mnist, 3 rows: 2 differ, 1 not run"]
    assert [text.get_text() for text in figure.axes[0].texts][1:] == ["300 → 400", "300 → diverged"]
    assert len(points(figure)[0]) == 1


def test_no_faults_at_all_have_a_place_on_a_logarithmic_axis(tmp_path: Path) -> None:
    figure = published_against_reproduced(comparison([summary(0), summary(300, seed=1)], rows=[summary(200)]))
    save(figure, tmp_path / "figure.svg")
    assert spreads(figure) == [[[pytest.approx(0.0025), pytest.approx(1.5)]]]


def test_rows_beyond_what_has_room_have_no_names(tmp_path: Path) -> None:
    figure = published_against_reproduced(comparison(grid(l2=[i / 10 for i in range(NAMED_ROWS + 1)])))
    assert len(points(figure)[0]) == NAMED_ROWS + 1
    assert not figure.axes[0].texts
    save(figure, tmp_path / "figure.svg")


# --- confusion ---

LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0], np.uint8)
NAMES = ("$x_1$", "<b> & c", "a_b_$")


def test_confusion_counts_true_classes_in_rows_and_predicted_ones_in_columns() -> None:
    assert confusion_counts(LABELS, PREDICTIONS, 3).tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_confusion_counts_hold_for_256_classes() -> None:
    labels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(confusion_counts(labels, labels, 256), np.eye(256, dtype=int))


@pytest.mark.parametrize("name", ["猫", "कुत्ता", "قط", "🦊", "a\x07b", "\u200b"])
def test_names_that_the_font_cannot_draw_become_numbers_and_one_line(
    name: str, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder, tmp_path: Path
) -> None:
    labels = class_labels(["dog", name, "fish"], "mine")
    assert labels == ["0", "1", "2"]
    (line,) = caplog.messages
    assert "\n" not in line
    assert "datasets.mine.class_names" in line
    save(confusion_matrix(np.eye(3, dtype=int), labels, "title"), tmp_path / "matrix.svg")
    assert not recwarn.list


def test_names_that_the_font_has_stay_names(caplog: pytest.LogCaptureFixture) -> None:
    names = ["Straße", "кошка", "γάτα", "mèo", "$x_1$", "\\frac{1}{2}", "{dataset}", "<b>"]
    assert class_labels(names, "mine") == names
    assert not caplog.messages


@pytest.mark.parametrize("name", ["$x$ $", "\\frac{", "x" * 5000, "a b " * 2000])
def test_no_name_of_a_class_breaks_or_swells_a_figure(name: str, tmp_path: Path) -> None:
    names = [name, f"{name}2", "fish"]
    matrix = confusion_matrix(np.eye(3, dtype=int), names, "title")
    save(matrix, tmp_path / "matrix.svg")
    (axes, _) = matrix.axes
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert len(set(shown)) == 3
    assert max(map(len, shown)) <= 20


def test_the_confusion_matrix_shows_counts_row_percentages_and_names(tmp_path: Path) -> None:
    best = {"dataset": "d", "run": RUN.name, "faults": 2}
    figure = confusion_of(best, LABELS, PREDICTIONS, NAMES)
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"2\n66.7%", "1\n33.3%", "2\n100.0%", "1\n100.0%"}
    assert axes.get_title() == f"{RUN.name}\n2 faults in 6 test images"
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted class", "True class")
    save(figure, tmp_path / "figure.svg")


def test_a_class_without_images_and_many_classes_are_drawn(tmp_path: Path) -> None:
    save(confusion_matrix(np.array([[0, 0], [1, 10**6]]), ["a", "b"], "few"), tmp_path / "few.svg")
    many = confusion_matrix(np.eye(200, dtype=int), [f"class {i}" for i in range(200)], "many")
    save(many, tmp_path / "many.svg")
    assert not many.axes[0].texts
    assert len(many.axes[0].get_xticklabels()) == 40


# --- all figures ---

AWKWARD = "$\\frac{a}_^<&>$"


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([], "No runs"),
        ([summary(None, epochs=1)], "The only run diverged"),
        ([summary(None, epochs=1), summary(None, epochs=1, seed=1)], "All 2 runs diverged"),
    ],
)
def test_nothing_to_draw_is_said_in_words(runs: list[Summary], words: str, tmp_path: Path) -> None:
    for figure in (learning_curves(runs), accuracy(runs)):
        assert [text.get_text() for text in figure.texts] == [words]
        save(figure, tmp_path / "figure.svg")


def test_a_comparison_with_nothing_to_draw_says_so_in_words(tmp_path: Path) -> None:
    figure = published_against_reproduced(comparison([summary(None, epochs=1)], rows=[summary()]))
    assert [text.get_text() for text in figure.texts] == ["None of the 1 published rows has a finished run"]
    save(figure, tmp_path / "figure.svg")


ODD_CASES = {
    "one run": [summary()],
    "diverged runs alone": [summary(None), summary(None, seed=1)],
    "awkward names": [summary(activation=AWKWARD), summary(None, activation="_")],
    "every learning rate": grid(learning_rate=[10.0**-i for i in range(6)], activation=["tanh", "cos"]),
    "every activation": grid(activation=[f"h{i}" for i in range(9)]),
    "one size": [summary(hidden_units=1), summary(100, hidden_units=1, seed=1)],
    "no faults": [summary(0), summary(0, seed=1)],
    "all wrong": [summary(9850)],
}


@pytest.mark.parametrize("runs", ODD_CASES.values(), ids=ODD_CASES.keys())
def test_odd_cases_give_a_figure(runs: list[Summary], tmp_path: Path) -> None:
    save(learning_curves(runs), tmp_path / "curves.svg")
    save(accuracy(runs), tmp_path / "accuracy.svg")
    save(published_against_reproduced(comparison(runs)), tmp_path / "comparison.svg")


@pytest.mark.parametrize(
    "make",
    [
        lambda: learning_curves(grid(hidden_units=[1, 2], l2=[0.1, 0.2])),
        lambda: accuracy(grid(hidden_units=[1, 2], l2=[0.1, 0.2])),
        lambda: published_against_reproduced(comparison(grid(l2=[0.1, 0.2]))),
        lambda: confusion_matrix(np.eye(3, dtype=int), NAMES, "title"),
        lambda: message_figure("words"),
    ],
    ids=["curves", "accuracy", "comparison", "confusion", "message"],
)
def test_the_same_figure_gives_the_same_bytes(make, tmp_path: Path) -> None:
    first, second = (save(make(), tmp_path / f"{i}.svg") for i in range(2))
    assert first == second
    assert "<dc:date>" not in first


def test_a_figure_does_not_depend_on_the_settings_of_the_user(tmp_path: Path) -> None:
    usual = save(learning_curves([summary()]), tmp_path / "usual.svg")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red", "svg.hashsalt": None}):
        assert save(learning_curves([summary()]), tmp_path / "other.svg") == usual
        assert mpl.rcParams["font.size"] == 30


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


def test_logarithmic_ticks_exist_in_a_narrow_range() -> None:
    assert len(log_ticks(9.0, 9.1)) >= 2
