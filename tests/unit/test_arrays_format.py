"""Arrays of npz, npy and HDF5 files are read exactly, or refused with one line that names the file and a remedy."""

import hashlib
import io
import os
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from handgrad.common.errors import HandgradError
from handgrad.datasets.data import Dataset
from handgrad.datasets.inputs import Array
from handgrad.experiment.config_schema import completed_entry
from handgrad.formats.dataset_reader import read_dataset

Files = Mapping[str, bytes]
N_TRAIN, N_TEST = 6, 4


def read(folder: Path, files: Files, **facts: Any) -> Dataset:
    """Write the file of each role to a folder, and read them as a dataset."""
    entry: dict[str, Any] = {"format": "arrays", "local_dir": str(folder), "files": {}, **facts}
    for role, content in files.items():
        (folder / role).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        entry["files"][role] = {"name": role, "size": len(content), "sha256": sha256, "mirrors": []}
    return read_dataset(completed_entry(entry), {}, "mine")


def refusal(folder: Path, files: Files, **facts: Any) -> str:
    """Return the one-line message with which files are refused, without the folder."""
    with pytest.raises(HandgradError, match=rf"^{folder}/[^\n]*, expected [^\n]*$") as caught:
        read(folder, files, **facts)
    return str(caught.value).removeprefix(f"{folder}/")


# --- writers of files


def npy(values: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def npz(**arrays: Any) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return {"data": buffer.getvalue()}


def compressed_npz(**arrays: Any) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return {"data": buffer.getvalue()}


def npy_files(**arrays: Any) -> dict[str, bytes]:
    return {f"{name[2:]}_{name[0]}": npy(values) for name, values in arrays.items()}


def single_npz_files(**arrays: Any) -> dict[str, bytes]:
    """Return a file for each array, as Kuzushiji-MNIST has them."""
    return {f"{name[2:]}_{name[0]}": npz(arr_0=values)["data"] for name, values in arrays.items()}


def hdf5(write: Callable[[h5py.File], object] | None = None, **arrays: Any) -> dict[str, bytes]:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        if write:
            write(file)
    return {"data": buffer.getvalue()}


def compressed_hdf5(**arrays: Any) -> dict[str, bytes]:
    def write(file: h5py.File) -> None:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, compression="gzip", chunks=(4, *values.shape[1:]))

    return hdf5(write)


WRITERS = (npz, compressed_npz, npy_files, single_npz_files, hdf5, compressed_hdf5)


def values_of(n: int, *shape: int) -> Array:
    return np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)


def labels_of(n: int) -> Array:
    return np.arange(n, dtype=np.uint8) % 3


def keras(*shape: int, dtype: Any = np.uint8) -> dict[str, Array]:
    """Return the arrays of Keras's mnist.npz, with few and small examples."""
    return {
        "x_train": values_of(N_TRAIN, *shape).astype(dtype),
        "y_train": labels_of(N_TRAIN),
        "x_test": values_of(N_TEST, *shape).astype(dtype),
        "y_test": labels_of(N_TEST),
    }


# --- files that are read


@pytest.mark.parametrize("write", WRITERS)
def test_arrays_come_out_of_every_kind_of_file_as_they_went_in(tmp_path: Path, write: Callable[..., Files]) -> None:
    data = read(tmp_path, write(**keras(3, 2)), layout="NHW")
    for split, n in ((data.train, N_TRAIN), (data.test, N_TEST)):
        assert split.x.dtype == split.y.dtype == np.uint8
        np.testing.assert_array_equal(split.x, values_of(n, 6))
        np.testing.assert_array_equal(split.y, labels_of(n))
    assert (data.spec.image_shape, data.spec.max_value, data.class_names) == ((3, 2), 255, ("0", "1", "2"))


def test_arrays_of_other_names_and_of_groups_are_read_by_the_option_arrays(tmp_path: Path) -> None:
    arrays = keras(4)
    given = hdf5(**{"a/images": arrays["x_train"], "a/y": arrays["y_train"], "b": arrays["x_test"]})
    names = {"train_x": "a/images", "train_y": "a/y"}
    data = read(tmp_path, given, arrays=names, test=2)
    rows = data.train.rows
    assert rows is not None
    np.testing.assert_array_equal(data.train.x, arrays["x_train"][rows])


