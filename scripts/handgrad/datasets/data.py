"""Dataset files in HDF5, and the conversion of stored pixels to the inputs of a batch.

``results/data/<dataset>.h5`` holds train/x and test/x, uint8 (N, D), and train/y and test/y, uint8 (N,).
Pixels are uint8 in memory too. Only the pixels of one batch at a time are converted to floating point.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.randomness import Purpose, generator
from handgrad.common.sealed import open_sealed, sealed_file

Array = NDArray[Any]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.intp]

STATISTICS_BLOCK = 512  # rows; limits temporary memory to a few tens of MB


@dataclass(frozen=True)
class Split:
    """Images x, uint8 (N, D), and labels y, uint8 (N,)."""

    x: Bytes
    y: Bytes


@dataclass(frozen=True)
class ImageData:
    """A dataset: its training and test split, and the facts that are needed to scale and display images.

    image_shape: (height, width) or (channels, height, width); pixels of an image are stored in this order.
    max_value: the largest possible value of a pixel. sources: the sha256 of each source file, by its name.
    digest: identifies the data; see ``registry.data_digest``.
    """

    train: Split
    test: Split
    image_shape: tuple[int, ...]
    max_value: int
    class_names: tuple[str, ...]
    sources: dict[str, str]
    digest: str

    @property
    def inputs(self) -> int:
        """Return D, the number of pixel values of an image."""
        return int(self.train.x.shape[1])

    @property
    def classes(self) -> int:
        """Return K, the number of classes."""
        return len(self.class_names)


def write_data(path: str | Path, data: ImageData, warnings: Sequence[str] = ()) -> None:
    """Write a dataset and the pixel statistics of its training split in one step.

    warnings: see ``datasets.warnings``; stored so that the page and ``handgrad check`` can show them.
    """
    mean, std = pixel_statistics(data.train.x)
    # Attributes over 64 kB need the newer file format, for example the pixel statistics of large images.
    with sealed_file(path, libver="v110") as file:
        for name, split in (("train", data.train), ("test", data.test)):
            group = file.create_group(name)
            group.create_dataset("x", data=split.x)
            group.create_dataset("y", data=split.y)
        file.attrs["image_shape"] = data.image_shape
        file.attrs["largest"] = data.max_value
        file.attrs["class_names"] = list(data.class_names)
        file.attrs["source_files"] = list(data.sources)
        file.attrs["source_sha256"] = list(data.sources.values())
        file.attrs["pixel_mean"] = mean
        file.attrs["pixel_std"] = std
        file.attrs["warnings"] = list(warnings)
        file.attrs["data_digest"] = data.digest
        file.attrs["content_sha256"] = content_of(data)
        file.attrs["code_digest"] = code_digest("preprocess_dataset")


def content_of(data: ImageData) -> str:
    """Return the sha256 of all data that training uses: shapes, pixels, labels, K and the largest value."""
    digest = hashlib.sha256(f"{data.classes} {data.max_value}".encode())
    for split in (data.train, data.test):
        digest.update(f" {split.x.shape} ".encode())
        digest.update(np.ascontiguousarray(split.x).data)
        digest.update(np.ascontiguousarray(split.y).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class StoredData:
    """An open dataset file. content: its content_sha256. seal: the sha256 of the file's content (``sealed``)."""

    path: Path
    file: h5py.File
    content: str
    seal: str

    def images(self) -> ImageData:
        """Return the whole dataset."""
        attrs = self.file.attrs
        return ImageData(
            **{name: Split(self.file[name]["x"][:], self.file[name]["y"][:]) for name in ("train", "test")},
            image_shape=self.image_shape,
            max_value=int(attrs["largest"]),
            class_names=self.class_names,
            sources=dict(zip(attrs["source_files"], attrs["source_sha256"], strict=True)),
            digest=attrs["data_digest"],
        )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Return the shape of an image."""
        return tuple(int(n) for n in self.file.attrs["image_shape"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the name of each class."""
        return tuple(self.file.attrs["class_names"])

    @property
    def test_labels(self) -> Bytes:
        """Return the labels of the test split, uint8 (N,)."""
        labels: Bytes = self.file["test/y"][:]
        return labels


