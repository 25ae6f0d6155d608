"""Warnings about unusual data: each case has its sentence, and ordinary data has none."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_sample_images

from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import Column, InputSpec
from handgrad.datasets.warnings import BLANK, IMBALANCE, data_warnings

RNG = np.random.default_rng(0)


def dataset(x: Any, y: Any, names: Any = "ab", **spec: Any) -> Dataset:
    """Return a dataset with the last fifth of these examples as its test split."""
    n, y = len(x) * 4 // 5, np.asarray(y, np.uint8)
    x = np.asarray(x, np.float32 if spec.get("max_value") is None else np.uint8).reshape(len(y), -1)
    return Dataset(
        train=Split(x[:n], y[:n]),
        test=Split(x[n:], y[n:]),
        spec=InputSpec(**spec),
        class_names=tuple(map(str, names)),
        sources={},
        digest="",
    )


def table(x: Any, y: Any, names: Any = "ab") -> Dataset:
    """Return a dataset of features in columns c0, c1, ..."""
    return dataset(x, y, names, columns=tuple(Column(name=f"c{i}") for i in range(np.shape(x)[1])))


def patches(size: int, count: int = 300) -> Any:
    """Return parts of two photographs, (count, size, size, 3)."""
    photographs = load_sample_images().images
    found = []
    for number in range(count):
        photograph = photographs[number % 2]
        top, left = (RNG.integers(0, length - 4 * size) for length in photograph.shape[:2])
        found.append(photograph[top : top + 4 * size : 4, left : left + 4 * size : 4])
    return np.array(found)


HALVES = np.arange(300) % 2
PATCHES = patches(8)
DIGITS = load_digits()
#: the digits as a table: the label, then pixels up to 255
CSV = np.column_stack([DIGITS.target, np.minimum(16 * DIGITS.data, 255)])


def with_label(column: int) -> Dataset:
    """Return the table CSV with this column as the label."""
    values, labels = np.unique(CSV[:, column], return_inverse=True)
    return table(np.delete(CSV, column, axis=1), labels, values.astype(int))


USUAL = {
    "digits": dataset(DIGITS.data, DIGITS.target, range(10), image_shape=(8, 8), max_value=16),
    "colour": dataset(np.moveaxis(PATCHES, 3, 1), HALVES, image_shape=(3, 8, 8), max_value=255),
    "grey with three channels": dataset(
        np.repeat(PATCHES[:, None, :, :, 0], 3, axis=1), HALVES, image_shape=(3, 8, 8), max_value=255
    ),
    "floating-point images": dataset(np.moveaxis(PATCHES, 3, 1) / 255, HALVES, image_shape=(3, 8, 8)),
    "tiny random images": dataset(RNG.integers(0, 256, (40, 6)), HALVES[:40], image_shape=(2, 3), max_value=255),
    "breast cancer": table(*load_breast_cancer(return_X_y=True)),
    "integers, labels 0 and 1": table(RNG.integers(1, 120, (500, 4)), RNG.random(500) < 0.3, "01"),
}


@pytest.mark.parametrize("data", USUAL.values(), ids=USUAL.keys())
def test_ordinary_data_has_no_warning(data: Dataset) -> None:
    assert data_warnings(data) == []


FLAT = PATCHES.copy()
FLAT[: int(2 * BLANK * 300)] = 7
FEATURES = RNG.normal(size=(500, 6))
FEATURES[:, [1, 4]] = 3
RARE = np.repeat([0, 1, 2], [5 * IMBALANCE, 5 * IMBALANCE, 4])
RNG.shuffle(RARE)
STRANGE = {
    "channels last": (
        dataset(PATCHES, HALVES, image_shape=(3, 8, 8), max_value=255),
        ["channels look last", "8 x 8 x 3 (height, width, channels)"],
    ),
    "channels last, and the shape too": (
        dataset(PATCHES, HALVES, image_shape=(8, 8, 3), max_value=255),
        ["channels look last", "8 x 8 x 3 (height, width, channels)"],
    ),
    "noise": (
        dataset(RNG.permuted(PATCHES.reshape(300, -1), axis=1), HALVES, image_shape=(3, 8, 8), max_value=255),
        ["like noise"],
    ),
    "images of one colour": (
        dataset(np.moveaxis(FLAT, 3, 1), HALVES, image_shape=(3, 8, 8), max_value=255),
        ["6 of 240 training examples are images of one colour"],
    ),
    "constant columns": (table(FEATURES, np.arange(500) % 2), ["2 of 6 inputs ('c1', 'c4')"]),
    "constant inputs without names": (dataset(FEATURES, np.arange(500) % 2), ["2 of 6 inputs (1, 4)"]),
    "rare class": (
        table(RNG.normal(size=(len(RARE), 3)), RARE % 3, "abc"),
        ["training examples, and class 2 ('c') has "],
    ),
}


@pytest.mark.parametrize(("data", "parts"), STRANGE.values(), ids=STRANGE.keys())
def test_each_kind_of_strange_data_is_named(data: Dataset, parts: list[str]) -> None:
    lines = [line for line in data_warnings(data) if all(part in line for part in parts)]
    assert len(lines) == 1


@pytest.mark.parametrize("column", [1, 8], ids=["always 0", "mostly 0"])
def test_a_pixel_as_label_is_noticed_and_the_labels_are_found(column: int) -> None:
    (line,) = [line for line in data_warnings(with_label(column)) if "pixel" in line]
    assert line.endswith("inputs that look like labels: 'c0'")
    assert not any("pixel" in line for line in data_warnings(with_label(0)))


def test_examples_in_both_splits_are_counted() -> None:
    x = np.vstack([load_iris().data, load_iris().data[:30] + 0])
    (line,) = data_warnings(table(x, np.arange(180) % 2))
    assert "of 36 test examples are also training examples" in line
    assert line.startswith("30 ") or line.startswith("31 ")
