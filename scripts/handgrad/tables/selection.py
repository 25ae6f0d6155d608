"""Which run or setting is the best: the one place that decides it, and the words that say how.

A setting is a run with the seed taken out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

_WORDS = {
    "validation": "on the validation split ({})",
    "test": "on the test set ({}), so its accuracy is optimistic",
}


def splits(results: pd.DataFrame) -> dict[str, str]:
    """What the best of each dataset of a table of runs or settings is chosen on, in the order of the table.

    This is ``validation`` if all runs of the dataset hold some out, else ``test``.
    """
    held_out = (results["validation_size"] > 0).groupby(results["dataset"], sort=False).all()
    return {str(dataset): "validation" if found else "test" for dataset, found in held_out.items()}


def fault_rates(runs: pd.DataFrame, split: str) -> "pd.Series[float]":
    """Faults of runs after the last epoch as a fraction of a split, ``validation`` or ``test``.

    Missing from runs that diverged, and on the validation split from those that hold none out.
    """
    size = runs["test_size"] if split == "test" else runs["validation_size"]
    return (runs["faults" if split == "test" else "validation_faults"] / size).astype("float64")


def first_best(runs: pd.DataFrame, split: str) -> pd.DataFrame:
    """The first of the finished runs with the fewest faults on a split, as a table of one row."""
    return runs.iloc[[int(fault_rates(runs, split).to_numpy().argmin())]]


def best_settings(seeds: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """The best of each group of settings that are equal in the columns ``of``, the dataset among them.

    seeds: a table of ``seeds.seeds_table``. The best has the fewest faults after the last epoch in the
    mean over its seeds, on the split of ``splits``, as a fraction of that split; one of which a seed
    diverged is chosen only where all have such seeds, by the mean over the others. It is the first of equals
    in the order of the table. A group without a finished run has none.
    """
    finished = seeds[seeds["finished"] > 0]
    on_validation = finished["dataset"].map(splits(seeds)) == "validation"
    on_test = finished["faults_mean"] / finished["test_size"]
    rate = (finished["validation_faults_mean"] / finished["validation_size"]).where(on_validation, on_test)
    order = np.lexsort((rate.to_numpy(float), (finished["diverged"] > 0).to_numpy(bool)))
    return finished.iloc[order].drop_duplicates(list(of))


def how_chosen(subject: str, chosen: Mapping[str, str]) -> list[str]:
    """A sentence on how the best were chosen, from what that of each dataset is chosen on; none without datasets."""
    where = [
        words.format(", ".join(datasets))
        for split, words in _WORDS.items()
        if (datasets := [dataset for dataset in chosen if chosen[dataset] == split])
    ]
    return [f"{subject} {'; '.join(where)}."] if where else []
