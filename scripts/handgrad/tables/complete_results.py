"""The table of results with all columns that compare predictions with labels."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from handgrad.experiment.runs import Run
from handgrad.network.activations import Array
from handgrad.storage.run_reader import Summary
from handgrad.tables.class_balance import with_class_balance
from handgrad.tables.inputs import correct_predictions
from handgrad.tables.results import results_table
from handgrad.tables.significance import with_statistics


def complete_results(
    runs: Sequence[Summary], labels: Mapping[str, Array], project: str | Path, finalists: Collection[Run]
) -> pd.DataFrame:
    """Return the table of results with significance and class balance.

    labels: of the test split, by dataset. project, finalists: see ``results_table``.
    """
    table = with_statistics(results_table(runs, project, finalists), correct_predictions(runs, labels))
    return with_class_balance(table, runs, labels)
