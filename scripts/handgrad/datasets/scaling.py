"""Convert stored inputs x to the inputs X of the network."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from handgrad.datasets.inputs import Array, Rows

ARRAYS = ("scale", "shift", "center")  # the arrays of a Scaling
STATISTICS_BLOCK = 512  # rows; limits temporary memory to a few tens of MB


@dataclass(frozen=True)
class Scaling:
    """The conversion of stored values x to inputs: factor * ((x - center) * scale + shift).

    Pixels have scale and shift; features have center and scale, so that the difference of two close numbers is exact.
    factor: one number for all inputs, so that a matrix product can apply it at no cost. center, scale, shift: float64
    (D,), or None for 0, 1 and 0. stored: the dtype of x.
    """

    factor: float
    scale: Array | None = None
    shift: Array | None = None
    center: Array | None = None
    stored: DTypeLike = np.uint8

    @classmethod
    def of(cls, name: str, *, x: Array, rows: Rows, max_value: int | None) -> "Scaling":
        """Return a scaling by its name. All statistics are computed from the given (training) rows only.

        ``raw``: x. For uint8 pixels, ``unit``: u = x / max_value, and ``standardize``: (u - mean) / (std + 0.1) for
        each pixel. For float32 features, ``unit``: (x - min) / (max - min), and ``standardize``: (x - mean) / std. A
        feature that is constant in these rows is scaled to 0 in all rows.
        """
        if name == "raw":
            return cls(1.0, stored=x.dtype)
        if x.dtype != np.uint8:
            return _of_features(name, x, rows)
        if max_value is None:
            raise ValueError("max_value: found None, expected the largest possible pixel")
        if name == "unit":
            return cls(1.0 / max_value)
        mean, std = (statistic / max_value for statistic in input_statistics(x, rows))
        return cls(1.0, 1.0 / (max_value * (std + 0.1)), -mean / (std + 0.1))

    def inputs(self, x: Array, dtype: DTypeLike) -> Array:
        """Return X, N x (D+1) with X[:, 0] = 1, from stored values (N, D)."""
        X = np.empty((len(x), x.shape[1] + 1), dtype)
        X[:, 0] = 1
        self.astype(dtype).write_unscaled(x, X[:, 1:])
        X[:, 1:] *= self.factor
        return X

    def astype(self, dtype: DTypeLike) -> "Scaling":
        """Return the same scaling with its arrays in this dtype, as ``write_unscaled`` needs them."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return replace(self, **{name: array.astype(dtype) for name, array in arrays.items() if array is not None})

    def write_unscaled(self, x: Array, X: Array) -> None:
        """Overwrite X, N x D, with (x - center) * scale + shift, the inputs without the common factor."""
        if self.scale is None:
            np.copyto(X, x)
        elif self.center is not None:
            np.subtract(x, self.center, out=X)
            X *= self.scale
        else:
            np.multiply(x, self.scale, out=X)
            X += self.shift

    def absolute_terms(self, x: Array) -> Array:
        """Return the inputs of stored values with all terms positive, float64 N x (D+1), to bound rounding errors."""
        shift = None if self.shift is None else np.abs(self.shift)
        center = None if self.center is None else -np.abs(self.center)
        return replace(self, shift=shift, center=center).inputs(np.abs(x), np.float64)


def _of_features(name: str, x: Array, rows: Rows) -> Scaling:
    low, high = x[rows[0]].astype(np.float64), x[rows[0]].astype(np.float64)
    for block in _blocks(x, rows):
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
    mean, std = (low, high - low) if name == "unit" else input_statistics(x, rows)
    varies = high > low
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=varies)
    return Scaling(1.0, scale=scale, center=mean, stored=x.dtype)


def input_statistics(x: Array, rows: Rows | None = None) -> tuple[Array, Array]:
    """Return the mean and the standard deviation (ddof 0) of each input over the rows, float64 (D,), in stored units.

    Sums of pixels are integers, so their result does not depend on the size of the blocks.
    """
    pixels = x.dtype == np.uint8
    n = len(x) if rows is None else len(rows)
    total = np.zeros(x.shape[1], np.int64 if pixels else np.float64)
    squares = np.zeros_like(total)
    for block in _blocks(x, rows):
        total += block.sum(axis=0, dtype=total.dtype)
    mean = total / n
    for block in _blocks(x, rows):
        centered = block.astype(np.int64) if pixels else block - mean
        squares += (centered * centered).sum(axis=0)
    return mean, np.sqrt(np.maximum(squares / n - mean * mean, 0) if pixels else squares / n)


def _blocks(x: Array, rows: Rows | None) -> Iterator[Array]:
    n = len(x) if rows is None else len(rows)
    for start in range(0, n, STATISTICS_BLOCK):
        chosen = slice(start, start + STATISTICS_BLOCK)
        yield x[chosen] if rows is None else x[rows[chosen]]
