"""Which test examples a run has right: its stored predictions against the dataset's labels."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.errors import HandgradError
from handgrad.run_reader import read_arrays
from handgrad.tables import Row

Array = NDArray[Any]


def read_test_labels(path: str | Path) -> tuple[Array, tuple[str, ...]]:
    """The labels of a dataset's test split, uint8 (N,), and its class names, without reading any pixels.

    Raises HandgradError if the file is not a dataset.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            return file["test/y"][:], tuple(file.attrs["class_names"])
    except (OSError, KeyError) as error:
        raise HandgradError(
            f"{path}: not a dataset that this workflow wrote ({error}); delete it, and run snakemake again"
        ) from error


def require_faults(row: Row, labels: Array, predictions: Array) -> None:
    """Raise HandgradError if labels and predictions do not give the faults of a run's row of the results."""
    faults = int((labels != predictions).sum()) if len(labels) == len(predictions) else None
    if faults != row["faults"]:
        raise HandgradError(
            f"results/runs/{row['dataset']}/{row['run']}.h5: its predictions give {faults} faults on the "
            f"test labels, the results table has {row['faults']}; delete the table, and run snakemake again"
        )


def right_answers(runs: Iterable[str], data: Iterable[str]) -> Callable[[Row], Array]:
    """What tells of a finished run's row which test examples the run has right, bool (N,).

    runs: paths of run files, ``<dataset>/<run>.h5``. data: paths of their datasets, ``<dataset>.h5``. Run
    files are read one at a time, when they are asked for.
    """
    paths = {Path(path).parts[-2:]: path for path in runs}
    labels = {Path(path).stem: read_test_labels(path)[0] for path in data}

    def right(row: Row) -> Array:
        (predictions,) = read_arrays(paths[row["dataset"], f"{row['run']}.h5"], "test/predictions")
        expected = labels[row["dataset"]]
        require_faults(row, expected, predictions)
        return np.asarray(predictions == expected)

    return right
