"""What statistics adds to a table of results: intervals, and each run against the best of its seed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.selection import best_run
from handgrad.tables.statistics import LEVEL, holm, mcnemar_exact, wilson_interval
from handgrad.tables.table import Row, rows_of, typed

Array = NDArray[Any]
RightAnswers = Callable[[Row], Array]


def with_statistics(results: pd.DataFrame, right: RightAnswers) -> pd.DataFrame:
    """A table of results with accuracy_low, accuracy_high, against_best and p_holm filled in.

    The first two are the Wilson interval of the accuracy. against_best: ``best``, or ``worse`` or ``better``
    if the exact McNemar test on the test examples that right(row) tells of (bool, (N,)) finds a difference
    from the best run of the same dataset and seed at LEVEL, corrected by Holm for the number of runs
    compared with it, else ``like best``. p_holm: the corrected p value. A run can be better than the best
    only where that was chosen on the validation split. All are missing from runs that diverged.
    """
    rows = rows_of(results)
    finished = [row for row in rows if row["status"] == "finished"]
    _add_intervals(finished)
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in finished:
        groups.setdefault((row["dataset"], row["seed"]), []).append(row)
    for (dataset, seed), group in groups.items():
        best = best_run(results, dataset, seed)
        if best is not None:
            _compare(group, best, right)
    return typed(rows, RESULT_COLUMNS)


def _add_intervals(rows: Sequence[Row]) -> None:
    sizes = np.array([row["test_size"] for row in rows], float)
    faults = np.array([row["faults"] for row in rows], float)
    for row, low, high in zip(rows, *wilson_interval(sizes - faults, sizes), strict=True):
        row["accuracy_low"], row["accuracy_high"] = float(low), float(high)


def _compare(rows: Sequence[Row], best: Row, right: RightAnswers) -> None:
    """Set against_best and p_holm of the runs of a dataset and seed, the best among them."""
    best_right = right(best)
    others = []
    for row in rows:
        if row["run"] == best["run"]:
            row["against_best"] = "best"
        else:
            others.append((row, *_only_one(best_right, right(row))))
    if not others:  # of several thousand seeds with one run each: statsmodels takes long over nothing
        return
    corrected = holm(np.array([mcnemar_exact(best_alone, alone) for _, best_alone, alone in others]))
    for (row, best_alone, alone), p in zip(others, corrected, strict=True):
        row["p_holm"] = float(p)
        row["against_best"] = "like best" if p > LEVEL else "worse" if best_alone > alone else "better"


def _only_one(first: Array, second: Array) -> tuple[int, int]:
    """How many examples the first alone has right, and the second alone."""
    return int((first & ~second).sum()), int((second & ~first).sum())
