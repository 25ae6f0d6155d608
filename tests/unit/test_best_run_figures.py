"""Figures of the best run: confusion matrix, most confident mistakes and first-layer weights."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

import aggregate_best_runs
import plot_confusion
import plot_mistakes
import plot_weights
from factories import USE, image_data, run_of, seal, trained
from figures import require_readable, save, words
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import open_data, write_data
from handgrad.datasets.images import Images, as_pictures
from handgrad.datasets.inputs import Column, InputSpec
from handgrad.network.model import Weights
from handgrad.plots import best_run
from handgrad.plots.confusion import CLASSES_WITH_NAMES, LETTERS, confusion_counts, confusion_figure
from handgrad.plots.feature_weights import feature_weights_figure
from handgrad.plots.mistakes import Mistake, mistakes_figure, most_confident_mistakes, percent
from handgrad.plots.text import Labels
from handgrad.plots.weights import largest_units, limits, mosaic, weights_figure
from handgrad.storage.run_reader import read_summary
from handgrad.storage.run_writer import this_segment, write_run
from handgrad.tables.results import RESULTS, results_table
from handgrad.training.loop import TrainingResult
from handgrad.training.results import Evaluation

RUN = "af_cos_hu_300_lr_0.07_bs_100_ep_20_l2_0.03_seed_0_pixels_standardize_gradient_mean_validation_5000"
AWKWARD = (
    "$\\frac{a}_^<&>$",
    "<b>many words</b>, more than there is room for in one line",
    "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenfabrik",
)


def row(faults: int, test_size: int = 10) -> dict[str, Any]:
    made = {"dataset": "d", "run": RUN, "file": f"results/runs/d/{RUN}.h5", "pixels": "unit"}
    return {**made, "faults": faults, "test_size": test_size}


def texts(figure: Figure) -> list[str]:
    """Return the text below each image."""
    return [axes.get_xlabel() for axes in figure.axes if axes.images]


def title(figure: Figure) -> str:
    """Return the title or the message of a figure, on one line."""
    return words(figure)[0].replace("_\n", "_").replace("\n", " ")


def pixels(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


# --- confusion ---

LABELS = np.array([0, 1, 2, 0, 1], np.uint8)
PREDICTIONS = np.array([1, 1, 0, 2, 0], np.uint8)


def test_the_confusion_matrix_shows_counts_and_percentages_of_true_classes() -> None:
    assert confusion_counts(LABELS, PREDICTIONS, 3).tolist() == [[0, 1, 1], [1, 1, 0], [1, 0, 0]]
    figure = confusion_figure(row(4), LABELS, PREDICTIONS, Labels(("$x_1$", "<b> & c", "a_b_$")))
    axes = figure.axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    fifty = "1\n50.0%"
    assert shown == {(1, 0): fifty, (2, 0): fifty, (0, 1): fifty, (1, 1): fifty, (0, 2): "1\n100.0%"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x_1$", "<b> & c", "a_b_$"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted class", "True class")
    assert title(figure) == f"{RUN} 4 of 5 test examples misclassified"
    require_readable(figure)
    with pytest.raises(HandgradError, match=r"4 faults, .* has 3"):
        confusion_figure(row(3), LABELS, PREDICTIONS, Labels(("a", "b", "c")))


@pytest.mark.parametrize(
    "names", [["$x$ $", "\\frac{", "<b>"], ["x" * 5000, "x" * 6000, ""], list(map(str, range(200)))]
)
def test_no_names_of_classes_break_or_swell_a_figure(names: list[str]) -> None:
    figure = confusion_figure(row(4), LABELS, PREDICTIONS, Labels(tuple(names)))
    require_readable(figure)
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(set(shown)) == len(shown) <= CLASSES_WITH_NAMES
    assert max(map(len, shown)) <= LETTERS


# --- mistakes ---


def test_mistakes_are_ordered_by_probability_even_if_stored_as_one() -> None:
    exact = np.array([[1 - p, p] for p in (0.99999, 0.9999, 0.999995, 0.99999, 0.6)])
    stored = exact.astype(np.float16)
    labels, predictions = np.zeros(5, np.uint8), np.ones(5, np.uint8)
    found = most_confident_mistakes(row(5), labels, predictions, stored, max_count=4)
    assert [m.example for m in found] == [2, 0, 3, 1]  # equal mistakes are in the order of the test split
    assert [m.doubt for m in found] == pytest.approx([5e-6, 1e-5, 1e-5, 1e-4], rel=0.02)
    with pytest.raises(HandgradError, match=r"5 faults, .* has 3"):
        most_confident_mistakes(row(3), labels, predictions, stored, max_count=3)


@pytest.mark.parametrize(
    ("doubt", "text"),
    [(0.25, "75.0%"), (0.0006, "99.9%"), (0.0004, "99.96%"), (0.00004, ">99.99%"), (0.0, ">99.99%"), (1.0003, "0.0%")],
)
def test_a_probability_is_never_rounded_up_to_certainty(doubt: float, text: str) -> None:
    assert percent(doubt) == text


def shown(n: int, shape: tuple[int, ...], names: tuple[str, ...] = ("no", "yes"), *, of: int = 99) -> Figure:
    """Return a figure of n mistakes with random images."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 17, (n, int(np.prod(shape)))).astype(np.uint8)
    mistakes = [Mistake(10 * i, i % len(names), (i + 1) % len(names), i / 100) for i in range(n)]
    return mistakes_figure(row(of, 360), mistakes, Images(x, shape, 16), Labels(names))


