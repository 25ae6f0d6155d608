"""The table of the best run of each dataset. Only programs read it: the scripts that plot the best run."""

import pandas as pd

from handgrad.tables.selection import first_best, splits
from handgrad.tables.table import INTEGER, TEXT, TableKind


def best_runs(results: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the kind BEST_RUNS with the best run of each dataset that has a finished run.

    The best run has the smallest fraction of faults after the last epoch, on the split chosen_on
    (``selection.splits``). If several runs are equal, the first in the table is taken.
    """
    finished = results[results["status"] == "finished"]
    split = splits(results)
    best = [
        first_best(runs, split[str(dataset)]).assign(chosen_on=split[str(dataset)])
        for dataset, runs in finished.groupby("dataset", sort=False)
    ]
    return BEST_RUNS.typed(pd.concat(best) if best else [])


def _lines(table: pd.DataFrame) -> list[str]:
    rows = zip(table["dataset"], table["chosen_on"], table["run"], strict=True)
    return [f"{dataset}: the run with the fewest faults on the {split} split is {run}" for dataset, split, run in rows]


BEST_RUNS = TableKind(
    name="best_runs",
    types={
        **dict.fromkeys(("dataset", "run", "file", "pixels", "chosen_on"), TEXT),
        "faults": INTEGER,
        "test_size": INTEGER,
    },
    lines=_lines,
)
