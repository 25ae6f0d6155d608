"""Which run or setting is the best: the one place that decides it, and the words that say how.

A setting is a run with the seed taken out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from handgrad.tables.table import Row, rows_of, typed

#: the columns of the table of best runs: what figures of a run show of its row in the results
BEST_RUN_COLUMNS = ("dataset", "run", "pixels", "chosen_on", "faults", "test_size")

_WORDS = {
    "validation": "on the validation split ({})",
    "test": "on the test set ({}), so its accuracy is optimistic",
}


def chosen_on(results: pd.DataFrame, dataset: str) -> str:
    """What a dataset's best run is chosen on: ``validation`` if all its runs hold some out, else ``test``."""
    sizes = results.loc[results["dataset"] == dataset, "validation_size"]
    return "validation" if bool((sizes > 0).all()) else "test"


def splits(results: pd.DataFrame) -> dict[str, str]:
    """``chosen_on`` of each dataset of a table of runs or settings, in the order of the table."""
    return {dataset: chosen_on(results, dataset) for dataset in results["dataset"].unique()}


def fault_rates(runs: pd.DataFrame, split: str) -> "pd.Series[float]":
    """Faults of runs after the last epoch as a fraction of a split, ``validation`` or ``test``.

    Missing from runs that diverged, and on the validation split from those that hold none out.
    """
    size = runs["test_size"] if split == "test" else runs["validation_size"]
    return (runs["faults" if split == "test" else "validation_faults"] / size).astype("float64")


def best_run(results: pd.DataFrame, dataset: str, seed: int | None = None) -> Row | None:
    """The row of a dataset's best run, of one seed or of all; None if all diverged.

    The best has the fewest faults after the last epoch on the split of ``chosen_on``, as a fraction of that
    split, and is the first of equals in the order of the table.
    """
    runs = results[(results["dataset"] == dataset) & (results["status"] == "finished")]
    if seed is not None:
        runs = runs[runs["seed"] == seed]
    if runs.empty:
        return None
    return rows_of(first_best(runs, chosen_on(results, dataset)))[0]


def first_best(runs: pd.DataFrame, split: str) -> pd.DataFrame:
    """The first of the runs with the fewest faults on a split, as a table of one row."""
    return runs.iloc[[int(fault_rates(runs, split).to_numpy().argmin())]]


def best_runs(results: pd.DataFrame) -> pd.DataFrame:
    """Return the best run of each dataset, with ``chosen_on``; no row for a dataset of which all runs diverged."""
    found = ((dataset, best_run(results, dataset)) for dataset in results["dataset"].unique())
    rows = [{**row, "chosen_on": chosen_on(results, dataset)} for dataset, row in found if row]
    return typed([{name: row[name] for name in BEST_RUN_COLUMNS} for row in rows], BEST_RUN_COLUMNS)


def best_settings(seeds: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """The best of each group of settings that are equal in the columns ``of``, the dataset among them.

    seeds: a table of ``seeds.seeds_table``. The best has the fewest faults after the last epoch in the
    mean over its seeds, on the split of ``chosen_on``, as a fraction of that split; one of which a seed
    diverged is chosen only where all have such seeds, by the mean over the others. It is the first of equals
    in the order of the table. A group without a finished run has none.
    """
    finished = seeds[seeds["finished"] > 0]
    on_validation = finished["dataset"].map(splits(seeds)) == "validation"
    on_test = finished["faults_mean"] / finished["test_size"]
    rate = (finished["validation_faults_mean"] / finished["validation_size"]).where(on_validation, on_test)
    order = np.lexsort((rate.to_numpy(float), (finished["diverged"] > 0).to_numpy(bool)))
    return finished.iloc[order].drop_duplicates(list(of))


def how_chosen(results: pd.DataFrame) -> str:
    """How the best runs of a table of results were chosen, in words; nothing for a table without rows."""
    return _sentence("The best run of a dataset and seed has the fewest faults", splits(results))


def how_settings_chosen(chosen: Mapping[str, str]) -> str:
    """The same of the best settings, from what they are chosen on (``splits``)."""
    return _sentence("Our best setting has the fewest faults, in the mean over its seeds,", chosen)


def _sentence(subject: str, chosen: Mapping[str, str]) -> str:
    where = [
        words.format(", ".join(datasets))
        for split, words in _WORDS.items()
        if (datasets := [dataset for dataset in chosen if chosen[dataset] == split])
    ]
    return f"{subject} {'; '.join(where)}." if where else ""
