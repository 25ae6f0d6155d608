"""Dataset files, splits, the scaling of inputs, and warnings about unusual data."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import preprocess_dataset
from factories import image_data, read_data
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import (
    Dataset,
    Split,
    one_hot,
    open_data,
    split_rows,
    write_data,
)
from handgrad.datasets.inputs import Bytes, InputSpec
from handgrad.datasets.scaling import STATISTICS_BLOCK, Scaling, input_statistics
from handgrad.datasets.warnings import data_warnings
from handgrad.storage.provenance import source

IMAGES = image_data()


def pixels(n: int, inputs: int) -> Bytes:
    return np.random.default_rng(n).integers(0, 256, (n, inputs), np.uint8)


# --- the file ---


@pytest.mark.parametrize("shape", [(3, 2), (120, 120)])
def test_a_dataset_is_read_from_its_file_as_it_was_written(tmp_path: Path, shape: tuple[int, int]) -> None:
    train, test = (Split(pixels(n, shape[0] * shape[1]), np.arange(n, dtype=np.uint8) % 3) for n in (9, 4))
    data = Dataset(
        train,
        test,
        InputSpec(image_shape=shape, max_value=255),
        ("a", "b/c", "é"),
        {"a.gz": "12ab", "b.gz": "34cd"},
        "data",
    )
    for name in ("one.h5", "two.h5"):
        write_data(tmp_path / name, data)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    back = read_data(tmp_path / "one.h5", "data")
    for now, then in ((back.train, data.train), (back.test, data.test)):
        assert now.x.dtype == now.y.dtype == np.uint8
        np.testing.assert_array_equal(now.x, then.x)
        np.testing.assert_array_equal(now.y, then.y)
    facts = ("spec", "class_names", "sources", "digest", "inputs", "classes")
    assert [getattr(back, fact) for fact in facts] == [getattr(data, fact) for fact in facts]


@pytest.mark.parametrize("written", [False, True])
def test_a_file_that_is_not_the_dataset_is_refused_in_one_line(tmp_path: Path, written: bool) -> None:
    path = tmp_path / "images.h5"
    if written:
        write_data(path, IMAGES)
    else:
        h5py.File(path, "w").close()
    with pytest.raises(HandgradError, match=rf"^{path}: [^\n]*; delete it, and run snakemake again$"):
        read_data(path, "fedc")


# --- statistics ---


@pytest.mark.parametrize("n", [1, STATISTICS_BLOCK - 1, STATISTICS_BLOCK, 2 * STATISTICS_BLOCK + 7])
def test_pixel_statistics_are_those_of_numpy_in_float64(n: int) -> None:
    x = pixels(2 * n, 5)
    x[:, 0] = 255  # a pixel that never changes
    rows = np.random.default_rng(0).permutation(2 * n)[:n]
    for found, some in ((input_statistics(x), x), (input_statistics(x, rows), x[rows])):
        np.testing.assert_allclose(found[0], some.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found[1], some.std(axis=0), rtol=1e-12, atol=1e-12)
        assert (found[0][0], found[1][0]) == (255, 0)
    np.testing.assert_array_equal(input_statistics(x, rows), input_statistics(x, np.sort(rows)))


# --- training and validation rows ---


@settings(max_examples=30)
@given(st.data())
def test_splits_are_disjoint_ascending_and_of_the_sizes_asked_for(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 300))
    train_size = data.draw(st.integers(1, n))
    validation_size, fewer = data.draw(st.integers(0, n - train_size)), data.draw(st.integers(0, train_size))
    train, validation = split_rows(n, train_size=train_size, validation_size=validation_size)
    assert (len(train), len(validation)) == (train_size, validation_size)
    assert all((np.diff(rows) > 0).all() for rows in (train, validation))
    every, same = split_rows(n, train_size=None, validation_size=validation_size)
    np.testing.assert_array_equal(np.sort(np.concatenate([every, validation])), np.arange(n))
    np.testing.assert_array_equal(same, validation)
    some, same = split_rows(n, train_size=fewer, validation_size=validation_size)
    np.testing.assert_array_equal(same, validation)
    assert np.isin(some, train).all()
    assert np.isin(train, every).all()


def test_the_rows_of_a_split_are_not_the_first_ones() -> None:
    assert all(rows.max() > 500 for rows in split_rows(1000, train_size=100, validation_size=50))


# --- scaling ---


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("max_value", [255, 16])
@pytest.mark.parametrize("scaling", ["raw", "unit", "standardize"])
def test_inputs_follow_their_formula_behind_a_column_of_ones(
    scaling: str, max_value: int, dtype: type, rtol: float
) -> None:
    x, rows = np.minimum(pixels(40, 6), np.uint8(max_value)), np.arange(0, 40, 3)
    x[:, 0] = 0  # a blank pixel
    u = x / max_value
    standardized = (u - u[rows].mean(axis=0)) / (u[rows].std(axis=0) + 0.1)
    expected = {"raw": x.astype(np.float64), "unit": u, "standardize": standardized}[scaling]
    X = Scaling.of(scaling, x=x, rows=rows, max_value=max_value).inputs(x, dtype)
    assert (X.dtype, X.shape) == (dtype, (40, 7))
    assert (X[:, 0] == 1).all()
    np.testing.assert_allclose(X[:, 1:], expected, rtol=rtol, atol=rtol)
    assert (X[:, 1] == 0).all()
    x[1::3] = max_value  # rows that are not used for training have no effect
    again = Scaling.of(scaling, x=x, rows=rows, max_value=max_value).inputs(x[rows], dtype)
    np.testing.assert_array_equal(again, X[rows])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_targets_have_a_one_at_the_label_and_zeros_elsewhere(dtype: type) -> None:
    T = one_hot(np.array([2, 0, 1, 2], np.uint8), 3, dtype)
    assert T.dtype == dtype
    assert T.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


# --- unusual data ---

CLASSES = 62
EVEN = np.arange(620) % CLASSES


def dataset(train: Any, test: Any, /, **x_of: Bytes) -> Dataset:
    """Return a dataset with these labels. Images are random, unless x_of has those of a split."""
    splits = {"train": Split(pixels(len(train), 12), train.astype(np.uint8))}
    splits["test"] = Split(pixels(len(test) + 1, 12)[1:], test.astype(np.uint8))
    splits |= {name: Split(x, splits[name].y) for name, x in x_of.items()}
    names = tuple(f"name of {label}" for label in range(CLASSES))
    return Dataset(
        **splits, spec=InputSpec(image_shape=(3, 4), max_value=255), class_names=names, sources={}, digest=""
    )


#: unusual datasets, and the parts of each warning: split, count and class
STRANGE: dict[str, tuple[Dataset, list[tuple[str, ...]]]] = {
    "ordinary": (dataset(EVEN, EVEN), []),
    "one class in both": (
        dataset(EVEN * 0 + 7, EVEN[:99] * 0 + 7),
        [("all 620 ", "training", "7 ('name of 7')"), ("all 99 ", "test", "7 ('name of 7')")],
    ),
    "one class in test": (dataset(EVEN, EVEN[:99] * 0), [("all 99 ", "test", "0 ('name of 0')")]),
    "no training image": (dataset(EVEN % 32, EVEN), [("30 of 62 ", "training", "32 ('name of 32')")]),
    "no test image": (dataset(EVEN, EVEN[EVEN != 3]), [("1 of 62 ", "test", "3 ('name of 3')")]),
    "a class that dominates": (
        dataset(EVEN, np.append(EVEN, np.full(5000, 9))),
        [("89.1%", "5,620", "test", "9 ('name of 9')")],
    ),
    "constant inputs": (
        dataset(EVEN, EVEN, train=np.full((620, 12), 3, np.uint8)),
        [("12 of 12 inputs", "620 training")],
    ),
    "images in both": (dataset(EVEN, EVEN[:62], test=pixels(620, 12)[:62]), [("62 of 62 test", "training")]),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_data_are_named_and_the_warnings_are_logged_and_stored(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data, expected = STRANGE[case]
    found = data_warnings(data)
    assert all(part in line for line, parts in zip(found, expected, strict=True) for part in parts)
    monkeypatch.setattr(preprocess_dataset, "read_dataset", lambda *_: data)
    out, code = tmp_path / "mine.h5", code_digest("preprocess_dataset")
    preprocess_dataset.main(name="mine", entry={}, files={}, out=str(out), code_digest=code)
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned == [f"mine: {warning}" for warning in found]
    with open_data(out, "") as stored:
        assert list(source(stored).warnings) == found