@pytest.mark.parametrize("write", [npz, hdf5])
def test_a_file_without_test_arrays_gets_a_drawn_test_split(tmp_path: Path, write: Callable[..., Files]) -> None:
    arrays = {name: values for name, values in keras(4).items() if "train" in name}
    data = read(tmp_path, write(**arrays, other=np.zeros(3)), test=0.5)
    for split in (data.train, data.test):
        assert split.rows is not None
        assert len(split.rows) == 3
        np.testing.assert_array_equal(split.x, arrays["x_train"][split.rows])


COLOUR = values_of(N_TRAIN, 5, 4, 3)
#: an array of images, its options, the stored values (N, D), and the stored image_shape
IMAGES: dict[str, tuple[Array, dict[str, Any], Array, tuple[int, ...]]] = {
    "channels last": (COLOUR, {"layout": "NHWC"}, COLOUR.transpose(0, 3, 1, 2), (3, 5, 4)),
    "channels first": (COLOUR.transpose(0, 3, 1, 2), {"layout": "NCHW"}, COLOUR.transpose(0, 3, 1, 2), (3, 5, 4)),
    "one channel last": (COLOUR[..., :1], {"layout": "NHWC"}, COLOUR[..., 0], (5, 4)),
    "one channel first": (COLOUR[:, None, :, :, 0], {"layout": "NCHW"}, COLOUR[..., 0], (5, 4)),
    "rows with image_shape": (COLOUR.reshape(-1, 60), {"image_shape": [5, 12]}, COLOUR, (5, 12)),
    "Fortran order": (np.asfortranarray(COLOUR), {"layout": "NHWC"}, COLOUR.transpose(0, 3, 1, 2), (3, 5, 4)),
    "int64": (COLOUR[..., 0].astype(np.int64), {"layout": "NHW"}, COLOUR[..., 0], (5, 4)),
    "big-endian int16": (COLOUR[..., 0].astype(">i2"), {"layout": "NHW"}, COLOUR[..., 0], (5, 4)),
}


@pytest.mark.parametrize("write", [npz, hdf5])
@pytest.mark.parametrize("case", IMAGES)
def test_images_are_stored_as_pixels_channel_first(tmp_path: Path, case: str, write: Callable[..., Files]) -> None:
    x, options, stored, image_shape = IMAGES[case]
    data = read(tmp_path, write(x_train=x, y_train=labels_of(6), x_test=x, y_test=labels_of(6)), **options)
    assert (data.train.x.dtype, data.spec.image_shape, data.spec.max_value) == (np.uint8, image_shape, 255)
    np.testing.assert_array_equal(data.train.x, stored.reshape(N_TRAIN, -1))
    np.testing.assert_array_equal(data.test.x, stored.reshape(N_TRAIN, -1))


def test_images_of_booleans_are_pixels_of_which_1_is_the_largest(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        npz(**{**keras(3, 2), "x_train": values_of(6, 3, 2) > 99, "x_test": values_of(4, 3, 2) > 99}),
        layout="NHW",
    )
    assert (data.train.x.dtype, data.spec.max_value) == (np.uint8, 1)
    np.testing.assert_array_equal(data.train.x, values_of(6, 6) > 99)


FLOATS = np.random.default_rng(0).normal(size=(N_TRAIN, 3, 2))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f8", "i8", "u2", ">i4", "u1", "?"])
def test_two_axes_are_float32_features_whatever_their_type(tmp_path: Path, dtype: str) -> None:
    x = (100 * FLOATS.reshape(N_TRAIN, 6)).astype(dtype)
    data = read(tmp_path, npz(x_train=x, y_train=labels_of(6), x_test=x[:4], y_test=labels_of(4)))
    assert (data.train.x.dtype, data.spec.image_shape, data.spec.max_value) == (np.float32, None, None)
    np.testing.assert_array_equal(data.train.x, x.astype(np.float32))


