"""What figures of a dataset's best run have in common: its file, or words where there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.common.logs import logger
from handgrad.plots.style import message_figure
from handgrad.storage.run_reader import read_arrays
from handgrad.tables.made import MadeTable, read_made_table
from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.selection import best_run, chosen_on
from handgrad.tables.table import Row


@dataclass(frozen=True)
class BestRun:
    """The row of a dataset's best run in the results, that table, and the run's file."""

    row: Row
    path: str
    results: MadeTable

    def arrays(self, *names: str) -> list[NDArray[Any]]:
        """Arrays of the run file. Raises HandgradError if the results were made from another file."""
        arrays, seal = read_arrays(self.path, *names)
        self.results.require_made_from(self.path, seal)
        return arrays


def best_run_file(results: str | Path, runs: Iterable[str], dataset: str) -> BestRun | None:
    """A dataset's best run; None if all runs diverged.

    results: path of the table of results. runs: paths of run files, ``<dataset>/<run>.h5``.
    """
    made = read_made_table(results, RESULT_COLUMNS)
    best = best_run(made.table, dataset)
    if best is None:
        return None
    (path,) = (path for path in runs if Path(path).parts[-2:] == (dataset, f"{best['run']}.h5"))
    logger.info("the fewest faults on the %s split: %s", chosen_on(made.table, dataset), path)
    return BestRun(best, path, made)


def no_best_run(dataset: str) -> Figure:
    """What a figure of the best run shows where there is none."""
    return message_figure(f"No run on {dataset} came to its end")
