"""Convert rows of pixels, or of the weights of pixels, to pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.datasets.data import Bytes, StoredData

Array = NDArray[Any]


@dataclass(frozen=True)
class Images:
    """Images of a dataset. x: uint8 (n, D). max_value: the largest possible value of a pixel."""

    x: Bytes
    image_shape: tuple[int, ...]
    max_value: int


def images_at(stored: StoredData, rows: Sequence[int]) -> Images:
    """Return the images at these rows of the test split, in this order. No other images are read."""
    pixels = stored.file["test/x"]
    x = np.empty((len(rows), pixels.shape[1]), pixels.dtype)
    for place, row in enumerate(rows):
        x[place] = pixels[row]
    return Images(x, stored.image_shape, int(stored.file.attrs["largest"]))


def is_colour(image_shape: Sequence[int]) -> bool:
    """Return whether images have three channels. They are then displayed as red, green and blue."""
    return len(image_shape) == 3 and image_shape[0] == 3


def as_pictures(values: Array, image_shape: Sequence[int]) -> Array:
    """Return rows (n, D), stored in the order of image_shape, as pictures.

    The shape is (n, height, width, 3) with three channels. Otherwise it is (n, height, width), with the channels of an
    image one below the other.
    """
    if is_colour(image_shape):
        return values.reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return values.reshape(len(values), -1, image_shape[-1])
