"""Features, float32 inputs without images: they are stored, scaled, checked and trained like pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories import read_data, run_of
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import Dataset, Split, write_data
from handgrad.datasets.inputs import Array, Column, InputSpec
from handgrad.datasets.scaling import Scaling
from handgrad.formats.splits import draw_test
from handgrad.gradient_check.check import check
from handgrad.gradient_check.settings import GATE
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import gradients, initial_weights
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.loop import train

COLUMNS = (Column(name="width"), Column(name="colour", categories=("blue", "red")), Column(name="age", fill=30.5))
SPEC = InputSpec(columns=COLUMNS, separator=";")


def features(x: Array, classes: int = 2, spec: InputSpec | None = None) -> Dataset:
    """Return a dataset with these training inputs, which are its test inputs too."""
    split = Split(x.astype(np.float32), (np.arange(len(x)) % classes).astype(np.uint8))
    names = tuple("abcdefghij"[:classes])
    return Dataset(split, split, spec or InputSpec(), names, {"table.csv": "12ab"}, "digest")


def normal(n: int, inputs: int) -> Array:
    return np.random.default_rng(n).normal(size=(n, inputs))


def test_features_and_their_columns_are_read_as_they_were_written(tmp_path: Path) -> None:
    data = features(normal(6, 4), spec=SPEC)
    write_data(tmp_path / "x.h5", data)
    back = read_data(tmp_path / "x.h5", "digest")
    assert back.train.x.dtype == np.float32
    np.testing.assert_array_equal(back.train.x, data.train.x)
    assert back.spec == SPEC
    assert back.spec.names == ("width", "colour=blue", "colour=red", "age")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaling", ["raw", "unit", "standardize"])
def test_features_are_scaled_by_the_training_rows_alone(scaling: str, dtype: str) -> None:
    x = (normal(40, 3) * [1, 1e-3, 50] + [0, 1e2, -7]).astype(np.float32)
    rows = np.arange(0, 40, 2)
    seen = x[rows].astype(np.float64)
    expected = {
        "raw": x,
        "unit": (x - seen.min(axis=0)) / (seen.max(axis=0) - seen.min(axis=0)),
        "standardize": (x - seen.mean(axis=0)) / seen.std(axis=0),
    }[scaling]
    X = Scaling.of(scaling, x=x, rows=rows, max_value=None).inputs(x, dtype)
    tolerance = 1e-12 if dtype == "float64" else 2e-2 if scaling == "standardize" else 1e-2
    np.testing.assert_allclose(X[:, 1:], expected, rtol=0, atol=tolerance if scaling != "raw" else 0)
    assert (X[:, 0] == 1).all()


@pytest.mark.parametrize("scaling", ["unit", "standardize"])
def test_a_feature_that_is_constant_in_training_is_0_everywhere(scaling: str) -> None:
    x = np.array([[0.1, 5], [0.1, 6], [9.0, 7]], np.float32)
    X = Scaling.of(scaling, x=x, rows=np.array([0, 1]), max_value=None).inputs(x, np.float32)
    assert (X[:, 1] == 0).all()
    assert np.isfinite(X).all()
    assert np.ptp(X[:, 2]) > 0


@pytest.mark.parametrize("scaling", ["raw", "unit", "standardize"])
def test_a_step_on_features_is_a_step_of_the_model(scaling: str) -> None:
    data, activation = features(normal(12, 5), classes=3), ACTIVATIONS["tanh"]
    of = Scaling.of(scaling, x=data.train.x, rows=np.arange(12), max_value=None)
    W = initial_weights("published", activation, inputs=5, hidden_units=4, classes=3, seed=0, dtype="float64")
    T = np.eye(3)[data.train.y]
    term, G = gradients(W, of.inputs(data.train.x, np.float64), T, activation, 0.1)
    now = in_step_order(W)
    batch = Batch(now._replace(W1=now.W1.copy(order="F"), W2=now.W2.copy()), of, activation, 12)
    batch.load(data.train, np.arange(12))
    batch.forward()
    assert batch.softmax() == pytest.approx(term, rel=1e-12)
    scale = batch.ascend(1.0, 0.5, 0.1)
    np.testing.assert_allclose(batch.W.W1 * scale, W.W1 + 0.5 * G.W1, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "classes"),
    [
        (np.array([[0.0], [1.0], [2.0], [4.0]]), 2),
        (np.ones((4, 3)), 2),
        (normal(4, 1) * 1e-3 + 1, 3),
        (normal(30, 7) * [1e-6, 1e6, 1, 1, 1, 0, 1] + [0, 0, 1000, 0, 0, 3, 0], 10),
    ],
    ids=["one input", "constant inputs", "small changes", "columns of all sizes"],
)
def test_the_gate_passes_on_any_features(x: Array, classes: int) -> None:
    assert check(features(x, classes), "tanh", GATE).passed


def test_a_run_learns_features(tmp_path: Path) -> None:
    x = normal(200, 2) * [1000, 0.01]
    y = (x[:, 0] / 1000 + x[:, 1] / 0.01 > 0).astype(np.uint8)
    split = Split(x.astype(np.float32), y)
    data = Dataset(split, split, InputSpec(), ("no", "yes"), {}, "")
    run = run_of(pixels="standardize", init="scaled", learning_rate=0.05, batch_size=20, epochs=20)
    result = train(run, data, lambda *_: None)
    assert result.test is not None
    assert result.test.faults < 10


# --- the test split of data that has none ---


def labels(*counts: int) -> Array:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.uint8)


@pytest.mark.parametrize(
    ("counts", "test", "expected"),
    [
        ((50, 30, 20), 0.2, [10, 6, 4]),
        ((50, 30, 20), 10, [5, 3, 2]),
        ((5, 3, 1), 3, [2, 1, 0]),
        ((1, 1, 7), 0.5, [0, 0, 4]),
        ((2, 2), 2, [1, 1]),
        ((1, 1, 98), 0.9, [0, 0, 90]),
    ],
)
def test_a_drawn_test_split_has_the_share_of_each_class(counts: Any, test: float, expected: list[int]) -> None:
    y = labels(*counts)
    train, drawn = draw_test(y, test)
    assert np.bincount(y[drawn], minlength=len(counts)).tolist() == expected
    assert sorted([*train, *drawn]) == list(range(len(y)))
    again = draw_test(y, test)
    np.testing.assert_array_equal(drawn, again[1])


def test_examples_of_one_group_stay_in_one_split() -> None:
    y = labels(60, 60)
    groups = np.random.default_rng(1).integers(0, 25, 120)
    train, drawn = draw_test(y, 0.25, groups)
    assert set(groups[train]).isdisjoint(groups[drawn])
    assert 20 <= len(drawn) <= 40


@pytest.mark.parametrize(
    ("y", "test", "groups"), [(labels(3), 3, None), (labels(2), 0.1, None), (labels(4), 2, [0] * 4)]
)
def test_a_split_that_leaves_nothing_is_refused(y: Array, test: float, groups: Any) -> None:
    with pytest.raises(HandgradError, match=r"^test[^\n]*expected[^\n]*$"):
        draw_test(y, test, None if groups is None else np.array(groups))
