"""What figures of a dataset's best run have in common: its file, or words where there is none."""

from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from handgrad.logs import logger
from handgrad.plot_style import message_figure
from handgrad.result_tables import RESULT_COLUMNS
from handgrad.selection import best_run, chosen_on
from handgrad.tables import Row, read_table


def best_run_file(results: str | Path, runs: Iterable[str], dataset: str) -> tuple[Row, str] | None:
    """The row of a dataset's best run and the path of its run file; None if all runs diverged.

    results: path of the table of results. runs: paths of run files, ``<dataset>/<run>.h5``.
    """
    table = read_table(results, RESULT_COLUMNS)
    best = best_run(table, dataset)
    if best is None:
        return None
    (path,) = (path for path in runs if Path(path).parts[-2:] == (dataset, f"{best['run']}.h5"))
    logger.info("the fewest faults on the %s split: %s", chosen_on(table, dataset), path)
    return best, path


def no_best_run(dataset: str) -> Figure:
    """What a figure of the best run shows where there is none."""
    return message_figure(f"No run on {dataset} came to its end")
