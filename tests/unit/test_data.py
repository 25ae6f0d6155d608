"""What the dataset file, the splits and the scaling of inputs promise."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import image_data, read_data
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import (
    STATISTICS_BLOCK,
    Bytes,
    ImageData,
    PixelScaling,
    Split,
    one_hot,
    pixel_statistics,
    split_rows,
    write_data,
)

IMAGES = image_data()


def pixels(n: int, inputs: int) -> Bytes:
    return np.random.default_rng(n).integers(0, 256, (n, inputs), np.uint8)


# --- the file ---


@pytest.mark.parametrize("shape", [(3, 2), (120, 120)])  # statistics of large images need the newer file format
def test_a_dataset_is_read_from_its_file_as_it_was_written(tmp_path: Path, shape: tuple[int, int]) -> None:
    train, test = (Split(pixels(n, shape[0] * shape[1]), np.arange(n, dtype=np.uint8) % 3) for n in (9, 4))
    data = ImageData(train, test, shape, 255, ("a", "b/c", "é"), {"a.gz": "12ab", "b.gz": "34cd"}, "data")
    for name in ("one.h5", "two.h5"):
        write_data(tmp_path / name, data)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    back = read_data(tmp_path / "one.h5", "data")
    for now, then in ((back.train, data.train), (back.test, data.test)):
        assert now.x.dtype == now.y.dtype == np.uint8
        np.testing.assert_array_equal(now.x, then.x)
        np.testing.assert_array_equal(now.y, then.y)
    facts = ("image_shape", "max_value", "class_names", "sources", "digest", "inputs", "classes")
    assert [getattr(back, fact) for fact in facts] == [getattr(data, fact) for fact in facts]
    with h5py.File(tmp_path / "one.h5") as file:
        np.testing.assert_allclose(file.attrs["pixel_mean"], train.x.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(file.attrs["pixel_std"], train.x.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("content", [b"", b"no HDF5", None, "other data"])
def test_a_file_that_is_not_the_dataset_is_refused_in_one_line(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "images.h5"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is None:
        h5py.File(path, "w").close()
    else:
        write_data(path, IMAGES)
    with pytest.raises(HandgradError, match=r"delete it, and run snakemake again$") as caught:
        read_data(path, "fedc")
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# --- statistics ---


@pytest.mark.parametrize("n", [1, STATISTICS_BLOCK - 1, STATISTICS_BLOCK, 2 * STATISTICS_BLOCK + 7])
def test_pixel_statistics_are_those_of_numpy_in_float64(n: int) -> None:
    x = pixels(2 * n, 5)
    x[:, 0] = 255  # a pixel that never changes
    rows = np.random.default_rng(0).permutation(2 * n)[:n]
    for found, some in ((pixel_statistics(x), x), (pixel_statistics(x, rows), x[rows])):
        np.testing.assert_allclose(found[0], some.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found[1], some.std(axis=0), rtol=1e-12, atol=1e-12)
        assert (found[0][0], found[1][0]) == (255, 0)
    np.testing.assert_array_equal(pixel_statistics(x, rows), pixel_statistics(x, np.sort(rows)))


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


def test_the_rows_are_the_same_every_time_and_not_the_first_ones() -> None:
    first, again = (split_rows(1000, train_size=100, validation_size=50) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.max() > 500


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
    X = PixelScaling.of(scaling, x=x, rows=rows, max_value=max_value).inputs(x, dtype)
    assert (X.dtype, X.shape) == (dtype, (40, 7))
    assert (X[:, 0] == 1).all()
    np.testing.assert_allclose(X[:, 1:], expected, rtol=rtol, atol=rtol)
    assert (X[:, 1] == 0).all()
    x[1::3] = max_value  # what does not train changes nothing
    again = PixelScaling.of(scaling, x=x, rows=rows, max_value=max_value).inputs(x[rows], dtype)
    np.testing.assert_array_equal(again, X[rows])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_targets_have_a_one_at_the_label_and_zeros_elsewhere(dtype: type) -> None:
    T = one_hot(np.array([2, 0, 1, 2], np.uint8), 3, dtype)
    assert T.dtype == dtype
    assert T.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