@contextmanager
def open_data(path: str | Path, expected_digest: str) -> Iterator[StoredData]:
    """Verify the checksum of a dataset file, and open it.

    Raises HandgradError if ``write_data`` did not write the file, if it was changed afterwards, or if it was written
    from different data or by different code than expected.
    """
    with open_sealed(path) as sealed:
        try:
            attrs = sealed.file.attrs
            found = {name: str(attrs[name]) for name in ("data_digest", "code_digest", "content_sha256")}
        except KeyError as error:
            raise HandgradError(f"{path}: not a dataset of this workflow ({error.args[0]}); {REMEDY}") from error
        for name, expected in (
            ("data_digest", expected_digest),
            ("code_digest", code_digest("preprocess_dataset")),
        ):
            if found[name] != expected:
                raise HandgradError(f"{path}: its {name} is {found[name]}, expected {expected}; {REMEDY}")
        yield StoredData(Path(path), sealed.file, found["content_sha256"], sealed.seal)


def pixel_statistics(x: Bytes, rows: Rows | None = None) -> tuple[Array, Array]:
    """Return the mean and the standard deviation (ddof 0) of each pixel over the rows, float64 (D,), in stored units.

    Sums are integers, so the result does not depend on the size of the blocks.
    """
    n = len(x) if rows is None else len(rows)
    total = np.zeros(x.shape[1], np.int64)
    squares = np.zeros(x.shape[1], np.int64)
    for start in range(0, n, STATISTICS_BLOCK):
        chosen = slice(start, start + STATISTICS_BLOCK)
        block = (x[chosen] if rows is None else x[rows[chosen]]).astype(np.int64)
        total += block.sum(axis=0)
        squares += (block * block).sum(axis=0)
    mean = total / n
    return mean, np.sqrt(np.maximum(squares / n - mean * mean, 0))


def split_rows(n: int, *, train_size: int | None, validation_size: int) -> tuple[Rows, Rows]:
    """Return the ascending row numbers of the training and the validation examples. They do not depend on the seed."""
    order = generator(0, Purpose.SPLIT).permutation(n)
    end = n if train_size is None else validation_size + train_size
    return np.sort(order[validation_size:end]), np.sort(order[:validation_size])


@dataclass(frozen=True)
class PixelScaling:
    """The conversion of stored pixel values x to inputs: factor * (x * scale + shift).

    factor: one number for all pixels, so that a matrix product can apply it at no cost. scale, shift: float64 (D,), or
    None for 1 and 0.
    """

    factor: float
    scale: Array | None = None
    shift: Array | None = None

    @classmethod
    def of(cls, scaling: str, *, x: Bytes, rows: Rows, max_value: int) -> "PixelScaling":
        """Return a scaling by its name.

        ``raw``: x. ``unit``: u = x / max_value. ``standardize``: (u - mean) / (std + 0.1) for each pixel. Mean and
        standard deviation of u are computed from the given (training) rows only.
        """
        if scaling == "raw":
            return cls(1.0)
        if scaling == "unit":
            return cls(1.0 / max_value)
        mean, std = (statistic / max_value for statistic in pixel_statistics(x, rows))
        return cls(1.0, 1.0 / (max_value * (std + 0.1)), -mean / (std + 0.1))

    def inputs(self, x: Bytes, dtype: DTypeLike) -> Array:
        """Return X, N x (D+1) with X[:, 0] = 1, from stored pixels (N, D)."""
        X = np.empty((len(x), x.shape[1] + 1), dtype)
        X[:, 0] = 1
        self.astype(dtype).write_unscaled(x, X[:, 1:])
        X[:, 1:] *= self.factor
        return X

    def astype(self, dtype: DTypeLike) -> "PixelScaling":
        """Return the same scaling with scale and shift in this dtype, as ``write_unscaled`` needs them."""
        if self.scale is None or self.shift is None:
            return self
        return replace(self, scale=self.scale.astype(dtype), shift=self.shift.astype(dtype))

    def write_unscaled(self, x: Bytes, X: Array) -> None:
        """Overwrite X, N x D, with x * scale + shift, the inputs without the common factor."""
        if self.scale is None:
            np.copyto(X, x)
        else:
            np.multiply(x, self.scale, out=X)
            X += self.shift


def one_hot(y: Bytes, classes: int, dtype: DTypeLike) -> Array:
    """Return T, N x K, with T[n, y[n]] = 1 and zeros elsewhere."""
    T = np.zeros((len(y), classes), dtype)
    T[np.arange(len(y)), y] = 1
    return T
