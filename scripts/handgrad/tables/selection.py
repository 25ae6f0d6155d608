"""The selection of the best run and the best setting (a run without its seed). No other module selects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_WORDS = {
    "validation": "on the validation split ({})",
    "test": "on the test set ({}), so its accuracy is optimistic",
}


def splits(results: pd.DataFrame) -> dict[str, str]:
    """Return the split on which the best run of each dataset is selected, in the order of the table.

    results: a table of runs or settings. The split is ``validation`` if all runs of the dataset hold out validation
    examples, otherwise ``test``.
    """
    held_out = (results["validation_size"] > 0).groupby(results["dataset"], sort=False).all()
    return {str(dataset): "validation" if found else "test" for dataset, found in held_out.items()}


def fault_rates(runs: pd.DataFrame, split: str) -> "pd.Series[float]":
    """Return the faults of runs after the last epoch as a fraction of a split, ``validation`` or ``test``.

    The value is missing if the run diverged, or if it has no validation split and split is ``validation``.
    """
    size = runs["test_size"] if split == "test" else runs["validation_size"]
    return (runs["faults" if split == "test" else "validation_faults"] / size).astype("float64")


def first_best(runs: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return the first run with the fewest faults on a split, as a table of one row. runs: finished runs."""
    return runs.iloc[[int(fault_rates(runs, split).to_numpy().argmin())]]


def best_settings(seeds: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """Return the best setting of each group of settings that have equal values in the columns ``of``.

    seeds: from ``seeds.seeds_table``. of: columns, which include ``dataset``.

    The best setting has the smallest fraction of faults after the last epoch, in the mean over its finished seeds, on
    the split of ``splits``. A setting with a diverged seed is selected only if all settings have one. If a search has
    finalists, one of them is selected, because a setting with fewer seeds is more likely to be best by chance. If
    several are equal, the first in the table is taken. A group without a finished run has no best setting.
    """
    finished = seeds[seeds["finished"] > 0]
    no_finalist, diverged = (finished["finalist"] == 0).to_numpy(bool), (finished["diverged"] > 0).to_numpy(bool)
    order = np.lexsort((mean_fault_rates(seeds)[seeds["finished"] > 0], no_finalist, diverged))
    return finished.iloc[order].drop_duplicates(list(of))


def mean_fault_rates(seeds: pd.DataFrame) -> NDArray[Any]:
    """Return the fraction of faults of each setting on the split of ``splits``, float64 (N,).

    It is the mean over the finished seeds, and not a number if there are none.
    """
    on_validation = seeds["dataset"].map(splits(seeds)) == "validation"
    on_test = seeds["faults_mean"] / seeds["test_size"]
    rate = (seeds["validation_faults_mean"] / seeds["validation_size"]).where(on_validation, on_test)
    return rate.to_numpy(float, na_value=np.nan)


def how_chosen(subject: str, chosen: Mapping[str, str]) -> list[str]:
    """Return a sentence that says on which split the best were selected; an empty list without datasets.

    subject: how the sentence begins. chosen: the split of each dataset.
    """
    where = [
        words.format(", ".join(datasets))
        for split, words in _WORDS.items()
        if (datasets := [dataset for dataset in chosen if chosen[dataset] == split])
    ]
    return [f"{subject} {'; '.join(where)}."] if where else []
