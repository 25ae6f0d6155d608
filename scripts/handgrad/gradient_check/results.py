"""What a gradient check finds: about each block of weights, and about the numbers that training computes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handgrad.network.activations import Array

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
    """Two ways to the same slopes, at the entry (or direction: worst_entry is None) where they differ most.

    reference is the analytic value (for sampled entries: the shortcut's), numeric the value compared with it.
    """

    count: int
    max_abs_difference: float
    max_rel_difference: float
    limit: float
    worst_entry: tuple[int, int] | None
    reference: float
    numeric: float

    @property
    def passed(self) -> bool:
        """Whether the limit holds; nan never passes."""
        return self.max_rel_difference <= self.limit


@dataclass(frozen=True)
class BlockReport:
    """The check of W1 or W2, by the names of PARTS; no "complex" where h has no complex form.

    plain_seconds: what the sampled entries took, without the shortcut.
    """

    shape: tuple[int, int]
    largest_gradient: float
    parts: dict[str, Comparison]
    plain_seconds: float

    @property
    def entries(self) -> int:
        """The number of weights in the block."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Held:
    """Numbers of one kind and dtype that training computes, where they use up most of what rounding is allowed.

    fault: which code computes them (a key of ``report.FAULTS``). count: of all numbers of the kind. limit: the
    largest difference that passes. share: the difference over that.
    """

    what: str
    dtype: str
    fault: str
    count: int
    where: str
    expected: float
    found: float
    limit: float
    share: float

    @property
    def passed(self) -> bool:
        """Whether no number differs by more than its limit; nan never passes."""
        return self.share <= 1


@dataclass
class Ledger:
    """The worst of all numbers that were compared with exact ones, by kind and dtype."""

    worst: dict[tuple[str, str], Held] = field(default_factory=dict)

    def hold(
        self,
        what: str,
        dtype: str,
        fault: str,
        *,
        found: Any,
        expected: Any,
        limit: Any,
        where: Callable[[tuple[int, ...]], str],
    ) -> None:
        """Compare arrays of one shape, entry by entry; where names an entry."""
        found, expected, limit = np.float64(found), np.float64(expected), np.float64(limit)
        difference = np.abs(found - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(difference == 0, 0.0, difference / limit)
        at = tuple(int(i) for i in np.unravel_index(share.argmax(), share.shape))  # the first nan, if any
        worst = float(share[at]) if np.isfinite(share[at]) and np.isfinite(limit).all() else np.inf
        known = self.worst.get((what, dtype))
        count = share.size + (known.count if known else 0)
        if known and known.share >= worst:
            self.worst[what, dtype] = replace(known, count=count)
        else:
            expected, found, limit = (float(x[at]) for x in (expected, found, limit))
            self.worst[what, dtype] = Held(what, dtype, fault, count, where(at), expected, found, limit, worst)


@dataclass(frozen=True)
class CheckReport:
    """A whole check. Seconds are of both blocks. training: what training executes, by kind and dtype."""

    blocks: dict[str, BlockReport]
    seconds_central: float
    seconds_complex: float | None
    training: tuple[Held, ...] = ()

    @property
    def plain_seconds_an_entry(self) -> float:
        """Seconds an entry takes without the shortcut."""
        blocks = self.blocks.values()
        return sum(b.plain_seconds for b in blocks) / sum(b.parts["samples"].count for b in blocks)

    def failures(self) -> list[tuple[str, str, Comparison]]:
        """(block, part, comparison) of all that did not pass, the most telling part first."""
        found = [(name, part, block.parts.get(part)) for part in PARTS for name, block in self.blocks.items()]
        return [(name, part, c) for name, part, c in found if c and not c.passed]

    def misses(self) -> list[Held]:
        """What training executes and did not pass, what is computed first first."""
        return [held for held in self.training if not held.passed]

    @property
    def passed(self) -> bool:
        """Whether every part of every block, and all that training executes, is within its limit."""
        return not self.failures() and not self.misses()


def compare(reference: Array, numeric: Array, scale: float, limit: float, entries: Array | None = None) -> Comparison:
    """Compare slopes relative to scale: of a block, of some of its entries (P x 2), or along directions."""
    difference = np.abs(reference - numeric)
    worst = np.unravel_index(difference.argmax(), difference.shape)  # the first nan, if there is one
    largest = float(difference[worst])
    at = worst if entries is None else entries[worst[0]]
    return Comparison(
        count=difference.size,
        max_abs_difference=largest,
        # A gradient that is 0 throughout has no relative error: then only 0 is right.
        max_rel_difference=largest / scale if scale > 0 else largest * np.inf if largest else 0.0,
        limit=limit,
        worst_entry=(int(at[0]), int(at[1])) if len(at) == 2 else None,
        reference=float(reference[worst]),
        numeric=float(numeric[worst]),
    )
