"""Intervals and tests of test results, computed by statsmodels.

All of them look at one seed's runs on one test set: they say what other test images would change, not what
another seed would.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

Array = NDArray[Any]

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
    _, corrected, _, _ = multipletests(p_values, alpha=LEVEL, method="holm")
    return np.asarray(corrected)
