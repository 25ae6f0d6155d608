"""Dataset files in HDF5.

``results/data/<dataset>.h5`` holds train/x and test/x, uint8 pixels or float32 features (N, D), and train/y and test/y,
uint8 (N,). If the test split was drawn, train/rows and test/rows hold the row numbers in the source files. Pixels are
uint8 in memory too. Only the pixels of one batch at a time are converted to floating point.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.randomness import Purpose, generator
from handgrad.common.sealed import open_sealed, sealed_file
from handgrad.datasets.inputs import Array, Bytes, InputSpec, Rows
from handgrad.datasets.scaling import input_statistics


@dataclass(frozen=True)
class Split:
    """Examples: inputs x, uint8 pixels or float32 features (N, D), and labels y, uint8 (N,).

    rows: their row numbers in the source files, if the split was drawn.
    """

    x: Array
    y: Bytes
    rows: Rows | None = None


@dataclass(frozen=True)
class Dataset:
    """A training and a test split, and the facts that are needed to scale and display inputs.

    sources: the sha256 of each source file, by its name. digest: identifies the data; see ``registry.data_digest``.
    notes: what a reader found unusual in the files.
    """

    train: Split
    test: Split
    spec: InputSpec
    class_names: tuple[str, ...]
    sources: dict[str, str]
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> int:
        """Return D, the number of inputs of an example."""
        return int(self.train.x.shape[1])

    @property
    def classes(self) -> int:
        """Return K, the number of classes."""
        return len(self.class_names)


def write_data(path: str | Path, data: Dataset, warnings: Sequence[str] = ()) -> None:
    """Write a dataset and the statistics of its training inputs in one step.

    warnings: see ``datasets.warnings``; stored so that the page and ``handgrad check`` can show them.
    """
    mean, std = input_statistics(data.train.x)
    # Attributes over 64 kB need the newer file format, for example the statistics of large images.
    with sealed_file(path, libver="v110") as file:
        for name, split in (("train", data.train), ("test", data.test)):
            group = file.create_group(name)
            group.create_dataset("x", data=split.x)
            group.create_dataset("y", data=split.y)
            if split.rows is not None:
                group.create_dataset("rows", data=split.rows)
        file.attrs["input_spec"] = data.spec.to_json()
        file.attrs["class_names"] = list(data.class_names)
        file.attrs["source_files"] = list(data.sources)
        file.attrs["source_sha256"] = list(data.sources.values())
        file.attrs["input_mean"] = mean
        file.attrs["input_std"] = std
        file.attrs["warnings"] = [*data.notes, *warnings]
        file.attrs["data_digest"] = data.digest
        file.attrs["content_sha256"] = content_of(data)
        file.attrs["code_digest"] = code_digest("preprocess_dataset")


def content_of(data: Dataset) -> str:
    """Return the sha256 of all data that training uses: shapes, inputs, labels, K and the largest possible pixel."""
    digest = hashlib.sha256(f"{data.classes} {data.spec.max_value}".encode())
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

    def dataset(self) -> Dataset:
        """Return the whole dataset."""
        attrs = self.file.attrs
        return Dataset(
            train=self._split("train"),
            test=self._split("test"),
            spec=self.spec,
            class_names=self.class_names,
            sources=dict(zip(attrs["source_files"], attrs["source_sha256"], strict=True)),
            digest=attrs["data_digest"],
        )

    def _split(self, name: str) -> Split:
        return Split(self.file[name]["x"][:], self.file[name]["y"][:])

    @property
    def spec(self) -> InputSpec:
        """Return the meaning of the inputs."""
        return InputSpec.from_json(self.file.attrs["input_spec"])

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


def split_rows(n: int, *, train_size: int | None, validation_size: int) -> tuple[Rows, Rows]:
    """Return the ascending row numbers of the training and the validation examples. They do not depend on the seed."""
    order = generator(0, Purpose.SPLIT).permutation(n)
    end = n if train_size is None else validation_size + train_size
    return np.sort(order[validation_size:end]), np.sort(order[:validation_size])


def one_hot(y: Bytes, classes: int, dtype: DTypeLike) -> Array:
    """Return T, N x K, with T[n, y[n]] = 1 and zeros elsewhere."""
    T = np.zeros((len(y), classes), dtype)
    T[np.arange(len(y)), y] = 1
    return T
