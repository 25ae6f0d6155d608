"""Confidence intervals and significance tests of test results, computed with statsmodels.

They describe runs of one seed on one test set: how the results would vary with other test examples. They do not
describe how the results would vary with another seed.

Only functions that use statsmodels or SciPy import them, because that takes a second.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.tables.results import RESULTS
from handgrad.tables.selection import first_best, splits

Array = NDArray[Any]
Interval = tuple[float, float]
IsCorrect = Callable[["pd.Series[Any]"], Array]

#: the significance level of Holm-corrected tests; intervals have the confidence 1 - LEVEL
LEVEL = 0.05


def wilson_interval(correct: Array, total: Array) -> tuple[Array, Array]:
    """Return both ends, (R,) each, of the Wilson interval of correct/total at the confidence 1 - LEVEL.

    Wilson, E. B. (1927), JASA 22:209.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(correct, total, alpha=LEVEL, method="wilson")
    return np.asarray(low), np.asarray(high)


def t_interval(mean: float, variance: float, freedom: int) -> Interval | None:
    """Return Student's t interval of a mean at the confidence 1 - LEVEL. variance: of the mean.

    Returns None if the variance is 0, because equal values show no variance.
    """
    if variance <= 0:
        return None
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 1 - LEVEL / 2)) * variance**0.5
    return float(mean - half), float(mean + half)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of the exact McNemar test.

    only_first, only_second: the numbers of examples that only one of the two runs classifies correctly.

    McNemar, Q. (1947), Psychometrika 12:153.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    return float(mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def holm(p_values: Array) -> Array:
    """Return p values, (R,), corrected for multiple tests. Holm, S. (1979), Scand. J. Statist. 6:65."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, alpha=LEVEL, method="holm")[1])


def with_statistics(results: pd.DataFrame, is_correct: IsCorrect) -> pd.DataFrame:
    """Return a table of results with accuracy_low, accuracy_high, against_best and p_holm filled in.

    is_correct: maps a row to the test examples that the run classifies correctly, bool (N,).

    - accuracy_low, accuracy_high: the Wilson interval of the accuracy.
    - p_holm: p value of the exact McNemar test against the best run of the same dataset and seed. Holm's method
      corrects it for the number of runs that are compared with this best run.
    - against_best: ``best``; ``worse`` or ``better`` if p_holm is at most LEVEL; otherwise ``like best``. ``better`` is
      possible only if the best run was selected on the validation split.

    These columns are missing if the run diverged.
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
        if len(others):  # statsmodels takes time even for no p values, and there may be thousands of seeds
            table.loc[others.index, ["p_holm", "against_best"]] = _compare(best.iloc[0], others, is_correct)
    return RESULTS.typed(table)


def _compare(best: "pd.Series[Any]", others: pd.DataFrame, is_correct: IsCorrect) -> pd.DataFrame:
    """Return p_holm and against_best of runs of the same dataset and seed as the best run."""
    first = is_correct(best)
    second = [is_correct(row) for _, row in others.iterrows()]
    only_first = np.array([(first & ~one).sum() for one in second])
    only_second = np.array([(one & ~first).sum() for one in second])
    p = holm(np.array([mcnemar_exact(int(a), int(b)) for a, b in zip(only_first, only_second, strict=True)]))
    verdict = np.select([p > LEVEL, only_first > only_second], ["like best", "worse"], "better")
    return pd.DataFrame({"p_holm": p, "against_best": verdict}, index=others.index)
