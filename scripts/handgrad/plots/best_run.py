"""Figures of a dataset's best run: of its file and its data as they were selected, or words where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.data import StoredData, open_data
from handgrad.plots.style import message_figure, save_figure
from handgrad.storage.run_reader import read_arrays
from handgrad.tables.made import MadeTable, read_made_table
from handgrad.tables.selection import BEST_RUN_COLUMNS
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
    made = read_made_table(best_runs, BEST_RUN_COLUMNS)
    for row in rows_of(made.table[made.table["dataset"] == dataset]):
        (path,) = (path for path in made.files() if Path(path).parts[-2:] == (dataset, f"{row['run']}.h5"))
        return BestRun(row, path, made)
    return None


def save_best_run_figure(out: str, best_runs: str, dataset: str, draw: Callable[[BestRun], Figure]) -> None:
    """Write what is drawn of a dataset's best run."""
    best = best_run_file(best_runs, dataset)
    save_figure(out, draw(best) if best else message_figure(f"No run on {dataset} came to its end"))
