"""Every random number of a run, from (seed, purpose, epoch) and nothing else.

A generator is made afresh for each use, so that the order of any epoch can be made again without the
epochs before it, and one use never shifts the numbers of another.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are drawn for. The values are part of what a run is: never change one."""

    INITIAL_WEIGHTS = 1
    EPOCH_ORDER = 2
    SPLIT = 3
    CHECK_WEIGHTS = 4
    CHECK_EXAMPLES = 5
    CHECK_SAMPLES = 6


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """The generator for one purpose of one seed (and, where it matters, one epoch; 0 otherwise)."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), epoch]))