def test_each_mistake_has_its_image_classes_and_probability() -> None:
    x = np.arange(12, dtype=np.uint8).reshape(2, 6)
    mistakes = [Mistake(7, 2, 0, 0.001), Mistake(3, 0, 1, 0.2)]
    figure = mistakes_figure(row(2), mistakes, Images(x, (2, 3), 16), Labels(("$a$", "<b>", "c_c")))
    assert texts(figure) == [
        "true: c_c\npredicted: $a$\n99.9%, no. 7",
        "true: $a$\npredicted: <b>\n80.0%, no. 3",
    ]
    assert [picture.tolist() for picture in pixels(figure)] == x.reshape(2, 2, 3).tolist()
    assert figure.axes[0].images[0].get_clim() == (0, 16)


@pytest.mark.parametrize(
    ("n", "of", "expected"),
    [(24, 99, "24 most confident of 99 mistakes"), (2, 2, "All 2 mistakes"), (1, 1, "only mistake"), (0, 0, "None of")],
)
def test_the_title_counts_the_faults(n: int, of: int, expected: str) -> None:
    figure = shown(n, (8, 8), of=of)
    assert title(figure).startswith(RUN)
    assert expected in title(figure)
    assert "360 test images" in title(figure)


def test_a_floating_point_image_is_scaled_by_its_own_minimum_and_maximum() -> None:
    x = np.array([[-1, 0, 1, 0], [300, 100, 200, 100], [7, 7, 7, 7]], np.float32)
    mistakes = [Mistake(i, 0, 1, 0) for i in range(3)]
    figure = mistakes_figure(row(3), mistakes, Images(x, (2, 2), None), Labels(("a", "b")))
    assert [picture.ravel().tolist() for picture in pixels(figure)] == [[0, 0.5, 1, 0.5], [1, 0, 0.5, 0], [0, 0, 0, 0]]
    assert {axes.images[0].get_clim() for axes in figure.axes if axes.images} == {(0, 1)}
    colour = mistakes_figure(row(1), mistakes[:1], Images(x[:1, :3], (3, 1, 1), None), Labels(("a", "b")))
    assert pixels(colour)[0].tolist() == [[[0, 128, 255]]]


def test_three_channels_are_colours_and_other_channels_are_stacked() -> None:
    x = np.array([[0, 16, 8, 4, 16, 0]], np.uint8)  # red of both pixels, then green, then blue
    figure = mistakes_figure(row(1), [Mistake(0, 0, 1, 0)], Images(x, (3, 1, 2), 16), Labels(("a", "b")))
    assert pixels(figure)[0].tolist() == [[[0, 128, 255], [255, 64, 0]]]
    values = np.arange(8).reshape(1, 8)
    assert as_pictures(values, (2, 2, 2)).tolist() == [[[0, 1], [2, 3], [4, 5], [6, 7]]]


