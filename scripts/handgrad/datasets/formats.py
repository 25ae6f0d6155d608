"""From the files of a dataset, as its authors published them, to arrays.

``FORMATS`` has a reader for each format; ``FORMAT_ROLES`` in ``registry`` names the files that it needs. A
reader gets the dataset's entry of config/datasets.yaml and its files, of which size and sha256 have been
checked, and gives two splits. Nothing is unpacked to disk and nothing is unpickled.
"""

import gzip
import importlib.util
import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import unreadable
from handgrad.datasets.containers import (
    DAMAGE,
    Mismatch,
    fill,
    gunzip,
    require_room,
    tar_members,
)
from handgrad.datasets.data import Bytes, ImageData, Split
from handgrad.experiment.registry import EMBEDDED, FORMAT_ROLES, data_digest

Entry = Mapping[str, Any]
Paths = Mapping[str, Path]

#: what a CIFAR archive may hold beside its batches: readme, names of classes, files of the user's system
OTHER_MEMBERS = 1 << 24  # bytes
MOST_OF_A_NUMBER = 8  # characters of a value in a table, with its separator


def read_dataset(entry: Entry, paths: Paths, name: str) -> ImageData:
    """Check the files of a dataset against its entry of the registry, and read them.

    Raises HandgradError, one line, when a file is not the one that the registry names, or when what it
    holds is not what the entry says.
    """
    files = entry["files"]
    try:
        for role, path in paths.items():
            _check_file(path, files[role], _remedy(entry, name))
        train, test = FORMATS[entry["format"]](entry, paths)
    except Mismatch as error:
        raise HandgradError(
            f"{error}; its size and sha256 are those of the registry, so correct datasets.{name} there"
        ) from error
    except OSError as error:
        raise unreadable(error, f"the files of {name}") from error
    return ImageData(
        train=train,
        test=test,
        image_shape=tuple(entry["image_shape"]),
        max_value=entry["largest"],
        class_names=tuple(entry["class_names"]),
        sources={files[role]["name"]: files[role]["sha256"] for role in paths},
        digest=data_digest(entry),
    )


def dataset_files(entry: Entry, given: Paths) -> dict[str, Path]:
    """{role: path} of all files: in the user's own folder, given, or brought by an installed package."""
    roles, folder = FORMAT_ROLES[entry["format"]], entry.get("local_dir")
    if folder is not None:
        return {role: Path(folder) / entry["files"][role]["name"] for role in roles}
    if entry["format"] in EMBEDDED:
        given = {**dict.fromkeys(roles, _sklearn_file()), **given}
    return {role: given[role] for role in roles}


def _check_file(path: Path, expected: Mapping[str, Any], remedy: str) -> None:
    size: int | str = path.stat().st_size if path.is_file() else "no file"
    if size != expected["size"]:
        raise HandgradError(f"{path}: found {size}, expected {expected['size']} bytes; {remedy}")
    sha256 = file_sha256(path)
    if sha256 != expected["sha256"]:
        raise HandgradError(f"{path}: sha256 is {sha256}, expected {expected['sha256']}; {remedy}")


def _remedy(entry: Entry, name: str) -> str:
    if entry.get("local_dir") is not None:
        return f"put the right file there, or remove local_dir from datasets.{name}"
    if entry["format"] in EMBEDDED:
        return "it comes with scikit-learn: install the version that environment.yml names"
    return "delete it, and run snakemake again"


def _check_split(images: object, labels: object, split: Split, entry: Entry) -> None:
    """Raise Mismatch if a pixel or a label is larger than the entry allows. images, labels: where they come from."""
    if split.x.max() > entry["largest"]:
        raise Mismatch(images, f"has a pixel of {split.x.max()}", f"0 to {entry['largest']}")
    classes = len(entry["class_names"])
    if split.y.max() >= classes:
        example = int(np.argmax(split.y >= classes))
        raise Mismatch(labels, f"example {example} has label {split.y[example]}", f"0 to {classes - 1}")


# idx: MNIST and the datasets made in its image. A header, big-endian: two zero bytes, the type of a value
# (8: unsigned byte), the number of dimensions, then each dimension as 32 bits. Then the values.


