"""Figures made of pictures: the most confident mistakes, and first-layer weights as images."""

import base64
import io
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import aggregate_best_runs
import plot_confusion
import plot_mistakes
import plot_weights
import train_run
from factories import read_data
from figures import require_readable, save, words
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import seal
from handgrad.datasets.data import ImageData, Split, open_data, write_data
from handgrad.datasets.images import Images, as_pictures, images_at
from handgrad.experiment.runs import Run, canonical_text
from handgrad.gradient_check.files import write_check
from handgrad.network.model import Weights, forward, softmax
from handgrad.plots.best_run import best_run_file
from handgrad.plots.confusion import CLASSES_WITH_NAMES, LETTERS, confusion_counts, confusion_matrix, confusion_of
from handgrad.plots.mistakes import Mistake, mistakes_figure, most_confident_mistakes, percent
from handgrad.plots.style import save_figure
from handgrad.plots.text import class_labels, text_width, wrap_text
from handgrad.plots.weights import largest_units, limits, mosaic, weights_figure
from handgrad.storage.run_reader import read_arrays, read_summary
from handgrad.tables.results import RESULTS, results_table

RUN = "af_cos_hu_300_lr_0.07_bs_100_ep_20_l2_0.03_seed_0_pixels_standardize_gradient_mean_validation_5000"
AWKWARD = (
    "$\\frac{a}_^<&>$",
    "<b>many words</b>, more than there is room for in one line",
    "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenfabrik",
)


def row(faults: int, test_size: int = 10) -> dict[str, Any]:
    return {"dataset": "d", "run": RUN, "faults": faults, "test_size": test_size, "pixels": "unit"}


def texts(figure: Figure) -> list[str]:
    return [axes.texts[0].get_text() for axes in figure.axes]


def title(figure: Figure) -> str:
    """All that stands over a figure, or in place of one, in one line."""
    return words(figure)[0].replace("_\n", "_").replace("\n", " ")