@pytest.mark.parametrize("names", [AWKWARD, ("W" * 60, "")], ids=["awkward", "long"])
@pytest.mark.parametrize("shape", [(1, 50), (60, 2), (3, 8, 8)], ids=str)
def test_names_are_shown_as_they_are_and_nothing_overlaps(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    figure = shown(7, shape, names)
    require_readable(figure)
    drawn = [axes for axes in figure.axes if axes.images]
    boxes = [part.get_window_extent() for axes in drawn for part in (axes.xaxis.label, axes.images[0])]
    boxes.append(figure.texts[0].get_window_extent())
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for i, text in enumerate(texts(figure)):
        assert names[i % len(names)].replace(" ", "") in re.sub(r"\s", "", text)


# --- weights ---


def weights(M: int, shape: tuple[int, ...], K: int = 3) -> Weights:
    rng = np.random.default_rng(0)
    sizes = (M, int(np.prod(shape)) + 1), (K, M + 1)
    return Weights(*(rng.standard_normal(size).astype(np.float32) for size in sizes))


def weights_of(W: Weights, shape: tuple[int, ...], *, percentile: float = 99.5) -> Figure:
    return weights_figure(row(3), W, shape, max_count=64, percentile=percentile)


def test_the_units_shown_are_those_with_the_largest_outgoing_weights() -> None:
    W2 = np.array([[100, 3, -5, 0, 3], [100, 4, 0, 1, -4]])  # the bias column is not a weight of a unit
    assert [found.tolist() for found in largest_units(W2, 3)] == [[0, 1, 3], [5, 5, 5]]  # equal units keep their order
    W = weights(300, (2, 2))
    _, sizes = largest_units(W.W2, 300)
    figure = weights_of(W, (2, 2))
    assert "64 of 300 hidden units" in title(figure)
    assert f"{sizes[0]:.3g} to {sizes[63]:.3g}" in title(figure)


def test_gray_images_have_one_scale_symmetric_about_zero() -> None:
    W = weights(9, (4, 4))
    figure = weights_of(W, (4, 4), percentile=90)
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high
    assert np.mean(np.abs(W.W1[:, 1:]) <= high) == pytest.approx(0.9, abs=0.01)


def test_colour_images_have_a_scale_each_about_mid_grey() -> None:
    W1 = np.array([[9, 0, 2, -2], [9, 0, 0.1, 0.05]])
    figure = weights_of(Weights(W1, np.array([[0, 2, 1]])), (3, 1, 1), percentile=100)
    (picture,) = pixels(figure)
    assert picture.tolist() == [[[128, 255, 0], [255, 255, 255], [128, 255, 191]]]


def test_a_scale_ends_at_its_percentile_and_never_at_zero() -> None:
    values = np.array([np.arange(-50, 51), np.zeros(101), [0] * 100 + [-3]])
    assert [limits(values, percentile).tolist() for percentile in (100, 50)] == [[50, 1, 3], [25, 1, 3]]


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [((64, 28, 28), (231, 231)), ((12, 1, 50), (23, 50)), ((3, 60, 1, 3), (60, 5, 3)), ((1, 8, 8), (8, 8))],
)
def test_a_mosaic_is_about_square(pictures: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert mosaic(np.zeros(pictures), 1).shape == expected


ODD_WEIGHTS = {
    "one unit": (weights(1, (8, 8)), (8, 8)),
    "one unit in colour": (weights(1, (3, 8, 8)), (3, 8, 8)),
    "two channels, two classes": (weights(5, (2, 8, 8), K=2), (2, 8, 8)),
    "one row": (weights(12, (1, 50)), (1, 50)),
    "one column": (weights(2, (60, 1)), (60, 1)),
    "one pixel": (weights(2, (1, 1)), (1, 1)),
    "only zeros": (Weights(np.zeros((3, 65)), np.zeros((2, 4))), (8, 8)),
}


@pytest.mark.parametrize(("W", "shape"), ODD_WEIGHTS.values(), ids=ODD_WEIGHTS.keys())
def test_odd_networks_have_a_figure(W: Weights, shape: tuple[int, ...]) -> None:
    figure = weights_of(W, shape)
    require_readable(figure)


# --- weights of features ---


def by_input(W: Weights, names: tuple[str, ...] = (), *, units: int = 24, inputs: int = 30) -> Figure:
    return feature_weights_figure(row(3), W, names, max_units=units, max_inputs=inputs, percentile=100)


def ticks(figure: Figure) -> tuple[list[str], list[str]]:
    """Return the names of the columns and of the rows of a figure."""
    axes = figure.axes[0]
    columns, rows = (
        [label.get_text() for label in labels] for labels in (axes.get_xticklabels(), axes.get_yticklabels())
    )
    return columns, rows


def test_the_largest_weights_of_features_are_shown_by_name() -> None:
    W1 = np.array([[99, 0, 1, 5, 0], [99, 2, 2, 0, 1], [99, 9, 9, 9, 9]])  # the first column is the bias
    W2 = np.array([[99, 3, 4, 1]])
    figure = by_input(Weights(W1, W2), ("width", "$x$", "colour=red", "<b>"), units=2, inputs=3)
    assert ticks(figure) == (["1", "0"], ["colour=red", "$x$", "width"])
    (shown,) = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    assert shown.tolist() == [[0, 5], [2, 1], [2, 0]]
    assert figure.axes[0].images[0].get_clim() == (-5, 5)
    assert "the 2 of 3 hidden units" in title(figure)
    assert "the 3 of 4 inputs" in title(figure)


@pytest.mark.parametrize("names", [(), ("a\x07", "\u200b", "\x00")], ids=["without names", "not to be drawn"])
def test_inputs_without_a_name_that_can_be_drawn_are_numbered(
    names: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    W = Weights(np.array([[9, 1, 3, 2]]), np.array([[0, 1]]))
    assert ticks(by_input(W, names))[1] == ["input 1", "input 2", "input 0"]
    assert len(caplog.messages) == bool(names)


@pytest.mark.parametrize(("M", "D"), [(1, 1), (3, 2), (2000, 60)])
@pytest.mark.parametrize("name", ["{} of a column with a very long name, in cm, {}", "W" * 40 + "{}", "{}"])
def test_no_table_breaks_the_figure_of_its_weights(M: int, D: int, name: str) -> None:
    figure = by_input(weights(M, (D,)), tuple(name.format(i, i) for i in range(D)))
    require_readable(figure)
    assert len(set(ticks(figure)[1])) == min(D, 30)


def test_pictures_are_crisp_and_the_figures_small(tmp_path: Path) -> None:
    units = weights_of(weights(300, (3, 9, 9)), (3, 9, 9))
    for figure, pictures in ((shown(24, (28, 28)), 24), (units, 1)):
        svg = save(figure, tmp_path / "figure.svg")
        assert svg.count("image-rendering:pixelated") == pictures
        assert len(svg) < 300_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: shown(7, (8, 8), AWKWARD),
        lambda: weights_of(weights(70, (8, 8)), (8, 8)),
        lambda: confusion_figure(row(4), LABELS, PREDICTIONS, Labels(AWKWARD)),
    ],
)
def test_the_same_figure_gives_the_same_bytes(make: Callable[[], Figure], tmp_path: Path) -> None:
    assert save(make(), tmp_path / "1.svg") == save(make(), tmp_path / "2.svg")


