"""Draw the test split of data that has none."""

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.inputs import Array, Bytes, Rows


def draw_test(y: Bytes, test: int | float, groups: Array | None = None) -> tuple[Rows, Rows]:
    """Return the ascending row numbers of the training and the test examples of data with labels y.

    test: the number of test examples (an int), or their share (a float below 1). The draw has a fixed seed. It is
    stratified: each class has the same share of both splits, up to rounding, and keeps at least one training example.
    groups: a value for each example; examples with equal values stay in one split. The sizes are then approximate.
    Raises HandgradError if no example would be left for one of the splits.
    """
    wanted = round(test * len(y)) if isinstance(test, float) else test
    if not 0 < wanted < len(y):
        raise HandgradError(f"test is {test}: {wanted} of {len(y)} examples, expected at least 1 in each split")
    order = generator(0, Purpose.TEST_SPLIT).permutation(len(y))
    chosen = _stratified(y, wanted, order) if groups is None else _grouped(y, wanted, order, groups)
    if chosen.all() or not chosen.any():
        raise HandgradError("test: no split leaves examples on both sides, expected more classes or groups of examples")
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _stratified(y: Bytes, wanted: int, order: Rows) -> Array:
    """Return which rows are test rows. Each class gets its share, rounded by the method of largest remainders."""
    counts = np.bincount(y)
    exact = wanted * counts / len(y)
    quota = np.minimum(np.floor(exact).astype(int), np.maximum(counts - 1, 0))
    # the classes with the largest remainders come first; a class never gives its last example
    by_remainder = np.argsort(quota - exact, kind="stable")
    while quota.sum() < wanted and (quota < counts - 1).any():
        for label in by_remainder:
            if quota.sum() < wanted and quota[label] < counts[label] - 1:
                quota[label] += 1
    chosen = np.zeros(len(y), bool)
    for label, count in enumerate(quota):
        chosen[order[y[order] == label][:count]] = True
    return chosen


def _grouped(y: Bytes, wanted: int, order: Rows, groups: Array) -> Array:
    """Return which rows are test rows. Groups join in random order while they bring the class counts nearer."""
    _, group_of = np.unique(groups, return_inverse=True)
    classes = int(y.max()) + 1
    counts = np.zeros((int(group_of.max()) + 1, classes))
    np.add.at(counts, (group_of, y), 1)
    missing = wanted * np.bincount(y) / len(y)
    taken = np.zeros(len(counts), bool)
    for group in dict.fromkeys(group_of[order].tolist()):
        left = missing - counts[group]
        if np.abs(left).sum() < np.abs(missing).sum() and counts[group].sum() < len(y) - counts[taken].sum():
            missing, taken[group] = left, True
    chosen: Array = taken[group_of]
    return chosen
