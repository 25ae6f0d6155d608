"""Convert rows of pixels, or of the weights of pixels, to pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.datasets.data import StoredData
from handgrad.datasets.inputs import Array


@dataclass(frozen=True)
class Images:
    """Images of a dataset. x: uint8 or float32 (n, D). max_value: the largest possible pixel; None for float32."""

    x: Array
    image_shape: tuple[int, ...]
    max_value: int | None


def images_at(stored: StoredData, rows: Sequence[int]) -> Images:
    """Return the images at these rows of the test split, in this order. No other images are read.

    Raises HandgradError if the inputs are not images.
    """
    spec = stored.spec
    if spec.image_shape is None:
        raise HandgradError(f"{stored.path}: found features, expected images; this figure needs a dataset of images")
    pixels = stored.file["test/x"]
    x = np.empty((len(rows), pixels.shape[1]), pixels.dtype)
    for place, row in enumerate(rows):
        x[place] = pixels[row]
    return Images(x, spec.image_shape, spec.max_value)


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


def display_values(images: Images) -> tuple[Array, float]:
    """Return the values (n, D) to display, where 0 is black, and the value of white.

    Pixels are returned unchanged. Each floating-point image is scaled by its own minimum and maximum.
    """
    if images.max_value is not None:
        return images.x, images.max_value
    low, high = images.x.min(axis=1, keepdims=True), images.x.max(axis=1, keepdims=True)
    return (images.x - low) / np.where(high > low, high - low, 1), 1.0
