"""Figures of a dataset's best run: of its file and its data as they were selected, or words where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.data import StoredData, open_data
from handgrad.layout.paths import run_file
from handgrad.plots.style import message_figure, save_figure
from handgrad.storage.run_reader import read_arrays
from handgrad.tables.best_runs import BEST_RUNS
from handgrad.tables.checksums import MadeTable
from handgrad.tables.table import Row, rows_of


@dataclass(frozen=True)
class BestRun:
    """The row of a dataset's best run, the table that has it, and the run's file."""

    row: Row
    path: str
    table: MadeTable

    def arrays(self, *names: str) -> list[NDArray[Any]]:
        """Return arrays of the run file. Raises HandgradError if it is not the file that was selected."""
        arrays, seal = read_arrays(self.path, *names)
        self.table.require_made_from(self.path, seal)
        return arrays

    @contextmanager
    def data(self, path: str, digest: str) -> Iterator[StoredData]:
        """Open the run's dataset. Raises HandgradError if it is not the one on which the run was selected."""
        with open_data(path, digest) as stored:
            self.table.require_made_from(path, stored.seal)
            yield stored


def best_run_file(best_runs: str | Path, dataset: str) -> BestRun | None:
    """Return a dataset's best run; None if all runs diverged. best_runs: path of the table of best runs."""
    made = BEST_RUNS.read(best_runs)
    rows = rows_of(made.table[made.table["dataset"] == dataset])
    return BestRun(rows[0], made.located(run_file(dataset, rows[0]["run"])), made) if rows else None


def save_best_run_figure(out: str, best_runs: str, dataset: str, draw: Callable[[BestRun], Figure]) -> None:
    """Write what is drawn of a dataset's best run."""
    best = best_run_file(best_runs, dataset)
    save_figure(out, draw(best) if best else message_figure(f"No run on {dataset} came to its end"))
