"""Intervals and tests of test results, computed by statsmodels, and what they add to a table of results.

All of them look at one seed's runs on one test set: they say what other test images would change, not what
another seed would.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from handgrad.tables.results import RESULTS
from handgrad.tables.selection import first_best, splits

Array = NDArray[Any]
IsCorrect = Callable[["pd.Series[Any]"], Array]

#: the level of tests, Holm-corrected, and one less the confidence of intervals
LEVEL = 0.05


def wilson_interval(correct: Array, total: Array) -> tuple[Array, Array]:
    """The Wilson interval of a fraction correct/total at the confidence 1 - LEVEL: its two ends, (R,) each.

    Wilson, E. B. (1927), JASA 22:209.
    """
    low, high = proportion_confint(correct, total, alpha=LEVEL, method="wilson")
    return np.asarray(low), np.asarray(high)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p value of the exact McNemar test on the examples that one of two runs alone has right.

    McNemar, Q. (1947), Psychometrika 12:153.
    """
    return float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def holm(p_values: Array) -> Array:
    """P values, (R,), corrected for their number. Holm, S. (1979), Scand. J. Statist. 6:65."""
    return np.asarray(multipletests(p_values, alpha=LEVEL, method="holm")[1])


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
    return RESULTS.typed(table)


def _compare(best: "pd.Series[Any]", others: pd.DataFrame, is_correct: IsCorrect) -> pd.DataFrame:
    """p_holm and against_best of runs of the best run's dataset and seed."""
    first = is_correct(best)
    second = [is_correct(row) for _, row in others.iterrows()]
    only_first = np.array([(first & ~one).sum() for one in second])
    only_second = np.array([(one & ~first).sum() for one in second])
    p = holm(np.array([mcnemar_exact(int(a), int(b)) for a, b in zip(only_first, only_second, strict=True)]))
    verdict = np.select([p > LEVEL, only_first > only_second], ["like best", "worse"], "better")
    return pd.DataFrame({"p_holm": p, "against_best": verdict}, index=others.index)