def pixels(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def embedded(svg: str) -> list[tuple[int, int]]:
    """The sizes of the raster images in an SVG."""
    found = re.findall(r"data:image/png;base64,\s*([\w+/=\s]+)", svg)
    return [Image.open(io.BytesIO(base64.b64decode(data))).size for data in found]


# --- confusion ---

LABELS = np.array([0, 1, 2, 0, 1], np.uint8)
PREDICTIONS = np.array([1, 1, 0, 2, 0], np.uint8)


def test_the_confusion_matrix_shows_counts_and_percentages_of_true_classes() -> None:
    assert confusion_counts(LABELS, PREDICTIONS, 3).tolist() == [[0, 1, 1], [1, 1, 0], [1, 0, 0]]
    many = np.arange(256, dtype=np.uint8)
    assert np.array_equal(confusion_counts(many, many, 256), np.eye(256, dtype=int))
    figure = confusion_of(row(4), LABELS, PREDICTIONS, ("$x_1$", "<b> & c", "a_b_$"))
    axes = figure.axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    fifty = "1\n50.0%"
    assert shown == {(1, 0): fifty, (2, 0): fifty, (0, 1): fifty, (1, 1): fifty, (0, 2): "1\n100.0%"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x_1$", "<b> & c", "a_b_$"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted class", "True class")
    require_readable(figure)
    with pytest.raises(HandgradError, match=r"4 faults .* has 3"):
        confusion_of(row(3), LABELS, PREDICTIONS, "abc")


@pytest.mark.parametrize("name", ["猫", "कुत्ता", "قط", "🦊", "a\x07b", "\u200b"])
def test_names_that_the_font_cannot_draw_become_numbers_and_one_line(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert class_labels(["dog", name, "fish"], "mine") == ["0", "1", "2"]
    (line,) = caplog.messages
    assert "\n" not in line
    assert "datasets.mine.class_names" in line


def test_names_that_the_font_has_stay_names(caplog: pytest.LogCaptureFixture) -> None:
    names = ["Straße", "кошка", "γάτα", "mèo", "$x_1$", "\\frac{1}{2}", "{dataset}", "<b>"]
    assert class_labels(names, "mine") == names
    assert not caplog.messages


@pytest.mark.parametrize("name", ["$x$ $", "\\frac{", "x" * 5000, "a b " * 2000])
def test_no_name_of_a_class_breaks_or_swells_a_figure(name: str) -> None:
    figure = confusion_matrix(np.array([[0, 0, 0], [1, 10**6, 0], [0, 0, 1]]), [name, f"{name}2", "fish"], "title")
    require_readable(figure)
    shown = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert len(shown) == 3
    assert max(map(len, shown)) <= LETTERS


def test_many_classes_have_no_numbers_and_few_labels() -> None:
    figure = confusion_matrix(np.eye(200, dtype=int), [f"class {i}" for i in range(200)], "many")
    require_readable(figure)
    assert not figure.axes[0].texts
    assert len(figure.axes[0].get_xticklabels()) <= CLASSES_WITH_NAMES


# --- mistakes ---


def test_mistakes_are_ordered_by_probability_even_if_stored_as_one() -> None:
    exact = np.array([[1 - p, p] for p in (0.99999, 0.9999, 0.999995, 0.99999, 0.6)])
    stored = exact.astype(np.float16)
    assert (stored[:4, 1] == 1).all()
    labels, predictions = np.zeros(5, np.uint8), np.ones(5, np.uint8)
    found = most_confident_mistakes(row(5), labels, predictions, stored, max_count=4)
    assert [m.example for m in found] == [2, 0, 3, 1]  # equal ones in the order of the test split
    assert [m.doubt for m in found] == pytest.approx([5e-6, 1e-5, 1e-5, 1e-4], rel=0.02)
    assert {(m.true, m.predicted) for m in found} == {(0, 1)}
    with pytest.raises(HandgradError, match=r"5 faults .* has 3"):
        most_confident_mistakes(row(3), labels, predictions, stored, max_count=3)


@pytest.mark.parametrize(
    ("doubt", "text"),
    [(0.25, "75.0%"), (0.0006, "99.9%"), (0.0004, "99.96%"), (0.00004, ">99.99%"), (0.0, ">99.99%"), (1.0003, "0.0%")],
)
def test_a_probability_is_never_rounded_up_to_certainty(doubt: float, text: str) -> None:
    assert percent(doubt) == text


def shown(n: int, shape: tuple[int, ...], names: tuple[str, ...] = ("no", "yes"), *, of: int = 99) -> Figure:
    """A figure of n mistakes with random images."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 17, (n, int(np.prod(shape)))).astype(np.uint8)
    mistakes = [Mistake(10 * i, i % len(names), (i + 1) % len(names), i / 100) for i in range(n)]
    return mistakes_figure(row(of, 360), mistakes, Images(x, shape, 16), names)


def test_each_mistake_has_its_image_classes_and_probability() -> None:
    x = np.arange(12, dtype=np.uint8).reshape(2, 6)
    mistakes = [Mistake(7, 2, 0, 0.001), Mistake(3, 0, 1, 0.2)]
    figure = mistakes_figure(row(2), mistakes, Images(x, (2, 3), 16), ("$a$", "<b>", "c_c"))
    assert texts(figure) == [
        "true: c_c\npredicted: $a$\n99.9%, no. 7",
        "true: $a$\npredicted: <b>\n80.0%, no. 3",
    ]
    assert [picture.tolist() for picture in pixels(figure)] == x.reshape(2, 2, 3).tolist()
    assert figure.axes[0].images[0].get_clim() == (0, 16)


@pytest.mark.parametrize(
    ("n", "of", "expected"),
    [(24, 99, "24 most confident of 99 faults"), (2, 2, "All 2 faults"), (1, 1, "only fault"), (0, 0, "No fault")],
)
def test_the_title_counts_the_faults(n: int, of: int, expected: str) -> None:
    figure = shown(n, (8, 8), of=of)
    assert title(figure).startswith(RUN)
    assert expected in title(figure)
    assert "360 test images" in title(figure)


def test_three_channels_are_colours_and_other_channels_are_stacked() -> None:
    x = np.array([[0, 16, 8, 4, 16, 0]], np.uint8)  # red of both pixels, then green, then blue
    figure = mistakes_figure(row(1), [Mistake(0, 0, 1, 0)], Images(x, (3, 1, 2), 16), ("a", "b"))
    assert pixels(figure)[0].tolist() == [[[0, 128, 255], [255, 64, 0]]]
    values = np.arange(8).reshape(1, 8)
    assert as_pictures(values, (2, 2, 2)).tolist() == [[[0, 1], [2, 3], [4, 5], [6, 7]]]


@pytest.mark.parametrize("names", [AWKWARD, ("W" * 300, "")], ids=["awkward", "long"])
@pytest.mark.parametrize("shape", [(8, 8), (1, 50), (60, 2), (2, 8, 8), (3, 8, 8)], ids=str)
def test_names_are_shown_as_they_are_and_nothing_overlaps(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    figure = shown(7, shape, names)
    require_readable(figure)
    boxes = [axes.texts[0].get_window_extent() for axes in figure.axes]
    boxes += [axes.images[0].get_window_extent() for axes in figure.axes]
    boxes.append(figure.texts[0].get_window_extent())
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for i, text in enumerate(texts(figure)):
        assert names[i % len(names)].replace(" ", "") in re.sub(r"\s", "", text)


def test_lines_have_room_and_nothing_is_lost() -> None:
    text = "some words_with_underscores and $Donaudampfschifffahrtsgesellschaft$ <b>"
    lines = wrap_text(text, width=60, size=8)
    assert max(text_width(line, 8) for line in lines) <= 60
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert [wrap_text(one, width=60, size=8) for one in ("", "short")] == [[""], ["short"]]


# --- weights ---


def weights(M: int, shape: tuple[int, ...], K: int = 3) -> Weights:
    rng = np.random.default_rng(0)
    sizes = (M, int(np.prod(shape)) + 1), (K, M + 1)
    return Weights(*(rng.standard_normal(size).astype(np.float32) for size in sizes))


def weights_of(W: Weights, shape: tuple[int, ...], *, percentile: float = 99.5) -> Figure:
    return weights_figure(row(3), W, shape, max_count=64, percentile=percentile)


def test_the_units_shown_are_those_with_the_largest_outgoing_weights() -> None:
    W2 = np.array([[100, 3, -5, 0, 3], [100, 4, 0, 1, -4]])  # the bias is none of a unit's weights
    units, sizes = largest_units(W2, 3)
    assert units.tolist() == [0, 1, 3]  # norms 5, 5, 1, 5: equal ones in their order
    assert sizes.tolist() == [5, 5, 5]
    W = weights(300, (4, 4))
    _, sizes = largest_units(W.W2, 300)
    assert "64 of 300 hidden units" in title(weights_of(W, (4, 4)))
    assert f"{sizes[0]:.3g} to {sizes[63]:.3g}" in title(weights_of(W, (4, 4)))


def test_a_units_image_is_its_row_of_w1_without_the_bias() -> None:
    W = Weights(np.array([[9, 1, 2, 3, 4], [9, 5, 6, 7, 8]]), np.array([[0, 1, 2]]))
    (picture,) = pixels(weights_of(W, (2, 2)))
    assert picture[:, :2].tolist() == [[5, 6], [7, 8]]
    assert picture[:, 3:].tolist() == [[1, 2], [3, 4]]


def test_gray_images_have_one_scale_symmetric_about_zero() -> None:
    W = weights(9, (4, 4))
    figure = weights_of(W, (4, 4), percentile=90)
    low, high = figure.axes[0].images[0].get_clim()
    assert low == -high
    assert np.mean(np.abs(W.W1[:, 1:]) <= high) == pytest.approx(0.9, abs=0.01)
    assert figure.axes[1].get_ylabel() == "Weight of an input"


def test_colour_images_have_a_scale_each_about_mid_grey() -> None:
    W1 = np.array([[9, 0, 2, -2], [9, 0, 0.1, 0.05]])
    figure = weights_of(Weights(W1, np.array([[0, 2, 1]])), (3, 1, 1), percentile=100)
    (picture,) = pixels(figure)
    assert picture.tolist() == [[[128, 255, 0], [255, 255, 255], [128, 255, 191]]]
    assert len(figure.axes) == 1


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
def test_odd_networks_have_a_figure(W: Weights, shape: tuple[int, ...], tmp_path: Path) -> None:
    figure = weights_of(W, shape)
    require_readable(figure)
    assert len(embedded(save(figure, tmp_path / "figure.svg"))) in (1, 2)  # and that of the colour bar


@pytest.mark.parametrize("shape", [(28, 28), (3, 32, 32)], ids=["gray", "colour"])
def test_pictures_are_crisp_and_the_figures_small(shape: tuple[int, ...], tmp_path: Path) -> None:
    svg = save(shown(24, shape), tmp_path / "mistakes.svg")
    assert embedded(svg) == [(shape[-1], shape[-2])] * 24
    assert svg.count("image-rendering:pixelated") == 24
    assert len(svg) < 300_000
    svg = save(weights_of(weights(300, shape), shape), tmp_path / "weights.svg")
    assert (8 * (shape[-1] + 1) - 1,) * 2 in embedded(svg)
    assert svg.count("image-rendering:pixelated") == 1
    assert len(svg) < 500_000


def test_weights_of_other_images_are_refused() -> None:
    with pytest.raises(HandgradError, match=r"d/af_.*\.h5: its hidden units have 64 inputs, .* 16 pixels"):
        weights_of(weights(2, (8, 8)), (4, 4))


@pytest.mark.parametrize(
    "make",
    [
        lambda: shown(7, (8, 8), AWKWARD),
        lambda: weights_of(weights(70, (8, 8)), (8, 8)),
        lambda: confusion_matrix(np.eye(3, dtype=int), AWKWARD, "title"),
    ],
)
def test_the_same_figure_gives_the_same_bytes(make: Callable[[], Figure], tmp_path: Path) -> None:
    assert save(make(), tmp_path / "1.svg") == save(make(), tmp_path / "2.svg")


# --- from files ---


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A dataset of a few random images."""
    rng = np.random.default_rng(0)
    train, test = (Split(rng.integers(0, 256, (n, 6), np.uint8), rng.integers(0, 3, n, np.uint8)) for n in (20, 40))
    path = str(tmp_path / "results/data/small.h5")
    write_data(path, ImageData(train, test, (2, 3), 255, AWKWARD, {}, "the-data"))
    return path


def experiment(tmp_path: Path, data: str, *learning_rates: str) -> dict[str, Any]:
    """What scripts of figures are given, once these runs are trained."""
    with open_data(data, "the-data") as stored:
        content = stored.content
    passed = {"dataset": "small", "activation": "tanh", "passed": True, "data_digest": "the-data"}
    code = {"code_digest": code_digest("check_gate")}
    write_check(tmp_path / "gate.json", {**passed, **code, "data_content": content})
    runs = []
    for rate in learning_rates:
        name = f"af_tanh_hu_4_lr_{rate}_bs_8_ep_2_l2_0.01_seed_0"
        runs.append(str(tmp_path / "results/runs/small" / f"{name}.h5"))
        Path(runs[-1]).parent.mkdir(parents=True, exist_ok=True)
        train_run.main(
            run=Run.from_name("small", name),
            data=data,
            gate=str(tmp_path / "gate.json"),
            checkpoints=str(tmp_path / "checkpoints"),
            checkpoint_seconds=10,
            out=runs[-1],
            code_digest=code_digest("train_run"),
            data_digest="the-data",
        )
    tables = tmp_path / "results/mine/tables"
    results, best_runs = str(tables / "results.csv"), str(tables / "best_runs.csv")
    summaries = [read_summary(path) for path in runs]
    with open_data(data, "the-data") as stored:
        made_from = {data: stored.seal, **{path: run.seal for path, run in zip(runs, summaries, strict=True)}}
    RESULTS.write(results, results_table(summaries), made_from)
    aggregate_best_runs.main(results=results, csv=best_runs)
    return {"best_runs": best_runs, "dataset": "small", "out": str(tmp_path / "figure.svg")}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that scripts save."""
    figures: list[Figure] = []

    def keep(path: str, figure: Figure) -> None:
        figures.append(figure)
        save_figure(path, figure)

    for script in (plot_confusion, plot_mistakes, plot_weights):
        monkeypatch.setattr(script, "save_figure", keep)
    return figures


def test_images_are_those_of_the_test_split_in_the_order_asked_for(data: str) -> None:
    with open_data(data, "the-data") as stored:
        images, all_of_them = images_at(stored, [30, 2, 39]), stored.images().test.x
        assert images_at(stored, []).x.shape == (0, 6)
    assert np.array_equal(images.x, all_of_them[[30, 2, 39]])
    assert (images.image_shape, images.max_value) == ((2, 3), 255)


DRAW: dict[str, Callable[[dict[str, Any], str], None]] = {
    "confusion": lambda job, data: plot_confusion.main(**job, data=data, data_digest="the-data"),
    "mistakes": lambda job, data: plot_mistakes.main(**job, data=data, max_count=5, data_digest="the-data"),
    "weights": lambda job, _: plot_weights.main(**job, image_shape=[2, 3], max_count=1, percentile=99.5),
}


@pytest.mark.parametrize(
    ("plot", "changed"), [*((plot, "run") for plot in DRAW), ("confusion", "data"), ("mistakes", "data")]
)
def test_a_plot_refuses_another_file_than_was_selected(tmp_path: Path, data: str, plot: str, changed: str) -> None:
    job = experiment(tmp_path, data, "0.1")
    (run,) = (tmp_path / "results/runs/small").glob("*.h5")
    path = Path(data) if changed == "data" else run
    with h5py.File(path, "r+", locking=False) as file:
        file.attrs["segments"] = "[]"
    seal(path)
    with pytest.raises(
        HandgradError, match=rf"^{job['best_runs']}: .*{path}.*; delete {tmp_path}/results/mine/tables, "
    ):
        DRAW[plot](job, data)
    assert not Path(job["out"]).exists()


def test_plots_follow_a_new_selection(tmp_path: Path, data: str, drawn: list[Figure]) -> None:
    for rate in ("0.1", "0.5"):
        job = experiment(tmp_path, data, rate)
        for plot in DRAW.values():
            plot(job, data)
            shown = "".join(text.get_text() for text in drawn[-1].findobj(Text)).replace("\n", "")
            assert f"_lr_{rate}_" in shown


def test_a_figure_shows_the_mistakes_of_the_best_run(tmp_path: Path, data: str, drawn: list[Figure]) -> None:
    job = experiment(tmp_path, data, "0.1", "0.5")
    found = best_run_file(job["best_runs"], "small")
    assert found is not None
    best, path = found.row, found.path
    assert path == f"{tmp_path}/results/runs/small/{best['run']}.h5"
    plot_mistakes.main(**job, data=data, max_count=5, data_digest="the-data")
    (predictions, W1, W2), _ = read_arrays(path, "test/predictions", "weights/W1", "weights/W2")
    x, labels = vars(read_data(data, "the-data").test).values()
    (figure,) = drawn
    assert f"{best['run']} The 5 most confident of {best['faults']} faults in 40 test images" == title(figure)
    wrong = np.flatnonzero(predictions != labels)
    X = np.column_stack([np.ones(len(x)), x / 255])
    probability = softmax(forward(X, Weights(W1, W2), np.tanh).S).max(axis=1)
    by_probability = wrong[np.argsort(-probability[wrong])][:5]
    for example, picture, text in zip(by_probability, pixels(figure), texts(figure), strict=True):
        assert picture.tolist() == x[example].reshape(2, 3).tolist()
        assert text.endswith(f"%, no. {example}")
        without_breaks = re.sub(r"\s", "", text)
        for word, label in (("true:", labels[example]), ("predicted:", predictions[example])):
            assert word + AWKWARD[label].replace(" ", "") in without_breaks


def test_a_figure_shows_the_weights_of_the_best_run(tmp_path: Path, data: str, drawn: list[Figure]) -> None:
    job = experiment(tmp_path, data, "0.1", "0.5")
    found = best_run_file(job["best_runs"], "small")
    assert found is not None
    plot_weights.main(**job, image_shape=[2, 3], max_count=1, percentile=99.5)
    (W1, W2), _ = read_arrays(found.path, "weights/W1", "weights/W2")
    (picture,) = pixels(drawn[0])
    unit = np.linalg.norm(W2[:, 1:], axis=0).argmax()
    assert np.array_equal(picture, W1[unit, 1:].reshape(2, 3).astype(float))
    assert found.row["run"] in title(drawn[0])


def test_where_all_runs_diverged_each_figure_of_the_best_says_so(
    tmp_path: Path, data: str, drawn: list[Figure]
) -> None:
    job = experiment(tmp_path, data, canonical_text(1e30))
    assert best_run_file(job["best_runs"], "small") is None
    for plot in DRAW.values():
        plot(job, data)
    assert [title(figure) for figure in drawn] == ["No run on small came to its end"] * 3