# --- from files ---


DATA = replace(image_data(test=40, digest="the-data"), class_names=AWKWARD)
LABELS_40 = DATA.test.y
SMALL = "results/data/small.h5"


def result(skill: float) -> TrainingResult:
    """Return a run whose accuracy increases with ``skill``, from 0 to 1. Its learning rate is also ``skill``."""
    it = trained(run_of(dataset="small", learning_rate=skill, hidden_units=4), examples=40)
    Y = (1 - skill) * np.random.default_rng(0).dirichlet(np.ones(3), 40) + skill * np.eye(3)[LABELS_40]
    predictions = Y.argmax(axis=1).astype(np.uint8)
    test = Evaluation(0.7, int((predictions != LABELS_40).sum()), predictions, Y)
    history = [replace(epoch, test_faults=test.faults) for epoch in it.state.history]
    W = Weights(*(skill * one for one in it.state.W))
    return replace(it, state=replace(it.state, W=W, history=history), test=test)


def experiment(tmp_path: Path, *results: TrainingResult) -> dict[str, Any]:
    """Write the files of an experiment with these runs, and return the arguments of the scripts of figures."""
    write_data(tmp_path / SMALL, DATA)
    with open_data(tmp_path / SMALL, "the-data") as stored:
        made_from = {str(stored.path): stored.seal}
    paths = [tmp_path / f"results/runs/small/{it.run.name}.h5" for it in results]
    for path, it in zip(paths, results, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        digests = {"code_digest": code_digest("train_run"), "data_digest": "the-data", "data_content": "content"}
        write_run(path, it, [this_segment(1, 2, 1.0)], **digests, **USE)
    summaries = [read_summary(path) for path in paths]
    made_from |= {str(path): run.seal for path, run in zip(paths, summaries, strict=True)}
    tables = tmp_path / "results/mine/tables"
    table, best_runs = str(tables / "results.csv"), str(tables / "best_runs.csv")
    RESULTS.write(table, results_table(summaries, tmp_path), made_from)
    aggregate_best_runs.main(results=table, csv=best_runs)
    return {"best_runs": best_runs, "dataset": "small", "out": str(tmp_path / "figure.svg")}


WEIGHTS: dict[str, Any] = {"max_count": 1, "max_units": 2, "max_inputs": 3, "percentile": 99.5}
DRAW: dict[str, Callable[[dict[str, Any], str], None]] = {
    "confusion": lambda job, data: plot_confusion.main(**job, data=data, data_digest="the-data"),
    "mistakes": lambda job, data: plot_mistakes.main(**job, data=data, max_count=5, data_digest="the-data"),
    "weights": lambda job, _: plot_weights.main(**job, **WEIGHTS),
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return a list that collects the figures that scripts save."""
    figures: list[Figure] = []
    monkeypatch.setattr(best_run, "save_figure", lambda _, figure: figures.append(figure))
    return figures


@pytest.mark.parametrize(
    ("plot", "changed"), [*((plot, "run") for plot in DRAW), ("confusion", "data"), ("mistakes", "data")]
)
def test_a_plot_refuses_another_file_than_was_selected(tmp_path: Path, plot: str, changed: str) -> None:
    job = experiment(tmp_path, result(0.1))
    (path,) = tmp_path.glob(SMALL if changed == "data" else "results/runs/small/*.h5")
    with h5py.File(path, "r+", locking=False) as file:
        file.attrs["segments"] = "[]"
    seal(path)
    with pytest.raises(
        HandgradError, match=rf"^{job['best_runs']}: .*{path}.*; delete {tmp_path}/results/mine/tables, "
    ):
        DRAW[plot](job, str(tmp_path / SMALL))
    assert not Path(job["out"]).exists()


def test_each_figure_is_of_the_best_run_also_after_a_new_selection(tmp_path: Path, drawn: list[Figure]) -> None:
    for results in ([result(0.1)], [result(0.1), result(0.3)]):
        job = experiment(tmp_path, *results)
        for plot in DRAW.values():
            plot(job, str(tmp_path / SMALL))
        best = results[-1]
        assert best.test
        confusion, mistakes, units = drawn[-3:]
        assert all(title(figure).startswith(f"{best.run.name} ") for figure in drawn[-3:])
        assert f"{best.test.faults} of 40 test examples misclassified" in title(confusion)
        assert f"The 5 most confident of {best.test.faults} mistakes in 40 test images" in title(mistakes)
        wrong = np.flatnonzero(best.test.predictions != LABELS_40)
        examples = wrong[np.argsort(-best.test.Y.max(axis=1)[wrong])][:5]
        assert [text.split("no. ")[1] for text in texts(mistakes)] == list(map(str, examples))
        assert np.array_equal(pixels(mistakes), DATA.test.x[examples].reshape(-1, 2, 3))
        unit = np.linalg.norm(best.state.W.W2[:, 1:], axis=0).argmax()
        assert np.array_equal(pixels(units)[0], best.state.W.W1[unit, 1:].reshape(2, 3).astype(float))


def test_runs_on_features_have_a_figure_of_weights_by_name(
    tmp_path: Path, drawn: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = (
        Column(name="width"),
        *(Column(name=name, categories=("a", "b")) for name in ("x", "y")),
        Column(name="z"),
    )
    monkeypatch.setitem(USE, "spec", InputSpec(columns=columns))
    DRAW["weights"](experiment(tmp_path, result(0.1)), "")
    assert set(ticks(drawn[-1])[1]) <= {"width", "x=a", "x=b", "y=a", "y=b", "z"}
    assert len(ticks(drawn[-1])[1]) == WEIGHTS["max_inputs"]


def test_where_all_runs_diverged_each_figure_of_the_best_says_so(tmp_path: Path, drawn: list[Figure]) -> None:
    job = experiment(tmp_path, replace(result(0.1), status="diverged", test=None))
    for plot in DRAW.values():
        plot(job, str(tmp_path / SMALL))
    assert [title(figure) for figure in drawn] == ["All runs on small diverged"] * 3
