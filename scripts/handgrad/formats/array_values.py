"""Convert arrays of any type to stored inputs: uint8 pixels, or float32."""

from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.datasets.inputs import Array
from handgrad.datasets.scaling import STATISTICS_BLOCK, input_statistics
from handgrad.formats.array_files import Named
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import EXACT, MOST_ROUNDING

LARGEST_PIXEL = 255


def stored_inputs(arrays: Sequence[Named], *, images: bool, largest: int | None) -> tuple[list[Array], int | None]:
    """Return arrays (N, ...) as stored inputs of the same shape, and the largest possible pixel, or None for float32.

    arrays: the training inputs, and the test inputs if there are some. Integers from 0 to 255 that are images become
    uint8, all other numbers float32. The largest pixel is ``largest``; for booleans, it is 1. Raises Mismatch if a
    value is not finite, or if float32 cannot represent the training inputs.
    """
    for array in arrays:
        if array.values.dtype.kind not in "biuf":
            raise Mismatch(array.where, f"the type {array.values.dtype}", "numbers, such as uint8 or float32")
    if images and all(map(_holds_pixels, arrays)):
        booleans = all(array.values.dtype.kind == "b" for array in arrays)
        return [array.values.astype(np.uint8, copy=False) for array in arrays], 1 if booleans else largest
    kinds = {array.values.dtype.kind == "f" for array in arrays}
    if len(kinds) > 1:
        types = " and ".join(str(array.values.dtype) for array in arrays)
        raise Mismatch(arrays[-1].where, f"the types {types} in training and test", "the same type")
    return _as_float32(arrays), None


def _holds_pixels(array: Named) -> bool:
    values = array.values
    if values.dtype.kind == "f":
        return False
    return values.dtype in (bool, np.uint8) or bool(values.min() >= 0 and values.max() <= LARGEST_PIXEL)


def _as_float32(arrays: Sequence[Named]) -> list[Array]:
    for array in arrays:
        if array.values.dtype.kind == "f":
            _require_finite(array)
        elif array.values.dtype.kind in "iu" and max(-int(array.values.min()), int(array.values.max())) >= EXACT:
            raise Mismatch(array.where, "integers that float64 rounds", f"less than {EXACT}; subtract an offset")
    if not all(np.can_cast(array.values.dtype, np.float32) for array in arrays):
        train = arrays[0].values.reshape(len(arrays[0].values), -1)
        constant = train.min(axis=0) == train.max(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.where(constant, np.inf, MOST_ROUNDING * input_statistics(train)[1])
        for array in arrays:
            _require_float32(array, most)
    return [array.values.astype(np.float32, copy=False) for array in arrays]


def _require_finite(array: Named) -> None:
    for start, block in _blocks(array):
        unfit = ~np.isfinite(block)
        if unfit.any():
            place, value = _first(array, start, unfit)
            raise Mismatch(place, f"{value}", "a finite number; remove the example, or replace the value")


def _require_float32(array: Named, most: Array) -> None:
    """Raise Mismatch if float32 changes an input by more than ``most``, (D,).

    float32 has about seven digits, so a large offset, as of a time in seconds, hides small differences.
    """
    for start, block in _blocks(array):
        with np.errstate(over="ignore"):
            error = np.abs(block.astype(np.float32) - block.astype(np.float64))
        if (unfit := np.isinf(error)).any():
            place, value = _first(array, start, unfit)
            raise Mismatch(place, f"{value}, which is too large for float32", "less than 3e38; divide the values")
        if (unfit := error > most).any():
            place, value = _first(array, start, unfit)
            fine = f"an error of at most {MOST_ROUNDING} of the standard deviation of the input; subtract an offset"
            raise Mismatch(place, f"{value}, which float32 rounds by {error[unfit][0]:.2g}", fine)


def _blocks(array: Named) -> Iterator[tuple[int, Array]]:
    """Yield blocks of examples (n, D), each with the number of its first example."""
    for start in range(0, len(array.values), STATISTICS_BLOCK):
        block = array.values[start : start + STATISTICS_BLOCK]
        yield start, block.reshape(len(block), -1)


def _first(array: Named, start: int, unfit: Array) -> tuple[str, object]:
    """Return the place, ``x_train: index [3, 0, 5]``, and the value of the first input of a block that is unfit."""
    row, column = divmod(int(np.argmax(unfit)), unfit.shape[1])
    place = [start + row, *map(int, np.unravel_index(column, array.values.shape[1:]))]
    return f"{array.where}: index {place}", array.values[tuple(place)]