def _read_idx(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    def split(part: str) -> Split:
        images, labels = paths[f"{part}_images"], paths[f"{part}_labels"]
        x = _read_idx_file(images, (entry[part], *entry["image_shape"]))
        found = Split(x.reshape(len(x), -1), _read_idx_file(labels, (entry[part],)))
        _check_split(images, labels, found, entry)
        return found

    return split("train"), split("test")


def _read_idx_file(path: Path, shape: tuple[int, ...]) -> Bytes:
    """The values of a gzipped idx file, uint8, in this shape; reads no more of it than that and a byte."""
    expected = (0x800 + len(shape), *shape)  # 8: unsigned bytes
    try:
        with gzip.open(path) as file:
            header = file.read(4 * len(expected))
            found = struct.unpack(f">{len(header) // 4}I", header[: len(header) // 4 * 4])
            if found != expected:
                raise Mismatch(path, f"begins with the numbers {found}", f"{expected}, as idx files of {_times(shape)}")
            require_room(path, math.prod(shape))
            values = np.empty(shape, np.uint8)
            filled = fill(file, values)
            excess = file.read(1)  # at the end of the file this verifies gzip's checksum
    except DAMAGE as error:
        raise Mismatch(path, f"broken gzip ({error})", "a whole gzip file") from error
    if filled < values.size or excess:
        raise Mismatch(path, f"{'goes on' if excess else 'ends'} after {filled} values", f"{values.size}")
    return values


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)


# cifar-binary: a tar.gz with five training files and one test file; a record is a label and 3,072 values.

CIFAR_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
CIFAR_TEST = "cifar-10-batches-bin/test_batch.bin"
CIFAR_PIXELS = 3 * 32 * 32


def _read_cifar(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    archive, shape = paths["archive"], tuple(entry["image_shape"])
    if math.prod(shape) != CIFAR_PIXELS:
        raise Mismatch(archive, f"a CIFAR image has {CIFAR_PIXELS} values", f"{_times(shape)} (image_shape)")
    if entry["train"] % len(CIFAR_TRAIN):
        raise Mismatch(archive, "five training files of equal length", f"{entry['train']} examples (train)")
    train, test = (_empty_cifar(archive, entry[part]) for part in ("train", "test"))
    parts = {CIFAR_TEST: test}
    for number, name in enumerate(CIFAR_TRAIN):  # in the order of batch number, whatever the archive's
        size = len(train.y) // len(CIFAR_TRAIN)
        rows = slice(number * size, (number + 1) * size)
        parts[name] = Split(train.x[rows], train.y[rows])
    _read_cifar_members(archive, parts)
    for name, part in parts.items():
        _check_split(f"{archive}: {name}", f"{archive}: {name}", part, entry)
    return train, test


def _empty_cifar(archive: Path, n: int) -> Split:
    require_room(archive, n * (1 + CIFAR_PIXELS))
    return Split(np.empty((n, CIFAR_PIXELS), np.uint8), np.empty(n, np.uint8))


def _read_cifar_members(archive: Path, parts: Mapping[str, Split]) -> None:
    """Fill the parts from the archive, in one pass: going back would decompress it again from its start."""
    missing = list(parts)
    most = sum(len(part.y) for part in parts.values()) * (1 + CIFAR_PIXELS) + OTHER_MEMBERS
    with tar_members(archive, most) as members:
        for member in members:
            if member.name not in parts:
                continue
            if member.name not in missing:
                raise Mismatch(f"{archive}: {member.name}", "occurs twice", "one member of this name")
            missing.remove(member.name)
            part = parts[member.name]
            records = np.empty((len(part.y), 1 + CIFAR_PIXELS), np.uint8)
            if not member.isreg() or member.size != records.size:
                found = f"{member.size} bytes" if member.isreg() else "a link or a folder"
                raise Mismatch(f"{archive}: {member.name}", found, f"{records.size} ({len(records)} records)")
            members.fill(records)
            part.y[:], part.x[:] = records[:, 0], records[:, 1:]
    if missing:
        raise Mismatch(archive, f"no member {missing[0]}", "one")


# sklearn-digits: a gzipped CSV without a header; a row is the 64 values of an image and its label.


def _read_digits(entry: Entry, paths: Paths) -> tuple[Split, Split]:
    path, train, test = paths["table"], entry["train"], entry["test"]
    shape = (train + test, math.prod(entry["image_shape"]) + 1)
    require_room(path, 2 * math.prod(shape))  # characters: a digit and a separator
    try:
        lines = gunzip(path, math.prod(shape) * MOST_OF_A_NUMBER).decode().splitlines()
        # a row more than is wanted shows that there is one more
        table = np.loadtxt(lines, np.uint8, delimiter=",", ndmin=2, max_rows=shape[0] + 1)
    except (*DAMAGE, ValueError) as error:
        raise Mismatch(path, f"not a table of small integers ({error})", "a gzipped CSV") from error
    if table.shape != shape:
        found = _times(table.shape) if len(table) <= shape[0] else f"more than {shape[0]} rows"
        raise Mismatch(path, f"holds {found}", _times(shape))
    _check_split(path, path, Split(table[:, :-1], table[:, -1]), entry)
    first, last = (Split(rows[:, :-1].copy(), rows[:, -1].copy()) for rows in (table[:train], table[train:]))
    return first, last


def _sklearn_file() -> Path:
    """The file that scikit-learn brings, found without importing scikit-learn, which takes a second."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise HandgradError("scikit-learn, which brings the digits: not installed; install environment.yml")
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"


#: the reader of each format of FORMAT_ROLES: (entry, {role: path}) to (train, test); raises Mismatch
FORMATS: dict[str, Callable[[Entry, Paths], tuple[Split, Split]]] = {
    "idx": _read_idx,
    "cifar-binary": _read_cifar,
    "sklearn-digits": _read_digits,
}
