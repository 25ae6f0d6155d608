"""The best run of each dataset, a table for programs alone: what figures of a run show of its row in the results."""

import pandas as pd

from handgrad.tables.selection import first_best, splits
from handgrad.tables.table import INTEGER, TEXT, TableKind


def best_runs(results: pd.DataFrame) -> pd.DataFrame:
    """Return the best run of each dataset, of the kind BEST_RUNS; none of a dataset of which all runs diverged.

    The best has the fewest faults after the last epoch on the split chosen_on (``selection.splits``), as a fraction
    of that split, and is the first of equals in the order of the table.
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
    return [f"{dataset}: the fewest faults on the {split} split: {run}" for dataset, split, run in rows]


BEST_RUNS = TableKind(
    name="best_runs",
    types={
        **dict.fromkeys(("dataset", "run", "pixels", "chosen_on"), TEXT),
        "faults": INTEGER,
        "test_size": INTEGER,
    },
    lines=_lines,
)