@pytest.mark.parametrize(
    ("x", "layout"),
    [
        (FLOATS, "NHW"),
        (FLOATS.astype("f2"), "NHW"),
        (300 * values_of(6, 3, 2).astype("u2"), "NHW"),
        (-COLOUR.astype("i4"), "NHWC"),
    ],
)
def test_images_that_are_not_bytes_are_float32_images(tmp_path: Path, x: Array, layout: str) -> None:
    data = read(tmp_path, npz(x_train=x, y_train=labels_of(6)), layout=layout, test=2, largest=None)
    assert data.train.rows is not None
    stored = x.astype(np.float32)[data.train.rows]
    stored = stored if layout == "NHW" else stored.transpose(0, 3, 1, 2)
    assert (data.train.x.dtype, data.spec.image_shape, data.spec.max_value) == (np.float32, stored.shape[1:], None)
    np.testing.assert_array_equal(data.train.x, stored.reshape(len(stored), -1))


def test_a_constant_input_that_float32_rounds_is_read(tmp_path: Path) -> None:
    x = np.full((6, 2), [0.1, 1e9 + 1])
    data = read(tmp_path, npz(x_train=x, y_train=labels_of(6), x_test=x, y_test=labels_of(6)))
    np.testing.assert_array_equal(data.train.x, x.astype(np.float32))


def test_what_a_user_may_not_expect_of_arrays_is_said(tmp_path: Path) -> None:
    assert "image_shape" in read(tmp_path, npz(**keras(6))).notes[0]
    assert not read(tmp_path, npz(**keras(6, dtype=float))).notes
    assert not read(tmp_path, npz(**keras(3, 2)), layout="NHW").notes
    assert (
        "floating-point"
        in read(
            tmp_path, npz(**keras(3, 2, dtype=np.int16) | {"x_train": np.full((6, 3, 2), 256)}), layout="NHW"
        ).notes[0]
    )
    assert "layout NHWC is more likely" in read(tmp_path, npz(**keras(8, 8, 3)), layout="NCHW").notes[0]
    assert "layout NCHW is more likely" in read(tmp_path, npz(**keras(3, 8, 8)), layout="NHWC").notes[0]
    for shape, layout in (((8, 8, 3), "NHWC"), ((3, 8, 8), "NCHW"), ((5, 8, 8), "NCHW"), ((3, 3, 3), "NCHW")):
        assert not read(tmp_path, npz(**keras(*shape)), layout=layout).notes


# --- labels

#: training labels of six examples, test labels of two, class_names of the entry -> classes of both, names
LABELS: dict[str, tuple[Any, Any, list[str] | None, list[int], list[str]]] = {
    "a column": ([[0], [1], [2], [0], [1], [2]], [[1], [2]], None, [0, 1, 2, 0, 1, 2, 1, 2], ["0", "1", "2"]),
    "text": (["b", "a", "c", "b", "a", "c"], ["c", "a"], None, [1, 0, 2, 1, 0, 2, 2, 0], ["a", "b", "c"]),
    "bytes": ([b"\xc3\xa4", b"z"] * 3, [b"z"] * 2, None, [1, 0, 1, 0, 1, 0, 0, 0], ["z", "ä"]),
    "text of longer classes in test": (["b", "a"] * 3, ["abc", "a"], None, [2, 0, 2, 0, 2, 0, 1, 0], ["a", "abc", "b"]),
    "text in the order of class_names": (
        ["b", "a"] * 3,
        ["a"] * 2,
        ["c", "b", "a"],
        [1, 2] * 3 + [2, 2],
        ["c", "b", "a"],
    ),
    "from 1": ([1, 2, 3] * 2, [3, 1], None, [0, 1, 2] * 2 + [2, 0], ["1", "2", "3"]),
    "from 1 with names": ([1, 2, 3] * 2, [3, 1], ["x", "y", "z"], [0, 1, 2] * 2 + [2, 0], ["x", "y", "z"]),
    "negative": ([-1, 1] * 3, [1, -1], None, [0, 1] * 3 + [1, 0], ["-1", "1"]),
    "with a gap": ([10, 30, 20] * 2, [30, 10], None, [0, 2, 1] * 2 + [2, 0], ["10", "20", "30"]),
    "class numbers of which some are missing": ([3, 1] * 3, [1, 3], list("abcd"), [3, 1] * 3 + [1, 3], list("abcd")),
    "large numbers": ([2**40, 7] * 3, [7, 7], None, [1, 0] * 3 + [0, 0], ["7", str(2**40)]),
    "whole floating-point numbers": ([1.0, 2.0] * 3, [2.0, 1.0], None, [0, 1] * 3 + [1, 0], ["1", "2"]),
    "booleans": ([True, False] * 3, [False, True], None, [1, 0] * 3 + [0, 1], ["False", "True"]),
    "one-hot": (np.eye(3)[[0, 2, 1, 0, 2, 1]], np.eye(3)[[2, 0]], None, [0, 2, 1] * 2 + [2, 0], ["0", "1", "2"]),
    "one-hot booleans": (
        np.eye(2, dtype=bool)[[1, 0] * 3],
        np.eye(2, dtype=bool),
        list("ab"),
        [1, 0] * 3 + [0, 1],
        ["a", "b"],
    ),
}


