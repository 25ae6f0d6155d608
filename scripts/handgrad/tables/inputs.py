"""Reading the inputs of the tables and of the page: the current runs and datasets of an experiment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.datasets.data import open_data
from handgrad.experiment.runs import Run
from handgrad.layout.paths import data_file
from handgrad.storage.provenance import Source, source
from handgrad.storage.run_reader import Summary, read_current
from handgrad.tables.table import Row

Array = NDArray[Any]


@dataclass(frozen=True)
class Inputs:
    """The run files by path, in the order of the table, and the facts of each dataset by name.

    sources: source files; labels: of the test split, uint8 (N,); contents: content_sha256.
    seals: of each file, by path.
    """

    files: dict[str, Summary]
    sources: dict[str, Source]
    labels: dict[str, Array]
    contents: dict[str, str]
    seals: dict[str, str]

    @property
    def runs(self) -> list[Summary]:
        """Each run once."""
        return distinct(self.files.values())


def read_inputs(runs: Sequence[str], data: Sequence[str], *, training: str, data_digests: Mapping[str, str]) -> Inputs:
    """Read run files and datasets.

    data: one file for each dataset, in the order of data_digests. training: digest of the training code.
    Raises HandgradError if a file was changed after it was written, or was made with different code or data.
    """
    sources, labels, contents, seals = {}, {}, {}, {}
    for path, (dataset, digest) in zip(data, data_digests.items(), strict=True):
        with open_data(path, digest) as stored:
            sources[dataset], labels[dataset] = source(stored), stored.test_labels
            contents[dataset], seals[path] = stored.content, stored.seal
    files = {
        path: read_current(path, code_digest=training, data_digests=data_digests, contents=contents) for path in runs
    }
    seals |= {path: run.seal for path, run in files.items()}
    return Inputs(files, sources, labels, contents, seals)


def distinct(summaries: Iterable[Summary]) -> list[Summary]:
    """Return each run once. A run that two searches trained has two equal files."""
    first: dict[Run, Summary] = {}
    for summary in summaries:
        first.setdefault(summary.run, summary)
    return list(first.values())


def require_faults(row: "Row | pd.Series[Any]", labels: Array, predictions: Array) -> None:
    """Raise HandgradError if labels and predictions give a different number of faults than the row of the run."""
    faults = int((labels != predictions).sum()) if len(labels) == len(predictions) else None
    if faults != row["faults"]:
        raise HandgradError(
            f"{row['file']}: its predictions and the labels of {data_file(row['dataset'])} "
            f"give {faults} faults, but its history has {row['faults']}; {REMEDY}"
        )


def correct_predictions(
    summaries: Sequence[Summary], labels: Mapping[str, Array]
) -> Callable[["pd.Series[Any]"], Array]:
    """Return a function that maps the row of a finished run to its correctly classified test examples, bool (N,).

    labels: of the test split, by dataset.
    """
    predictions = {(one.run.dataset, one.run.name): one.predictions for one in summaries}

    def is_correct(row: "pd.Series[Any]") -> Array:
        found, expected = np.asarray(predictions[row["dataset"], row["run"]]), labels[row["dataset"]]
        require_faults(row, expected, found)
        return np.asarray(found == expected)

    return is_correct
