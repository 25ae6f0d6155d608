"""Which test examples a run classifies correctly: its stored predictions against the dataset's labels."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.storage.run_reader import Summary
from handgrad.tables.table import Row

Array = NDArray[Any]


def require_faults(row: "Row | pd.Series[Any]", labels: Array, predictions: Array) -> None:
    """Raise HandgradError if labels and predictions do not give the faults of a run's row of the results."""
    faults = int((labels != predictions).sum()) if len(labels) == len(predictions) else None
    if faults != row["faults"]:
        dataset = row["dataset"]
        raise HandgradError(
            f"results/runs/{dataset}/{row['run']}.h5: its predictions give {faults} faults on the labels of "
            f"results/data/{dataset}.h5, its history has {row['faults']}; {REMEDY}"
        )


def correct_predictions(
    summaries: Iterable[Summary], labels: Mapping[str, Array]
) -> Callable[["pd.Series[Any]"], Array]:
    """Return a function of a finished run's row: which test examples it classifies correctly, bool (N,).

    labels: those of each dataset's test split.
    """
    predictions = {(one.run.dataset, one.run.name): one.predictions for one in summaries}

    def is_correct(row: "pd.Series[Any]") -> Array:
        found = predictions[row["dataset"], row["run"]]
        assert found is not None  # since the run has finished
        expected = labels[row["dataset"]]
        require_faults(row, expected, found)
        return np.asarray(found == expected)

    return is_correct
