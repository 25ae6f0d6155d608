"""Rows of pixels, or of weights of pixels, as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.data import Bytes, read_content

Array = NDArray[Any]


@dataclass(frozen=True)
class Images:
    """Some images of a dataset: x, uint8 (n, D), the shape of one, and the largest value of a pixel."""

    x: Bytes
    image_shape: tuple[int, ...]
    largest: int


def read_test_images(path: str | Path, rows: Sequence[int], expected_digest: str) -> Images:
    """The images at these rows of a dataset's test split, in this order; no other is read.

    Raises HandgradError as ``data.read_data`` does.
    """
    read_content(path, expected_digest)
    with h5py.File(path, "r", locking=False) as file:
        stored = file["test/x"]
        x = np.empty((len(rows), stored.shape[1]), stored.dtype)
        for place, row in enumerate(rows):
            x[place] = stored[row]
        return Images(x, tuple(int(n) for n in file.attrs["image_shape"]), int(file.attrs["largest"]))


def is_colour(image_shape: Sequence[int]) -> bool:
    """Whether images have three channels, which are then taken for red, green and blue."""
    return len(image_shape) == 3 and image_shape[0] == 3


def as_pictures(values: Array, image_shape: Sequence[int]) -> Array:
    """Rows (n, D), stored in the order of image_shape, as pictures: (n, height, width, 3) if in colour.

    Otherwise (n, height, width); channels other than three stand one below the other.
    """
    if is_colour(image_shape):
        return values.reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return values.reshape(len(values), -1, image_shape[-1])
