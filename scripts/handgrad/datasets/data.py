"""Datasets as HDF5, and the way from stored pixels to the inputs of a batch.

``results/data/<dataset>.h5`` holds train/x and test/x, uint8 (N, D), and train/y and test/y, uint8 (N,).
Pixels stay uint8 in memory too; only a batch is ever held as floating point.
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

STATISTICS_BLOCK = 512  # rows; keeps a pass over the pixels within a few tens of MB


@dataclass(frozen=True)
class Split:
    """Images x, uint8 (N, D), and labels y, uint8 (N,)."""

    x: Bytes
    y: Bytes


@dataclass(frozen=True)
class ImageData:
    """A dataset: two splits and what is needed to read and show them.

    image_shape: (height, width) or (channels, height, width); pixels of an image are stored in that order.
    max_value: the largest value a pixel can take. sources: sha256 of each file it was made from.
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
        """D, the number of pixel values of an image."""
        return int(self.train.x.shape[1])

    @property
    def classes(self) -> int:
        """K."""
        return len(self.class_names)


def write_data(path: str | Path, data: ImageData, warnings: Sequence[str] = ()) -> None:
    """Write a dataset and its pixel statistics of the training split; the file appears whole or not at all.

    warnings: what is strange about it, see ``datasets.warnings``; kept so that the page and the check say it too.
    """
    mean, std = pixel_statistics(data.train.x)
    # Attributes over 64 kB, such as the statistics of a large image, need the newer file format.
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
    """sha256 over all that training sees of a dataset: shapes, pixels, labels, K and the largest value."""
    digest = hashlib.sha256(f"{data.classes} {data.max_value}".encode())
    for split in (data.train, data.test):
        digest.update(f" {split.x.shape} ".encode())
        digest.update(np.ascontiguousarray(split.x).data)
        digest.update(np.ascontiguousarray(split.y).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class StoredData:
    """An open dataset. content: its content_sha256. seal: the sha256 of its file's content (``sealed``)."""

    path: Path
    file: h5py.File
    content: str
    seal: str

    def images(self) -> ImageData:
        """All of it."""
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
        """The shape of an image."""
        return tuple(int(n) for n in self.file.attrs["image_shape"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class."""
        return tuple(self.file.attrs["class_names"])

    @property
    def test_labels(self) -> Bytes:
        """The labels of the test split, uint8 (N,)."""
        labels: Bytes = self.file["test/y"][:]
        return labels


@contextmanager
def open_data(path: str | Path, expected_digest: str) -> Iterator[StoredData]:
    """Open a dataset's file, once all of it is known to be as it was written.

    Raises HandgradError if the file is not one that ``write_data`` wrote, was changed since, holds other data
    than expected, or was written by other code than is here.
    """
    with open_sealed(path) as sealed:
        try:
            attrs = sealed.file.attrs
            found = {name: str(attrs[name]) for name in ("data_digest", "code_digest", "content_sha256")}
        except KeyError as error:
            raise HandgradError(
                f"{path}: not a dataset that this workflow wrote ({error.args[0]}); {REMEDY}"
            ) from error
        for name, expected in (
            ("data_digest", expected_digest),
            ("code_digest", code_digest("preprocess_dataset")),
        ):
            if found[name] != expected:
                raise HandgradError(f"{path}: its {name} is {found[name]}, expected {expected}; {REMEDY}")
        yield StoredData(Path(path), sealed.file, found["content_sha256"], sealed.seal)


def pixel_statistics(x: Bytes, rows: Rows | None = None) -> tuple[Array, Array]:
    """Mean and standard deviation (ddof 0) of each pixel over the rows, float64 (D,), in stored units.

    Sums are integers, so the result does not depend on how the rows are cut into blocks.
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
    """Row numbers, ascending, of the training and of the validation examples; the same for every seed."""
    order = generator(0, Purpose.SPLIT).permutation(n)
    end = n if train_size is None else validation_size + train_size
    return np.sort(order[validation_size:end]), np.sort(order[:validation_size])


@dataclass(frozen=True)
class PixelScaling:
    """Stored pixel values x to inputs: factor * (x * scale + shift).

    factor is one number for all pixels, which a product of matrices can take in passing; scale and shift are
    float64 (D,), or None for 1 and 0.
    """

    factor: float
    scale: Array | None = None
    shift: Array | None = None

    @classmethod
    def of(cls, scaling: str, *, x: Bytes, rows: Rows, max_value: int) -> "PixelScaling":
        """``raw``: x; ``unit``: u = x / max_value; ``standardize``: (u - mean) / (std + 0.1) a pixel.

        Mean and standard deviation are those of u over the given (training) rows alone.
        """
        if scaling == "raw":
            return cls(1.0)
        if scaling == "unit":
            return cls(1.0 / max_value)
        mean, std = (statistic / max_value for statistic in pixel_statistics(x, rows))
        return cls(1.0, 1.0 / (max_value * (std + 0.1)), -mean / (std + 0.1))

    def inputs(self, x: Bytes, dtype: DTypeLike) -> Array:
        """X, N x (D+1) with X[:, 0] = 1, from stored pixels (N, D)."""
        X = np.empty((len(x), x.shape[1] + 1), dtype)
        X[:, 0] = 1
        self.astype(dtype).write_unscaled(x, X[:, 1:])
        X[:, 1:] *= self.factor
        return X

    def astype(self, dtype: DTypeLike) -> "PixelScaling":
        """The same with scale and shift of this dtype, as ``write_unscaled`` wants them."""
        if self.scale is None or self.shift is None:
            return self
        return replace(self, scale=self.scale.astype(dtype), shift=self.shift.astype(dtype))

    def write_unscaled(self, x: Bytes, X: Array) -> None:
        """Fill X, N x D, with x * scale + shift: the inputs but for their common factor."""
        if self.scale is None:
            np.copyto(X, x)
        else:
            np.multiply(x, self.scale, out=X)
            X += self.shift


def one_hot(y: Bytes, classes: int, dtype: DTypeLike) -> Array:
    """T, N x K: T[n, y[n]] = 1, all else 0."""
    T = np.zeros((len(y), classes), dtype)
    T[np.arange(len(y)), y] = 1
    return T
