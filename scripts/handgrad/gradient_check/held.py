"""Numbers that training computes, held against exact ones; of each kind the worst is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

#: which code a kind of number is computed by
FAULTS = {
    "h": "h in scripts/handgrad/network/activations.py is wrong",
    "h'": "h_prime in scripts/handgrad/network/activations.py is wrong",
    "fused h": "the fused form in scripts/handgrad/network/activations.py is not h",
    "fused h'": "the fused form in scripts/handgrad/network/activations.py is not h_prime",
    "model": "softmax, logsumexp or the gradient in scripts/handgrad/network/model.py is wrong at huge logits",
    "update": (
        "an update, in scripts/handgrad/training/loop.py, batch.py, momentum.py or activations.py, is not along "
        "the gradient"
    ),
    "evaluation": "the forward pass in scripts/handgrad/training/batch.py or training.py is not that of the model",
}


@dataclass(frozen=True)
class Held:
    """Numbers of one kind and dtype, where they use up most of what rounding is allowed.

    fault: an entry of FAULTS. count: of all numbers of the kind. limit: the largest difference that passes.
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
    """The worst of all numbers that were held against exact ones, by kind and dtype."""

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
            return
        expected, found, limit = (float(x[at]) for x in (expected, found, limit))
        self.worst[what, dtype] = Held(what, dtype, fault, count, where(at), expected, found, limit, worst)
