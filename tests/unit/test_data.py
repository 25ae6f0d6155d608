"""What the dataset file and the pixel scaling promise."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.common.errors import HandgradError
from handgrad.datasets.data import (
    STATISTICS_BLOCK,
    Array,
    Bytes,
    ImageData,
    PixelScaling,
    Rows,
    Split,
    one_hot,
    pixel_statistics,
    read_data,
    split_rows,
    write_data,
)


def pixels(n: int, inputs: int) -> Bytes:
    return np.random.default_rng(n).integers(0, 256, (n, inputs), np.uint8)


def labels(n: int, classes: int) -> Bytes:
    return np.random.default_rng(n).integers(0, classes, n, np.uint8)


def split(n: int, inputs: int = 6, classes: int = 3) -> Split:
    return Split(pixels(n, inputs), labels(n, classes))


@pytest.fixture
def images() -> ImageData:
    return ImageData(
        train=split(9),
        test=split(4),
        image_shape=(3, 2),
        largest=255,
        class_names=("a", "b/c", "é"),
        sources={"train.gz": "12ab", "test.gz": "34cd"},
        digest="0123456789abcdef",
    )


# --- the file ---


def test_a_dataset_comes_back_from_its_file_as_it_was_written(images: ImageData, tmp_path: Path) -> None:
    write_data(tmp_path / "images.h5", images)
    back = read_data(tmp_path / "images.h5", images.digest)
    for now, then in ((back.train, images.train), (back.test, images.test)):
        assert now.x.dtype == now.y.dtype == np.uint8
        np.testing.assert_array_equal(now.x, then.x)
        np.testing.assert_array_equal(now.y, then.y)
    facts = ("image_shape", "largest", "class_names", "sources", "digest", "inputs", "classes")
    assert [getattr(back, fact) for fact in facts] == [getattr(images, fact) for fact in facts]


def test_the_file_holds_the_pixel_statistics_of_the_training_split(images: ImageData, tmp_path: Path) -> None:
    write_data(tmp_path / "images.h5", images)
    with h5py.File(tmp_path / "images.h5") as file:
        np.testing.assert_allclose(file.attrs["pixel_mean"], images.train.x.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(file.attrs["pixel_std"], images.train.x.std(axis=0), rtol=1e-12)


def test_images_of_any_size_can_be_stored(tmp_path: Path) -> None:
    n, shape = 3, (120, 120)
    some = Split(pixels(n, 120 * 120), labels(n, 3))
    large = ImageData(some, some, shape, 255, ("a", "b", "c"), {}, "large")
    write_data(tmp_path / "large.h5", large)
    np.testing.assert_array_equal(read_data(tmp_path / "large.h5", "large").train.x, some.x)


def test_one_dataset_makes_one_file_byte_for_byte(images: ImageData, tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        write_data(tmp_path / name, images)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no HDF5", None], ids=["empty", "text", "HDF5 of another kind"])
def test_a_file_that_is_no_dataset_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "images.h5"
    if content is None:
        h5py.File(path, "w").close()
    else:
        path.write_bytes(content)
    with pytest.raises(HandgradError, match="run snakemake again") as caught:
        read_data(path, "0123456789abcdef")
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_data_other_than_a_job_was_planned_with_is_refused(images: ImageData, tmp_path: Path) -> None:
    write_data(tmp_path / "images.h5", images)
    with pytest.raises(HandgradError, match=r"is 0123456789abcdef, expected fedc; delete it"):
        read_data(tmp_path / "images.h5", "fedc")


# --- statistics ---


@pytest.mark.parametrize("n", [1, STATISTICS_BLOCK - 1, STATISTICS_BLOCK, 2 * STATISTICS_BLOCK + 7])
def test_pixel_statistics_are_those_of_numpy_in_float64(n: int) -> None:
    x = pixels(n, 5)
    mean, std = pixel_statistics(x)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, x.astype(np.float64).std(axis=0), rtol=1e-12, atol=1e-12)


def test_pixel_statistics_of_some_rows_are_those_of_these_rows_in_any_order() -> None:
    x = pixels(5000, 5)
    rows = np.random.default_rng(0).permutation(5000)[: STATISTICS_BLOCK + 3]
    mean, std = pixel_statistics(x, rows)
    np.testing.assert_allclose(mean, x[rows].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, x[rows].std(axis=0), rtol=1e-12)
    for statistic, sorted_rows in zip((mean, std), pixel_statistics(x, np.sort(rows)), strict=True):
        np.testing.assert_array_equal(statistic, sorted_rows)


def test_a_pixel_that_never_changes_has_a_standard_deviation_of_zero() -> None:
    mean, std = pixel_statistics(np.full((5000, 2), 255, np.uint8))
    assert (mean.tolist(), std.tolist()) == ([255, 255], [0, 0])


# --- training and validation rows ---


@st.composite
def splits(draw: st.DrawFn) -> tuple[int, int, int]:
    """A number of examples, a training size and a validation size that fit it."""
    n = draw(st.integers(1, 300))
    train_size = draw(st.integers(1, n))
    return n, train_size, draw(st.integers(0, n - train_size))


@given(splits())
def test_training_and_validation_rows_are_disjoint_ascending_and_of_the_sizes_asked_for(
    sizes: tuple[int, int, int],
) -> None:
    n, train_size, validation_size = sizes
    train, validation = split_rows(n, train_size=train_size, validation_size=validation_size)
    assert (len(train), len(validation)) == (train_size, validation_size)
    both = np.concatenate([train, validation])
    assert len(np.unique(both)) == len(both)
    assert np.isin(both, np.arange(n)).all()
    for rows in (train, validation):
        assert (np.diff(rows) > 0).all()


@given(splits())
def test_without_a_training_size_all_examples_but_the_validation_rows_train(
    sizes: tuple[int, int, int],
) -> None:
    n, _, validation_size = sizes
    train, validation = split_rows(n, train_size=None, validation_size=validation_size)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(n))


@given(splits(), st.data())
def test_fewer_training_examples_are_some_of_the_more_and_validation_stays(
    sizes: tuple[int, int, int], data: st.DataObject
) -> None:
    n, train_size, validation_size = sizes
    fewer = data.draw(st.integers(0, train_size))
    more, validation = split_rows(n, train_size=train_size, validation_size=validation_size)
    some, same = split_rows(n, train_size=fewer, validation_size=validation_size)
    assert np.isin(some, more).all()
    np.testing.assert_array_equal(validation, same)


def test_the_rows_are_the_same_every_time_and_not_the_first_ones() -> None:
    first = split_rows(1000, train_size=100, validation_size=50)
    again = split_rows(1000, train_size=100, validation_size=50)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first[0].max() > 500
    assert first[1].max() > 500


# --- scaling ---


def expected_inputs(kind: str, x: Bytes, rows: Rows, largest: int) -> Array:
    """The formulas of ``PixelScaling.of``, written out in float64."""
    u = x / largest
    if kind == "raw":
        return x.astype(np.float64)
    if kind == "unit":
        return u
    return (u - u[rows].mean(axis=0)) / (u[rows].std(axis=0) + 0.1)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("largest", [255, 16])
@pytest.mark.parametrize("kind", ["raw", "unit", "standardize"])
def test_inputs_follow_the_formula_of_their_kind_behind_a_column_of_ones(
    kind: str, largest: int, dtype: type, rtol: float
) -> None:
    x = np.minimum(pixels(40, 6), np.uint8(largest))
    rows = np.arange(0, 40, 3)
    X = PixelScaling.of(kind, x=x, rows=rows, largest=largest).inputs(x, dtype)
    assert X.dtype == dtype
    assert X.shape == (40, 7)
    assert (X[:, 0] == 1).all()
    np.testing.assert_allclose(X[:, 1:], expected_inputs(kind, x, rows, largest), rtol=rtol, atol=rtol)


def test_standardized_inputs_owe_nothing_to_rows_that_do_not_train() -> None:
    x, rows = pixels(40, 6), np.arange(20)
    other = x.copy()
    other[20:] = 255
    inputs = [
        PixelScaling.of("standardize", x=data, rows=rows, largest=255).inputs(x, np.float64) for data in (x, other)
    ]
    np.testing.assert_array_equal(*inputs)


def test_a_blank_pixel_is_zero_when_standardized() -> None:
    x = np.zeros((10, 2), np.uint8)
    X = PixelScaling.of("standardize", x=x, rows=np.arange(10), largest=255).inputs(x, np.float64)
    assert (X[:, 1:] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_targets_have_a_one_where_the_label_says_and_zeros_elsewhere(dtype: type) -> None:
    T = one_hot(np.array([2, 0, 1, 2], np.uint8), 3, dtype)
    assert T.dtype == dtype
    assert T.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
