"""What a gradient check finds: comparisons, of each block of weights and of what training executes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.gradient_check.held import Held

Array = NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """Two ways to the same slopes, at the entry (or direction: worst_entry is None) where they differ most.

    reference is the analytic value (for sampled entries: the shortcut's), numeric what it is held against.
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
    """The check of W1 or W2. complex is None where the activation has no complex form."""

    shape: tuple[int, int]
    largest_gradient: float
    central: Comparison
    complex: Comparison | None
    directions: Comparison
    samples: Comparison
    step: Comparison
    momentum: Comparison

    @property
    def entries(self) -> int:
        """The number of weights in the block."""
        return self.shape[0] * self.shape[1]

    def parts(self) -> dict[str, Comparison]:
        """The parts that were made, the most telling first."""
        parts = {name: getattr(self, name) for name in PARTS}
        return {name: part for name, part in parts.items() if part is not None}


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
class CheckReport:
    """A whole check. Seconds are of both blocks; plain_seconds_an_entry: without the shortcut.

    training: what training executes, by kind and dtype. kink: whether differences failed where h has a kink.
    """

    blocks: dict[str, BlockReport]
    seconds_central: float
    seconds_complex: float | None
    plain_seconds_an_entry: float
    training: tuple[Held, ...] = ()
    kink: bool = False

    def failures(self) -> list[tuple[str, str, Comparison]]:
        """(block, part, comparison) of all that did not pass, the most telling part first."""
        return [
            (name, part, block.parts()[part])
            for part in PARTS
            for name, block in self.blocks.items()
            if part in block.parts() and not block.parts()[part].passed
        ]

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
    # A gradient that is 0 throughout has no relative error: then only 0 is right.
    relative = largest / scale if scale > 0 else largest * np.inf if largest else 0.0
    if entries is not None:
        worst_entry: tuple[int, int] | None = pair(entries[worst[0]])
    else:
        worst_entry = pair(worst) if difference.ndim == 2 else None
    return Comparison(
        count=difference.size,
        max_abs_difference=largest,
        max_rel_difference=relative,
        limit=limit,
        worst_entry=worst_entry,
        reference=float(reference[worst]),
        numeric=float(numeric[worst]),
    )


def pair(entry: Any) -> tuple[int, int]:
    """An entry's row and column as plain numbers."""
    row, column = entry
    return int(row), int(column)
