"""The part of the variance of results that the seed causes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from handgrad.network.activations import Array
from handgrad.tables.seeds import SETTING_AXES, seeds_table
from handgrad.tables.selection import best_settings
from handgrad.tables.significance import Interval, t_interval

MAX_SETTINGS = 20  # the best ones; poor settings often vary more


@dataclass(frozen=True)
class SeedVariance:
    """The standard deviations of results over seeds and between settings.

    over_seeds: pooled over the settings, each with its own mean. between: of the true means of the settings; None with
    one setting.
    """

    over_seeds: float
    between: float | None

    @property
    def share(self) -> float | None:
        """The part of the variance that the seed causes; None with one setting, or if no results differ."""
        if self.between is None or not (whole := self.over_seeds**2 + self.between**2):
            return None
        return self.over_seeds**2 / whole


def seed_variance(groups: Sequence[Array]) -> SeedVariance:
    """Return the variance of results. groups: an array for each setting, with a value for each seed, at least two.

    The variance components of the one-way random effects model, estimated by the analysis of variance; a negative
    estimate counts as 0. Searle, Casella and McCulloch (1992), Variance Components, section 3.6.
    """
    sizes = np.array([len(group) for group in groups])
    means = np.array([group.mean() for group in groups])
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / (sizes.sum() - len(groups))
    if len(groups) == 1:
        return SeedVariance(within**0.5, None)
    grand = (sizes * means).sum() / sizes.sum()
    of_means = (sizes * (means - grand) ** 2).sum() / (len(groups) - 1)
    seeds = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(groups) - 1)  # of a setting, if all have as many
    return SeedVariance(within**0.5, float(max(0.0, (of_means - within) / seeds) ** 0.5))


def repeated_settings(results: pd.DataFrame) -> tuple[pd.DataFrame, list[Array]]:
    """Return the settings with at least two finished seeds, the best first, and the test faults of their seeds.

    results: a table of results of one dataset. The faults are those of the first MAX_SETTINGS settings, an array each.
    """
    finished = results[results["status"] == "finished"]
    settings = seeds_table(results)
    ranked = best_settings(settings[settings["finished"] > 1], SETTING_AXES)
    # dropna: train_size is missing if all examples are used; the numbers are the index of the table over seeds
    numbers = results.groupby(list(SETTING_AXES), dropna=False, sort=False).ngroup()[finished.index]
    best = ranked.index[:MAX_SETTINGS]
    return ranked, [finished.loc[numbers == setting, "faults"].to_numpy(float) for setting in best]


def mean_interval(values: Array) -> Interval | None:
    """Return the interval of the mean over other seeds. values: of each seed of a setting, at least two."""
    return t_interval(values.mean(), values.var(ddof=1) / len(values), len(values) - 1)
