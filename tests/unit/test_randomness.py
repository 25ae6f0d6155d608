"""Every random number comes from (seed, purpose, epoch)."""

import itertools

import pytest

from handgrad.common.randomness import Purpose, generator

PERMUTATION = [7, 2, 5, 1, 0, 4, 3, 6]
NORMAL = [0.10296768001436127, -0.9805271710302613]


def test_every_seed_purpose_and_epoch_has_numbers_of_its_own() -> None:
    keys = list(itertools.product([0, 1, 2], Purpose, [0, 1, 2]))
    first, again = ([generator(*key).integers(0, 2**63) for key in order] for order in (keys, keys[::-1]))
    assert len(set(first)) == len(first)
    assert again[::-1] == first  # earlier draws do not matter


# These values are part of the definition of a run. If one of the next two tests fails, stored runs no longer match
# their names. Undo the change of the code; do not change these numbers.


def test_the_numbers_of_the_purposes_never_change() -> None:
    assert {purpose.name: int(purpose) for purpose in Purpose}.items() >= {
        "INITIAL_WEIGHTS": 1,
        "EPOCH_ORDER": 2,
        "SPLIT": 3,
        "CHECK_WEIGHTS": 4,
        "CHECK_EXAMPLES": 5,
        "CHECK_SAMPLES": 6,
    }.items()


def test_the_numbers_drawn_never_change() -> None:
    assert generator(0, Purpose.EPOCH_ORDER, 1).permutation(8).tolist() == PERMUTATION
    assert generator(0, Purpose.INITIAL_WEIGHTS).standard_normal(2).tolist() == pytest.approx(NORMAL, rel=1e-15)
