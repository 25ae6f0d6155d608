"""Which run is the best: the one place that decides it, and the words that say how."""

import pandas as pd

from handgrad.tables import Row, rows_of

_WORDS = {
    "validation": "by its faults on the validation split",
    "test": "by its faults on the test set, so that the choice saw the test set",
}


def chosen_on(results: pd.DataFrame, dataset: str) -> str:
    """What a dataset's best run is chosen on: ``validation`` if all its runs hold some out, else ``test``."""
    sizes = results.loc[results["dataset"] == dataset, "validation_size"]
    return "validation" if bool((sizes > 0).all()) else "test"


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
    rates = fault_rates(runs, chosen_on(results, dataset))
    return rows_of(runs.iloc[[int(rates.to_numpy().argmin())]])[0]


def how_chosen(results: pd.DataFrame) -> str:
    """How the best runs of a table of results were chosen, in words; nothing for a table without rows."""
    datasets: dict[str, list[str]] = {}
    for dataset in results["dataset"].unique():
        datasets.setdefault(_WORDS[chosen_on(results, dataset)], []).append(dataset)
    where = [
        words if len(datasets) == 1 else f"{words} ({', '.join(names)})" for words, names in datasets.items()
    ]
    return f"The best run of a dataset and seed is chosen {'; '.join(where)}." if where else ""
