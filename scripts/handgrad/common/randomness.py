"""Random numbers that depend only on (seed, purpose, epoch).

Each use has a new generator. Therefore the order of examples in an epoch does not depend on earlier epochs, and one use
never changes the random numbers of another.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """The purpose of random numbers. Never change a value, because every result depends on it."""

    INITIAL_WEIGHTS = 1
    EPOCH_ORDER = 2
    SPLIT = 3
    CHECK_WEIGHTS = 4
    CHECK_EXAMPLES = 5
    CHECK_SAMPLES = 6
    TEST_SPLIT = 7


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """Return the generator for a purpose and a seed. epoch: 0 if the numbers do not depend on an epoch."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), epoch]))
