"""What a gradient check finds: numbers that are computed in two ways, where they differ most."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

#: each part of a block's check, the most telling first: what it is called in tables and messages
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
    """Numbers of one kind and dtype that are computed in two ways, at the entry where they differ most.

    what: a block of the gradient, or a kind of number that training computes. fault: which code is wrong if they
    differ (a key of ``report.FAULTS``; one of PARTS for a block). count: of all numbers compared. analytic: the value
    by the formulas of ``model`` (for sampled entries: by the shortcut), numeric: the value compared with it.
    max_rel_difference: relative to the block's largest gradient or to what rounding may change. limit: the largest
    one that passes. worst_entry: where that is, in a matrix.
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
        """Whether the limit holds."""
        return self.max_rel_difference <= self.limit

    @property
    def title(self) -> str:
        """What was compared, in words."""
        return f"{self.what}, {PARTS[self.fault]}" if self.fault in PARTS else self.what


@dataclass(frozen=True)
class Block:
    """The check of W1 or W2, by the names of PARTS; no "complex" where h has no complex form."""

    shape: tuple[int, int]
    entries: int
    largest_gradient: float
    parts: dict[str, Comparison]


@dataclass(frozen=True)
class CheckReport:
    """A whole check. Seconds are of both blocks. training: what training executes, by kind and dtype."""

    seconds_central: float
    seconds_complex: float | None
    plain_seconds_an_entry: float
    blocks: dict[str, Block]
    training: tuple[Comparison, ...] = ()

    def comparisons(self) -> list[Comparison]:
        """All that was compared, the most telling first."""
        blocks = self.blocks.values()
        return [*(b.parts[part] for part in PARTS for b in blocks if part in b.parts), *self.training]

    def failures(self) -> list[Comparison]:
        """All that did not pass, the most telling first."""
        return [comparison for comparison in self.comparisons() if not comparison.passed]

    @property
    def passed(self) -> bool:
        """Whether every part of every block, and all that training executes, is within its limit."""
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
    """Compare arrays of one shape, relative to scale (a number, or one an entry); where names an entry.

    A scale of 0 takes equal numbers alone. What is not a finite number never passes.
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
    """The worst comparison of each kind and dtype, with the count of all."""
    worst: dict[tuple[str, str], Comparison] = {}
    for found in comparisons:
        known = worst.get((found.what, found.dtype))
        count = found.count + (known.count if known else 0)
        worse = known if known and known.max_rel_difference >= found.max_rel_difference else found
        worst[found.what, found.dtype] = replace(worse, count=count)
    return tuple(worst.values())
