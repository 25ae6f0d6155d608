"""Figures of the best run of a dataset, with a check that the run and the data have not changed since the selection.

If no run finished, the figure is a message.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.data import StoredData, open_data
from handgrad.datasets.inputs import InputSpec
from handgrad.plots.style import message_figure, save_figure
from handgrad.storage.run_reader import read_arrays, read_model
from handgrad.tables.best_runs import BEST_RUNS
from handgrad.tables.checksums import MadeTable
from handgrad.tables.table import Row, rows_of


@dataclass(frozen=True)
class BestRun:
    """The best run of a dataset: its row, the path of its run file, and the table of best runs."""

    row: Row
    path: str
    table: MadeTable

    def arrays(self, *names: str) -> list[NDArray[Any]]:
        """Return arrays of the run file. Raises HandgradError if the file has changed since the selection."""
        arrays, seal = read_arrays(self.path, *names)
        self.table.require_made_from(self.path, seal)
        return arrays

    def spec(self) -> InputSpec:
        """Return the meaning of the inputs of the run."""
        return read_model(self.path).spec

    @contextmanager
    def data(self, path: str, digest: str) -> Iterator[StoredData]:
        """Open the dataset of the run. Raises HandgradError if the dataset has changed since the selection."""
        with open_data(path, digest) as stored:
            self.table.require_made_from(path, stored.seal)
            yield stored


def best_run_file(best_runs: str | Path, dataset: str) -> BestRun | None:
    """Return the best run of a dataset, or None if all runs diverged. best_runs: path of the table of best runs."""
    made = BEST_RUNS.read(best_runs)
    rows = rows_of(made.table[made.table["dataset"] == dataset])
    return BestRun(rows[0], made.located(rows[0]["file"]), made) if rows else None


def save_best_run_figure(out: str, best_runs: str, dataset: str, draw: Callable[[BestRun], Figure]) -> None:
    """Draw and save a figure of the best run of a dataset, or a message if no run finished."""
    best = best_run_file(best_runs, dataset)
    save_figure(out, draw(best) if best else message_figure(f"All runs on {dataset} diverged"))
