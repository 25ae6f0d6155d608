"""What statistics adds to a table of results: intervals, and each run against the best of its seed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.selection import first_best, splits
from handgrad.tables.statistics import LEVEL, holm, mcnemar_exact, wilson_interval
from handgrad.tables.table import typed

Array = NDArray[Any]
IsCorrect = Callable[["pd.Series[Any]"], Array]


def with_statistics(results: pd.DataFrame, is_correct: IsCorrect) -> pd.DataFrame:
    """A table of results with accuracy_low, accuracy_high, against_best and p_holm filled in.

    The first two are the Wilson interval of the accuracy. against_best: ``best``, or ``worse`` or ``better``
    if the exact McNemar test on is_correct(row), bool (N,), which test examples a run classifies correctly, finds a
    difference from the best run of the same dataset and seed at LEVEL, corrected by Holm for the number of runs
    compared with it, else ``like best``. p_holm: the corrected p value. A run can be better than the best
    only where that was chosen on the validation split. All are missing from runs that diverged.
    """
    size, faults = (results[name].to_numpy(float) for name in ("test_size", "faults"))
    low, high = wilson_interval(size - faults, size)
    table = results.assign(accuracy_low=low, accuracy_high=high)
    finished = table[table["status"] == "finished"]
    split = splits(results)
    for (dataset, _), runs in finished.groupby(["dataset", "seed"], sort=False):
        best = first_best(runs, split[str(dataset)])
        table.loc[best.index, "against_best"] = "best"
        others = runs.drop(index=best.index)
        if len(others):  # of several thousand seeds with one run each: statsmodels takes long over nothing
            table.loc[others.index, ["p_holm", "against_best"]] = _compare(best.iloc[0], others, is_correct)
    return typed(table, RESULT_COLUMNS)


def _compare(best: "pd.Series[Any]", others: pd.DataFrame, is_correct: IsCorrect) -> pd.DataFrame:
    """p_holm and against_best of runs of the best run's dataset and seed."""
    first = is_correct(best)
    second = [is_correct(row) for _, row in others.iterrows()]
    only_first = np.array([(first & ~one).sum() for one in second])
    only_second = np.array([(one & ~first).sum() for one in second])
    p = holm(np.array([mcnemar_exact(int(a), int(b)) for a, b in zip(only_first, only_second, strict=True)]))
    verdict = np.select([p > LEVEL, only_first > only_second], ["like best", "worse"], "better")
    return pd.DataFrame({"p_holm": p, "against_best": verdict}, index=others.index)