@pytest.mark.parametrize("write", [npz, hdf5])
@pytest.mark.parametrize("case", LABELS)
def test_labels_of_every_kind_become_class_numbers_and_names(
    tmp_path: Path, case: str, write: Callable[..., Files]
) -> None:
    y_train, y_test, class_names, classes, names = LABELS[case]
    if write is hdf5 and np.asarray(y_train).dtype.kind == "U":
        y_train, y_test = list(y_train), list(y_test)
    else:
        y_train, y_test = np.asarray(y_train), np.asarray(y_test)
    x = {"x_train": FLOATS.reshape(6, 6), "x_test": FLOATS.reshape(6, 6)[:2]}
    data = read(tmp_path, write(**x, y_train=y_train, y_test=y_test), class_names=class_names)
    assert [*data.train.y, *data.test.y] == classes
    assert list(data.class_names) == names


def test_labels_found_in_the_data_are_the_same_when_the_entry_has_their_names(tmp_path: Path) -> None:
    for y_train, y_test, *_ in LABELS.values():
        x = {"x_train": FLOATS.reshape(6, 6), "x_test": FLOATS.reshape(6, 6)[:2]}
        files = npz(**x, y_train=np.asarray(y_train), y_test=np.asarray(y_test))
        found = read(tmp_path, files)
        again = read(tmp_path, files, class_names=list(found.class_names))
        np.testing.assert_array_equal(found.train.y, again.train.y)
        np.testing.assert_array_equal(found.test.y, again.test.y)
        assert found.class_names == again.class_names


# --- files that are refused


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, int]]:
        return os.mkdir, (str(self.path), 0o700)


def changed(**arrays: Any) -> dict[str, bytes]:
    """Return an npz file of 6 training and 4 test examples with some other arrays."""
    return npz(**{**keras(6, dtype=float), **arrays})


def spoiled(value: float, dtype: str = "f8") -> Array:
    x = values_of(N_TEST, 3, 2).astype(dtype)
    x[3, 0, 1] = value
    return x


