"""The importance of axes by the idea of PED-ANOVA, with bootstrap intervals.

Watanabe, Bansal and Hutter (IJCAI 2023) ask how much an axis decides alone whether a setting is among the best. With
the fraction γ of best settings, P(best | x) = γ p(x | best)/p(x), so the variance of P(best | x) over the values x of
an axis is γ² times the Pearson divergence of p(x | best) from p(x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]

#: the fraction γ of settings that count as the best
BEST_FRACTION = 0.25
#: a numeric axis has groups of about this size, but at least FEWEST_GROUPS and at most MOST_GROUPS
GROUP_SIZE, FEWEST_GROUPS, MOST_GROUPS = 10, 4, 10
RESAMPLES = 1000
_SEED = 0
_DECIMALS = 9  # rounding errors must not become shares of the explained variance
_INTERVAL = (0.025, 0.975)


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The importance of axes, float64 (A,) each.

    explained: the fraction of the variance of membership in the best settings that an axis explains alone. share: of
    the sum over axes; 0 if the sum is 0. low, high: ends of the 95 % interval of the share, over the resamples in which
    the sum is not 0.
    """

    explained: Array
    share: Array
    low: Array
    high: Array


def importance_of(groups: Sequence[Array], ranks: Array) -> Importance:
    """Return the importance of A axes for N settings.

    groups: for each axis the group of each setting, int (N,), from ``groups_of``. ranks: of the settings, int (N,);
    0 is the best, equal settings have equal ranks, and no rank is left out. The random numbers have a fixed seed.
    """
    N = len(ranks)
    resamples = np.random.default_rng(_SEED).multinomial(N, np.full(N, 1 / N), size=RESAMPLES)
    counts = np.vstack([np.ones((1, N)), resamples])
    best = membership(counts, ranks)
    # An estimate from a finite number of settings is too large, even if the axis has no effect, so the expected excess
    # is subtracted. A resample has the excess of its settings and that of the resampling.
    times = np.where(np.arange(RESAMPLES + 1) == 0, 1, 2)
    explained = np.stack([_explained(of, counts, best, times) for of in groups])
    total = explained.sum(axis=0)
    shares = np.divide(explained, total, out=np.zeros_like(explained), where=total > 0)
    share, defined = shares[:, 0], shares[:, 1:][:, total[1:] > 0]
    low, high = np.quantile(defined, _INTERVAL, axis=1) if defined.size else (share, share)
    return Importance(explained=explained[:, 0], share=share, low=np.minimum(low, share), high=np.maximum(high, share))


def groups_of(values: "pd.Series[Any]") -> Array:
    """Return the group of each value of an axis, int (N,): values of a group count as equal.

    Each value of a text axis, and of a numeric axis with few values, is a group. Other numeric axes have groups of
    about equal size. As the Pearson divergence, they do not depend on the scale of the axis, linear or logarithmic.
    """
    if not pd.api.types.is_numeric_dtype(values):
        return pd.factorize(values)[0]
    numbers = values.astype("float64").fillna(math.inf)  # a missing train_size means all examples
    most = min(MOST_GROUPS, max(FEWEST_GROUPS, len(numbers) // GROUP_SIZE))
    if numbers.nunique() > most:
        numbers = (numbers.rank() - 0.5) * most // len(numbers)
    return pd.factorize(numbers)[0]


def membership(counts: Array, ranks: Array) -> Array:
    """Return how far each setting is among the best, from 0 to 1, as float64 (R, N).

    counts: how often each of R samples contains each setting, (R, N). The best BEST_FRACTION of each sample have 1 in
    total; settings of equal rank share what is left for them.
    """
    order = np.argsort(ranks, kind="stable")
    starts = np.searchsorted(ranks[order], np.arange(ranks.max() + 1))
    equal = np.add.reduceat(counts[:, order], starts, axis=1)
    left = BEST_FRACTION * counts.sum(axis=1, keepdims=True) - (np.cumsum(equal, axis=1) - equal)
    found: Array = np.clip(left / np.maximum(equal, 1), 0, 1)
    return found[:, ranks]


def _explained(groups: Array, counts: Array, best: Array, times: Array) -> Array:
    """Return the fraction of the variance of ``best`` between the groups of an axis, at least 0, for each sample (R,).

    The expected excess of N settings in G groups, if the axis has no effect, is (G - 1)/(N - 1) of the variance. It is
    subtracted ``times`` times, (R,).
    """
    N = len(groups)
    in_group = np.eye(groups.max() + 1)[groups]
    sizes, sums = counts @ in_group, (counts * best) @ in_group
    means = np.divide(sums, sizes, out=np.full_like(sums, BEST_FRACTION), where=sizes > 0)
    between = (sizes * (means - BEST_FRACTION) ** 2).sum(axis=1)
    whole = (counts * (best - BEST_FRACTION) ** 2).sum(axis=1)
    excess = ((sizes > 0).sum(axis=1) - 1) / (N - 1)
    explained: Array = np.divide(between, whole, out=np.zeros(len(whole)), where=whole > 0) - times * excess
    return np.maximum(explained.round(_DECIMALS), 0)
