"""Read the published files of a dataset into arrays.

``FORMATS`` has a reader for each format. ``FORMAT_ROLES`` in ``registry`` names the files that a format needs. A reader
gets the entry of the dataset in config/datasets.yaml, and its files with verified size and sha256. It returns the
training and the test split. Nothing is unpacked to disk, and nothing is unpickled.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import unreadable
from handgrad.datasets.containers import Mismatch, read_content, read_members
from handgrad.datasets.data import Bytes, ImageData, Split
from handgrad.datasets.source_files import source_files
from handgrad.experiment.registry import data_digest

Entry = Mapping[str, Any]
Paths = Mapping[str, Path]

MOST_OF_A_NUMBER = 8  # the largest number of characters of a value in a table, with its separator


def read_dataset(entry: Entry, given: Paths, name: str) -> ImageData:
    """Verify the files of a dataset with its registry entry, and read them. given: see ``source_files``.

    Raises HandgradError, one line, if the size, the sha256 or the content of a file does not match the entry.
    """
    try:
        paths = source_files(entry, given, name)
        train, test = FORMATS[entry["format"]](entry, paths)
        for part, split in (("training", train), ("test", test)):
            _check_split(f"{name}: {part} example", split, entry)
    except Mismatch as error:
        raise HandgradError(
            f"{error}; its size and sha256 match the registry, so correct the entry datasets.{name}"
        ) from error
    except OSError as error:
        raise unreadable(error, f"the files of {name}") from error
    return ImageData(
        train=train,
        test=test,
        image_shape=tuple(entry["image_shape"]),
        max_value=entry["largest"],
        class_names=tuple(entry["class_names"]),
        sources={entry["files"][role]["name"]: entry["files"][role]["sha256"] for role in paths},
        digest=data_digest(entry),
    )


def _check_split(where: str, split: Split, entry: Entry) -> None:
    """Raise Mismatch if a pixel or a label exceeds the largest value in the entry."""
    pixels, labels = entry["largest"], len(entry["class_names"]) - 1
    for kind, values, most in (("a pixel of", split.x.max(axis=1), pixels), ("the label", split.y, labels)):
        if values.max() > most:
            example = int(np.argmax(values > most))
            raise Mismatch(f"{where} {example}", f"{kind} {values[example]}", f"0 to {most}")


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)


# idx: the format of MNIST and of similar datasets. The header is big-endian: two zero bytes, the type of a value
# (8: unsigned byte), the number of dimensions, then each dimension in 32 bits. The values follow.


def _read_idx(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    def split(part: str) -> Split:
        n = entry[part]
        x = _read_idx_file(paths[f"{part}_images"], (n, *entry["image_shape"]))
        return Split(x.reshape(n, -1), _read_idx_file(paths[f"{part}_labels"], (n,)))

    return split("train"), split("test")


def _read_idx_file(path: Path, shape: tuple[int, ...]) -> Bytes:
    """Return the values of an idx file, uint8, in this shape. At most one byte more is read."""
    expected = (0x800 + len(shape), *shape)  # 8: unsigned bytes
    start, size = 4 * len(expected), math.prod(shape)
    content = read_content(path, start + size + 1)
    header = content[:start].tobytes()
    found = struct.unpack(f">{len(header) // 4}I", header[: len(header) // 4 * 4])
    if found != expected:
        raise Mismatch(path, f"its header is {found}", f"{expected} for an idx file of {_times(shape)} values")
    values = content[start:]
    if len(values) != size:
        raise Mismatch(path, f"more than {size} values" if len(values) > size else f"{len(values)} values", f"{size}")
    return values.reshape(shape)


# cifar-binary: a tar.gz with five training files and one test file. A record is a label and 3,072 values.

CIFAR_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
CIFAR_TEST = "cifar-10-batches-bin/test_batch.bin"
CIFAR_PIXELS = 3 * 32 * 32


def _read_cifar(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    archive, shape = paths["archive"], tuple(entry["image_shape"])
    if math.prod(shape) != CIFAR_PIXELS:
        raise Mismatch(archive, f"image_shape is {_times(shape)}", f"{CIFAR_PIXELS} values, as in CIFAR-10")
    if entry["train"] % len(CIFAR_TRAIN):
        raise Mismatch(archive, f"train is {entry['train']} examples", "a multiple of 5, for five equal training files")
    examples = {**dict.fromkeys(CIFAR_TRAIN, entry["train"] // len(CIFAR_TRAIN)), CIFAR_TEST: entry["test"]}
    members = read_members(archive, {name: n * (1 + CIFAR_PIXELS) for name, n in examples.items()})

    def split(names: Sequence[str]) -> Split:
        records = [np.frombuffer(members[name], np.uint8).reshape(-1, 1 + CIFAR_PIXELS) for name in names]
        return Split(
            np.concatenate([part[:, 1:] for part in records]), np.concatenate([part[:, 0] for part in records])
        )

    return split(CIFAR_TRAIN), split([CIFAR_TEST])


# sklearn-digits: a gzipped CSV file without a header. A row has the 64 values of an image and its label.


def _read_digits(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    path, shape = paths["table"], (entry["train"] + entry["test"], math.prod(entry["image_shape"]) + 1)
    content = read_content(path, MOST_OF_A_NUMBER * math.prod(shape))
    try:
        lines = content.tobytes().decode().splitlines()
        # one additional row shows that the table is too long
        table = np.loadtxt(lines, np.uint8, delimiter=",", ndmin=2, max_rows=shape[0] + 1)
    except ValueError as error:
        raise Mismatch(path, f"not a table of small integers ({error})", "a CSV file, gzipped or not") from error
    if table.shape != shape:
        found = _times(table.shape) if len(table) <= shape[0] else f"more than {shape[0]} rows"
        raise Mismatch(path, f"holds {found}", _times(shape))
    train, test = (Split(rows[:, :-1].copy(), rows[:, -1].copy()) for rows in np.split(table, [entry["train"]]))
    return train, test


#: the reader of each format: it maps (entry, {role: path}) to (train, test), and raises Mismatch
FORMATS: dict[str, Callable[[Entry, Paths], tuple[Split, Split]]] = {
    "idx": _read_idx,
    "cifar-binary": _read_cifar,
    "sklearn-digits": _read_digits,
}
