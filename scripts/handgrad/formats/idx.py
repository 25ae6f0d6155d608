"""Read idx files, the format of MNIST and of similar datasets.

The header is big-endian: two zero bytes, the type of a value (8: unsigned byte), the number of dimensions, then each
dimension in 32 bits. The values follow.
"""

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Array, Bytes, InputSpec
from handgrad.formats.array_files import Named
from handgrad.formats.array_values import stored_inputs
from handgrad.formats.containers import Mismatch, read_content
from handgrad.formats.found import Entry, Found, Paths

#: the types of values, by their number in the header
TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_CLASSES = 256


def read(entry: Entry, paths: Paths) -> Found:
    """Read images and labels; see ``found.Reader``. Raises Mismatch."""
    parts = ("train", "test") if "test_images" in paths else ("train",)
    shape, turned = entry["image_shape"], bool(entry["transpose"])
    in_file = shape if shape is None or not turned else [*shape[:-2], shape[-1], shape[-2]]
    images, labels = [], []
    for part in parts:
        of_images, of_labels = paths[f"{part}_images"], paths[f"{part}_labels"]
        values = _read_idx_file(of_images, _examples(entry, part, parts), in_file)
        images.append(Named(f"{of_images}", np.swapaxes(values, -1, -2) if turned else values))
        labels.append(Named(f"{of_labels}", _read_idx_file(of_labels, len(values), ())))
    first, last = images[0].values.shape[1:], images[-1].values.shape[1:]
    if first != last:
        raise Mismatch(images[-1].where, f"images of {_times(last)}", f"{_times(first)}, as in training")
    x, max_value = stored_inputs(images, images=True, largest=entry["largest"])
    rows = [np.ascontiguousarray(values.reshape(len(values), -1)) for values in x]
    splits = [Split(*part) for part in zip(rows, _class_numbers(labels, entry), strict=True)]
    spec = InputSpec(image_shape=first, max_value=max_value)
    return Found(train=splits[0], test=splits[1] if len(splits) > 1 else None, spec=spec)


def _examples(entry: Entry, part: str, parts: Sequence[str]) -> int | None:
    """Return the number of examples in the files of a split. None: not known. Without test files, train has both."""
    train, test = entry["train"], entry["test"]
    if len(parts) == 1:
        return train + test if isinstance(train, int) and isinstance(test, int) else None
    return entry[part] if isinstance(entry[part], int) else None


def _read_idx_file(path: Path, n: int | None, shape: Sequence[int] | None) -> Array:
    """Return the values of an idx file. At most one byte more than expected is read.

    n, shape: the expected number of items, and the expected shape of an item; None: the header decides.
    """
    start = read_content(path, 4).tobytes()
    kind, dimensions = (start[2], start[3]) if len(start) == 4 and start[:2] == b"\0\0" else (0, 0)
    if kind not in TYPES or not dimensions:
        raise Mismatch(path, f"its header is {start!r}", "an idx file of numbers, which begins with two zero bytes")
    header = read_content(path, 4 + 4 * dimensions).tobytes()
    size = struct.unpack(f">{len(header) // 4 - 1}I", header[4 : len(header) // 4 * 4])
    expected = (size[:1] if n is None else (n,)) + (size[1:] if shape is None else tuple(shape))
    dtype = np.dtype(TYPES[kind])
    if size != expected or len(size) != dimensions or not math.prod(size):
        raise Mismatch(path, f"its header is {_times(size)} values", f"{_times(expected)}")
    nbytes = math.prod(size) * dtype.itemsize
    values = read_content(path, len(header) + nbytes + 1)[len(header) :]
    if len(values) != nbytes:
        found = f"more than {nbytes} bytes" if len(values) > nbytes else f"{len(values)} bytes"
        raise Mismatch(path, f"{found} of values", f"{nbytes} for {_times(size)} values of type {dtype.name}")
    return values.view(dtype).reshape(size)


def _class_numbers(labels: Sequence[Named], entry: Entry) -> list[Bytes]:
    """Return labels minus label_offset, uint8. Raises Mismatch if the first class has another number."""
    values = np.concatenate([part.values for part in labels])
    low, high, names = values.min(), values.max(), entry["class_names"]
    if entry["label_offset"] is None and low > 0 and (names is None or high >= len(names)):
        remedy = f"label_offset: {low} (or 0); images of EMNIST also need transpose: true"
        raise Mismatch(labels[0].where, f"labels from {low} to {high}", f"labels from 0; or set {remedy}")
    offset = entry["label_offset"] or 0
    for part in labels:
        unfit = ~((part.values >= offset) & (part.values < offset + MOST_CLASSES))
        if unfit.any() or part.values.dtype.kind == "f":
            row = int(np.argmax(unfit))
            expected = f"integers from {offset} to {offset + MOST_CLASSES - 1} (label_offset: {offset})"
            raise Mismatch(f"{part.where}: index [{row}]", f"the label {part.values[row]}", expected)
    return [(part.values.astype(np.int64) - offset).astype(np.uint8) for part in labels]


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape) or "no"