LABEL = np.zeros(N_TRAIN)
OFFSET = np.random.default_rng(0).normal(size=(N_TRAIN, 2)) + np.array([0, 1.7e9])
#: files, options, and parts of the message
REFUSED: dict[str, tuple[Files, dict[str, Any], tuple[str, ...]]] = {
    # inputs
    "three axes without layout": (npz(**keras(3, 2)), {}, ("data: x_train: ", "(6, 3, 2)", "layout: NHW")),
    "channels last without layout": (npz(**keras(8, 8, 3)), {}, ("layout: NHWC or layout: NCHW",)),
    "channels first without layout": (npz(**keras(3, 8, 8)), {}, ("layout: NCHW or layout: NHWC",)),
    "layout of other axes": (npz(**keras(3, 2)), {"layout": "NHWC"}, ("(6, 3, 2) with layout NHWC", "4 axes")),
    "layout of features": (npz(**keras(6)), {"layout": "NHW"}, ("(6, 6) with layout NHW", "3 axes")),
    "one axis": (changed(x_train=LABEL, x_test=np.zeros(4)), {}, ("(6,)", "two axes for features")),
    "five axes": (changed(x_train=np.zeros((6, 1, 2, 3, 4)), x_test=np.zeros((4, 1, 2, 3, 4))), {}, ("two axes",)),
    "no axis": (changed(x_train=np.array(3.0)), {}, ("shape ()",)),
    "no examples": (changed(x_train=np.zeros((0, 6)), y_train=LABEL[:0]), {}, ("(0, 6)", "at least one example")),
    "image_shape of another size": (npz(**keras(6)), {"image_shape": [2, 2]}, ("6 values an example", "[2, 2]")),
    "nan": (
        npz(**keras(3, 2, dtype=float) | {"x_test": spoiled(np.nan)}),
        {"layout": "NHW"},
        ("data: x_test: index [3, 0, 1]: nan",),
    ),
    "inf in float16": (
        npz(**keras(3, 2, dtype="f2") | {"x_test": spoiled(np.inf, "f2")}),
        {"layout": "NHW"},
        ("index [3, 0, 1]: inf",),
    ),
    "beyond float32": (
        npz(**keras(3, 2, dtype=float) | {"x_test": spoiled(-1e39)}),
        {"layout": "NHW"},
        ("[3, 0, 1]: -1e+39", "too large for float32"),
    ),
    "beyond float32 in training": (
        changed(x_train=np.full((6, 6), 1e300) * FLOATS.reshape(6, 6)),
        {},
        ("x_train: index [0, 0]", "too large"),
    ),
    "an offset that hides differences": (
        changed(x_train=OFFSET, x_test=OFFSET[:4]),
        {},
        ("x_train: index [0, 1]", "float32 rounds", "subtract an offset"),
    ),
    "integers with such an offset": (
        changed(x_train=OFFSET.astype(int), x_test=OFFSET[:4].astype(int)),
        {},
        ("subtract an offset",),
    ),
    "integers that float64 rounds": (
        changed(x_train=np.full((6, 6), 2**60 + 1), x_test=np.full((4, 6), 2**60)),
        {},
        ("subtract an offset",),
    ),
    "integers in training and fractions in the test split": (
        changed(x_train=np.arange(36, dtype=np.uint8).reshape(6, 6), x_test=np.full((4, 6), 0.5)),
        {},
        ("uint8 and float64",),
    ),
    "beyond float32 in the test split alone": (
        changed(x_train=values_of(6, 6) * 1.0, x_test=np.full((4, 6), 1e39)),
        {},
        ("x_test: index [0, 0]: 1e+39",),
    ),
    "nan in a late example": (
        npz(x_train=np.where(np.arange(600)[:, None] == 550, np.nan, np.ones((600, 2))), y_train=np.arange(600) % 2),
        {"test": 2},
        ("index [550, 0]: nan",),
    ),
    "complex numbers": (changed(x_train=np.zeros((6, 6), complex)), {}, ("complex128", "float32")),
    "times": (changed(x_train=np.zeros((6, 6), "M8[s]")), {}, ("datetime64", "float32")),
    "text": (changed(x_train=np.full((6, 6), "1.5")), {}, ("<U3", "numbers")),
    "records": (changed(x_train=np.zeros(6, [("a", "f4"), ("b", "f4")])), {}, ("float32",)),
    "examples of two shapes": (changed(x_test=np.zeros((4, 5))), {}, ("data: x_test: ", "(5,)", "(6,)")),
    "pixels and fractions": (
        npz(**keras(3, 2) | {"x_test": spoiled(0.5)}),
        {"layout": "NHW"},
        ("uint8 and float64", "same type"),
    ),
    # labels
    "a label too few": (changed(y_test=labels_of(3)), {}, ("data: y_test: 3 labels", "4, one for each example of ")),
    "fractions as labels": (changed(y_train=LABEL + 0.5), {}, ("y_train: index [0]: the label 0.5", "integers")),
    "nan as a label": (changed(y_train=[0, 1, 0, np.nan, 1, 0]), {}, ("y_train: index [3]: the label nan",)),
    "an empty label": (
        changed(y_train=["a", "b", "", "a", "b", "a"], y_test=["a"] * 4),
        {},
        ("index [2]: the label ''",),
    ),
    "text that no class has": (
        changed(y_train=["a", "b"] * 3, y_test=["a"] * 3 + ["B"]),
        {"class_names": ["a", "b"]},
        ("y_test: index [3]: the label 'B'", "one of 'a', 'b'"),
    ),
    "text and numbers": (changed(y_test=["0", "1", "2", "0"]), {}, ("labels of one kind",)),
    "one class": (changed(y_train=LABEL, y_test=LABEL[:4]), {}, ("only the label 0", "two classes")),
    "more labels than names": (
        npz(**keras(6)),
        {"class_names": ["a", "b"]},
        ("3 different labels from 0 to 2", "2 class_names"),
    ),
    "labels beyond the names": (
        changed(y_train=labels_of(6) * 9, y_test=LABEL[:4]),
        {"class_names": list("abcde")},
        ("from 0 to 18", "5 class_names"),
    ),
    "too many labels": (
        npz(x_train=np.eye(300), y_train=np.arange(300) * 2),
        {"test": 3},
        ("300 different labels", "at most 256"),
    ),
    "rows that are not one-hot": (
        changed(y_train=np.full((6, 3), 1), y_test=np.full((4, 3), 1)),
        {},
        ("y_train: index [0]", "one-hot"),
    ),
    "rows of probabilities": (
        changed(y_train=np.full((6, 2), 0.5), y_test=np.eye(2)[[0, 1, 0, 1]]),
        {},
        ("y_train: index [0]", "one-hot"),
    ),
    "one-hot rows of two lengths": (
        changed(y_train=np.eye(6), y_test=np.eye(4)),
        {},
        ("4 columns", "6, as in training"),
    ),
    "labels with three axes": (changed(y_train=np.zeros((6, 1, 1))), {}, ("(6, 1, 1)", "one-hot")),
    "complex labels": (changed(y_train=LABEL * 1j), {}, ("complex128",)),
    "labels that are not UTF-8": (changed(y_train=[b"\xff"] * 6, y_test=[b"a"] * 4), {}, ("UTF-8",)),
    # names
    "other names": (
        npz(X_train=np.zeros((6, 2)), labels=LABEL),
        {},
        (
            "no array 'x_train'",
            "'X_train' float64 (6, 2)",
            "'labels' float64 (6,)",
            "arrays: train_x",
            "did you mean 'X_train'?",
        ),
    ),
    "a name that the file lacks": (
        npz(**keras(6)),
        {"arrays": {"test_x": "x_tets"}},
        ("no array 'x_tets'", "did you mean 'x_test'?"),
    ),
    "test labels without inputs": (npz(x_train=np.eye(6), y_train=LABEL, y_test=LABEL), {}, ("no array 'x_test'",)),
    "names for files of one array": (npy_files(**keras(6)), {"arrays": {"train_x": "x"}}, ("the option arrays",)),
    "named test inputs without labels": (
        npz(x_train=np.eye(6), y_train=LABEL, x=np.eye(6)),
        {"arrays": {"test_x": "x"}},
        ("no array 'y_test'",),
    ),
    "no arrays": (hdf5(), {}, ("no arrays",)),
    "several arrays as one": (
        {**npy_files(**keras(6)), "train_x": npz(**keras(6))["data"]},
        {},
        ("train_x: holds 'x_train'", "one array"),
    ),
    "a link to another file": (
        hdf5(lambda file: file.__setitem__("x_train", h5py.ExternalLink("/etc/x.h5", "x")), y_train=LABEL),
        {},
        ("no array 'x_train'",),
    ),
    "a group": (hdf5(**{"x_train/a": LABEL, "y_train": LABEL}), {}, ("no array 'x_train'", "'x_train/a'")),
    # other files
    "a pickled object": ({"data": b"\x80\x04]\x94."}, {}, ("a pickled object", "npy, npz or HDF5")),
    "gzip": ({"data": b"\x1f\x8b\x08\0"}, {}, ("a gzip file; decompress it",)),
    "MATLAB": ({"data": b"MATLAB 7.3 MAT-file".ljust(600)}, {}, ("a MATLAB file", "npz")),
    "HTML": ({"data": b"<html>"}, {}, ("begins with b'<html>'",)),
    "one byte": ({"data": b"x"}, {}, ("begins with b'x'",)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_make_no_dataset_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    files, options, parts = REFUSED[case]
    line = refusal(tmp_path, files, **options)
    assert line.startswith(tuple(files))
    assert not [part for part in parts if part not in line], line


@pytest.mark.parametrize("write", [npz, npy_files, single_npz_files])
def test_an_array_of_objects_is_refused_without_unpickling_it(tmp_path: Path, write: Callable[..., Files]) -> None:
    trap = np.array([Trap(tmp_path / "sprung")] * N_TRAIN)
    line = refusal(tmp_path, write(**{**keras(6), "y_train": trap}))
    assert "Python objects, which are pickled" in line
    assert not (tmp_path / "sprung").exists()


def raw_npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + body


def npy_of(shape: object, descr: str = "'|u1'", body: bytes = b"\0" * 36) -> bytes:
    return raw_npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", body)


#: npy files that lie about their size, or are damaged
LIARS: dict[str, bytes] = {
    "a huge shape": npy_of((1 << 40, 6)),
    "a shape beyond 64 bits": npy_of((1 << 70, 6)),
    "two large numbers": npy_of((1 << 33, 1 << 33)),
    "a negative number": npy_of((-6, 6)),
    "two negative numbers": npy_of((-6, -6)),
    "a number that is a boolean": npy_of("(True, 36)"),
    "too few values": npy_of((6, 6))[:-1],
    "too many values": npy_of((6, 6)) + b"\0",
    "a huge type": npy_of((6, 6), "'|S1000000000'"),
    "a type of objects": npy_of((6, 6), "'|O'"),
    "a type with a shape": npy_of((6,), "('|u1', (6,))"),
    "an unknown type": npy_of((6, 6), "'|q9'"),
    "no shape": raw_npy("{'descr': '|u1', 'fortran_order': False, }", bytes(36)),
    "code as a header": raw_npy("__import__('os').abort()", bytes(36)),
    "a deep header": raw_npy("(" * 300, bytes(36)),
    "an open text": raw_npy("{'descr': '''", bytes(36)),
    "a long header": raw_npy(" " * 60000, bytes(36)),
    "version 3": raw_npy("{}", bytes(36), b"\x03\x00"),
    "nothing after the start": b"\x93NUMPY",
}


def zipped(content: bytes, name: str = "y_train.npy", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO(npz(x_train=np.eye(6))["data"])
    with zipfile.ZipFile(buffer, "a", how) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("place", ["npy", "npz"])
@pytest.mark.parametrize("case", LIARS)
def test_an_array_that_lies_about_its_size_is_refused_and_allocates_little(
    tmp_path: Path, case: str, place: str
) -> None:
    content = LIARS[case]
    files = npy_files(**keras(6)) | {"train_y": content} if place == "npy" else {"data": zipped(content)}
    tracemalloc.start()
    try:
        line = refusal(tmp_path, files, test=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert line.startswith(("train_y", "data"))
    assert peak < 20e6


LABELS_6 = npy(labels_of(N_TRAIN))
Change = Callable[[bytes], bytes]


def in_directory(offset: int, value: int) -> Change:
    """Return a function that changes four bytes of the last entry of a zip file's directory."""

    def change(content: bytes) -> bytes:
        start = content.rindex(b"PK\x01\x02") + offset
        return content[:start] + value.to_bytes(4, "little") + content[start + 4 :]

    return change


BAD_ZIPS: dict[str, tuple[bytes, Change]] = {
    "a larger size": (LABELS_6, in_directory(24, 1 << 31)),
    "a smaller size": (LABELS_6, in_directory(24, len(LABELS_6) - 1)),
    "another checksum": (LABELS_6, in_directory(16, 1)),
    "an encrypted member": (LABELS_6, in_directory(8, 1)),
    "a truncated file": (LABELS_6, lambda content: content[:-30]),
    "a bomb": (npy_of((1 << 33, 1), body=b"\0"), lambda content: content),
}


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_damaged_or_hostile_npz_file_is_refused(tmp_path: Path, case: str, how: int) -> None:
    content, change = BAD_ZIPS[case]
    assert refusal(tmp_path, {"data": change(zipped(content, how=how))}, test=2).startswith("data")


def test_a_zip_directory_that_agrees_with_a_lying_header_allocates_little(tmp_path: Path) -> None:
    content = npy_of((1 << 31,))
    lying = in_directory(24, len(content) - 36 + (1 << 31))(zipped(content))
    tracemalloc.start()
    try:
        assert "in a file of " in refusal(tmp_path, {"data": lying}, test=2)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_without_a_limited_ratio_is_refused(tmp_path: Path, how: int) -> None:
    assert "compression method" in refusal(tmp_path, {"data": zipped(LABELS_6, how=how)}, test=2)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "two arrays of one name" in refusal(tmp_path, {"data": zipped(LABELS_6, "x_train.npy")}, test=2)


def test_members_of_an_npz_file_that_are_not_arrays_are_not_read(tmp_path: Path) -> None:
    files = {"data": zipped(b"hello", "readme.txt")}
    assert "no array 'y_train' among 'x_train' float64 (6, 6)," in refusal(tmp_path, files, test=2)


# --- HDF5


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((6,), "f8")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "y", (6,))
    file.create_virtual_dataset("y_train", layout)


def references(file: h5py.File) -> None:
    file.create_dataset("y_train", data=np.array([file["x_train"].ref] * 6, h5py.ref_dtype), dtype=h5py.ref_dtype)


def lists(file: h5py.File) -> None:
    file.create_dataset("y_train", (6,), h5py.vlen_dtype(np.int8))[:] = [np.zeros(2, np.int8)] * 6


UNREADABLE: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "a virtual dataset": (virtual, "in another file"),
    "values in an external file": (
        lambda file: file.create_dataset("y_train", (6,), "f8", external=[("/etc/hostname", 0, 48)]),
        "in another file",
    ),
    "references": (references, "Python objects"),
    "lists": (lists, "Python objects"),
    "records": (lambda file: file.create_dataset("y_train", data=np.zeros(6, [("a", "f4")])), "the type"),
    "never written": (lambda file: file.create_dataset("y_train", (6,), "f8"), "never written"),
    "a huge shape": (lambda file: file.create_dataset("y_train", (1 << 40,), "u1", chunks=(6,)), "at most"),
    "a chunk that was never written": (
        lambda file: file.create_dataset("y_train", (6,), "f8", chunks=(2,)).__setitem__(slice(2, 6), 1),
        "never written",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_hdf5_values_that_are_not_plain_numbers_in_the_file_are_refused(tmp_path: Path, case: str) -> None:
    write, message = UNREADABLE[case]
    line = refusal(tmp_path, hdf5(write, x_train=np.eye(6)), test=2)
    assert line.startswith("data: y_train: ")
    assert message in line


def test_hdf5_text_of_fixed_and_of_variable_length_names_the_classes(tmp_path: Path) -> None:
    texts = ["ä", "longer", "ä", "b", "b", "ä"]
    for dtype in (h5py.string_dtype(), h5py.string_dtype(length=9)):
        data = np.array([text.encode() for text in texts], dtype)
        files = hdf5(lambda file, d=data: file.create_dataset("y_train", data=d), x_train=np.eye(6))
        assert read(tmp_path, files, test=2).class_names == ("b", "longer", "ä")


@pytest.mark.parametrize("keep", [8, 100, -1000])
def test_a_damaged_hdf5_file_is_refused(tmp_path: Path, keep: int) -> None:
    content = compressed_hdf5(**keras(6))["data"]
    assert "damaged" in refusal(tmp_path, {"data": content[:keep]})


def test_hdf5_values_that_do_not_decompress_are_refused(tmp_path: Path) -> None:
    content = compressed_hdf5(**keras(60))["data"]
    start = content.index(b"\x78\x5e") if b"\x78\x5e" in content else content.index(b"\x78\x9c")
    assert "damaged" in refusal(tmp_path, {"data": content[: start + 2] + bytes(40) + content[start + 42 :]})
