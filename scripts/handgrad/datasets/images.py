"""Rows of pixels, or of weights of pixels, as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.datasets.data import Bytes, StoredData

Array = NDArray[Any]


@dataclass(frozen=True)
class Images:
    """Some images of a dataset: x, uint8 (n, D), the shape of one, and the largest value of a pixel."""

    x: Bytes
    image_shape: tuple[int, ...]
    max_value: int


def images_at(stored: StoredData, rows: Sequence[int]) -> Images:
    """The images at these rows of a dataset's test split, in this order; no other is read."""
    pixels = stored.file["test/x"]
    x = np.empty((len(rows), pixels.shape[1]), pixels.dtype)
    for place, row in enumerate(rows):
        x[place] = pixels[row]
    return Images(x, stored.image_shape, int(stored.file.attrs["largest"]))


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
