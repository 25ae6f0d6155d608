"""What figures of a dataset's best run have in common: its file, or words where there is none."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.plots.style import message_figure
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


def best_run_file(best_runs: str | Path, dataset: str) -> BestRun | None:
    """Return a dataset's best run; None if all runs diverged. best_runs: path of the table of best runs."""
    made = read_made_table(best_runs, BEST_RUN_COLUMNS)
    for row in rows_of(made.table[made.table["dataset"] == dataset]):
        (path,) = (path for path in made.files() if Path(path).parts[-2:] == (dataset, f"{row['run']}.h5"))
        return BestRun(row, path, made)
    return None


def no_best_run(dataset: str) -> Figure:
    """What a figure of the best run shows where there is none."""
    return message_figure(f"No run on {dataset} came to its end")
