"""Results of a gradient check: numbers that were computed in two ways, and their largest difference."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

#: parts of the check of a block, the most informative first, with their titles in tables and messages
PARTS = {
    "complex": "complex step",
    "central": "central differences",
    "directions": "random directions",
    "samples": "sampled entries",
    "step": "training's step",
    "momentum": "training's step with momentum",
}


@dataclass(frozen=True)
class Comparison:
    """Numbers of one kind and dtype, computed in two ways. The values are those of the worst entry.

    - what: a block of the gradient, or a kind of number that training computes.
    - fault: the code that is wrong if the numbers differ, a key of ``report.FAULTS``; for a block a key of PARTS.
    - count: number of compared entries.
    - max_rel_difference: difference relative to the block's largest gradient, or to the bound of rounding errors.
    - limit: largest relative difference that passes.
    - worst_entry: row and column of the worst entry; None if the array is not a matrix.
    - where: description of the worst entry.
    - analytic: value from the formulas of ``model``; for sampled entries, value from the shortcut of
      ``numeric_gradients``.
    - numeric: the other value, which analytic is compared with.
    """

    what: str
    dtype: str
    fault: str
    count: int
    max_abs_difference: float
    max_rel_difference: float
    limit: float
    worst_entry: tuple[int, ...] | None
    where: str
    analytic: float
    numeric: float

    @property
    def passed(self) -> bool:
        """True if the largest relative difference is within the limit."""
        return self.max_rel_difference <= self.limit

    @property
    def title(self) -> str:
        """Name of what was compared, for tables and messages."""
        return f"{self.what}, {PARTS[self.fault]}" if self.fault in PARTS else self.what


@dataclass(frozen=True)
class Block:
    """The check of W1 or W2. parts: comparisons by the keys of PARTS, without "complex" if h has no complex form."""

    shape: tuple[int, int]
    entries: int
    largest_gradient: float
    parts: dict[str, Comparison]


@dataclass(frozen=True)
class CheckReport:
    """A complete check.

    - seconds_central, seconds_complex: time for both blocks; None without a complex form.
    - plain_seconds_an_entry: time of one entry without the shortcut.
    - training: comparisons of the code that training executes, by kind and dtype.
    """

    seconds_central: float
    seconds_complex: float | None
    plain_seconds_an_entry: float
    blocks: dict[str, Block]
    training: tuple[Comparison, ...] = ()

    def comparisons(self) -> list[Comparison]:
        """Return all comparisons, the most informative first."""
        blocks = self.blocks.values()
        return [*(b.parts[part] for part in PARTS for b in blocks if part in b.parts), *self.training]

    def failures(self) -> list[Comparison]:
        """Return the comparisons that did not pass, the most informative first."""
        return [comparison for comparison in self.comparisons() if not comparison.passed]

    @property
    def passed(self) -> bool:
        """True if every comparison is within its limit."""
        return not self.failures()


def compare(
    what: str,
    fault: str,
    analytic: Any,
    numeric: Any,
    *,
    scale: Any,
    limit: float = 1.0,
    dtype: str = "float64",
    where: Callable[[tuple[int, ...]], str] = lambda at: str(list(at)) if at else "",
) -> Comparison:
    """Compare arrays of the same shape.

    - scale: a number, or an array with one number for each entry. Differences are relative to it. With a scale of 0,
      only equal numbers pass.
    - where: returns the description of an entry.

    Infinities and nans never pass.
    """
    analytic, numeric, scale = np.float64(analytic), np.float64(numeric), np.float64(scale)
    difference = np.abs(numeric - analytic)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / scale)
    worst = relative if np.isfinite(difference).all() else difference
    at = tuple(int(i) for i in np.unravel_index(worst.argmax(), worst.shape))  # the first nan, if any
    finite = np.isfinite(relative[at]) and np.isfinite(scale).all()
    return Comparison(
        what,
        dtype,
        fault,
        count=relative.size,
        max_abs_difference=float(difference[at]),
        max_rel_difference=float(relative[at]) if finite else np.inf,
        limit=limit,
        worst_entry=at if len(at) == 2 else None,
        where=where(at),
        analytic=float(analytic[at]),
        numeric=float(numeric[at]),
    )


def worst_of(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """Return the worst comparison of each kind and dtype. Its count is the sum of their counts."""
    worst: dict[tuple[str, str], Comparison] = {}
    for found in comparisons:
        known = worst.get((found.what, found.dtype))
        count = found.count + (known.count if known else 0)
        worse = known if known and known.max_rel_difference >= found.max_rel_difference else found
        worst[found.what, found.dtype] = replace(worse, count=count)
    return tuple(worst.values())
