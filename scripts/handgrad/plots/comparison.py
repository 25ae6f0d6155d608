"""Plot of reproduced faults compared with published faults, with a line for each published row."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.plots.panels import dataset_panels, log_ticks
from handgrad.plots.style import COLOURS, FAINT, INK, legend, message_figure, style
from handgrad.plots.text import row_names
from handgrad.tables.columns import column, plain_column
from handgrad.tables.comparison import (
    AGREES,
    DIFFERS,
    KEY,
    NOT_RUN,
    PROTOCOL,
    UNSTABLE,
    WITHIN_PERCENT,
    count_verdicts,
)

SMALLEST = 0.5  # zero faults are drawn as half a fault, because the axis is logarithmic
NAMED_ROWS = 80  # a panel with more rows has no room for their names and numbers

_LOOKS: dict[str, dict[str, Any]] = {
    AGREES: {"color": COLOURS[0], "marker": "o"},
    DIFFERS: {"color": COLOURS[1], "marker": "s", "markerfacecolor": "white"},
    UNSTABLE: {"color": INK, "marker": "D", "markerfacecolor": COLOURS[4]},
}


def published_against_reproduced(comparison: pd.DataFrame) -> Figure:
    """Return a plot of reproduced faults as a multiple of the published faults, with a panel for each dataset.

    comparison: from ``comparison_table``. Each row has a line. The marker is the mean over the seeds; its shape and
    colour show the verdict. The bar goes from the seed with the fewest faults to the seed with the most. The numbers at
    the right are the published faults and the mean of our faults. The grey band shows WITHIN_PERCENT. The title of a
    panel counts the verdicts, including rows that were not run.
    """
    run = comparison[comparison["verdict"] != NOT_RUN]
    if not (run["finished"] > 0).any():
        return message_figure("No published row has a finished run")
    with style():
        height = 0.6 + 0.18 * min(max(run["dataset"].value_counts().max(), 4), NAMED_ROWS)
        figure, at = dataset_panels(list(run["dataset"].unique()), width=7, height=height)
        for dataset, axes in at.items():
            axes.set_title(f"{dataset}, {count_verdicts(comparison[comparison['dataset'] == dataset])}")
            _draw_rows(axes, run[run["dataset"] == dataset].reset_index())
        figure.supxlabel("Reproduced faults / published faults")
        legend(figure)
    return figure


def _draw_rows(axes: Axes, rows: pd.DataFrame) -> None:
    low, mean, high = (_ratios(rows, f"faults_{what}") for what in ("min", "mean", "max"))
    for verdict, look in _LOOKS.items():
        own = np.flatnonzero((rows["verdict"] == verdict) & (rows["finished"] > 0))
        if own.size:
            axes.plot(mean[own], own, **look, markersize=5, linestyle="", label=verdict)
    if (several := np.flatnonzero(rows["finished"] > 1)).size:
        axes.hlines(several, low[several], high[several], color=INK, linewidth=1.5, label="range over seeds")
    band = 1 - WITHIN_PERCENT / 100, 1 + WITHIN_PERCENT / 100
    axes.axvspan(*band, color=FAINT, linewidth=0, zorder=0, label=f"within {WITHIN_PERCENT} percent")
    axes.axvline(1, color=INK, linewidth=0.8, zorder=1)
    axes.set(xscale="log", ylim=(len(rows) - 0.3, -1.5))
    log_ticks(axes.xaxis)
    axes.grid(visible=False, axis="y")
    if len(rows) <= NAMED_ROWS:
        _name_rows(axes, rows)
    else:
        axes.set_yticks([])


def _ratios(rows: pd.DataFrame, name: str) -> NDArray[Any]:
    """Return a column of our faults as multiples of the published faults."""
    ours, theirs = (rows[faults].astype("float64").clip(SMALLEST) for faults in (name, "published_faults"))
    return (ours / rows["test_size"] / (theirs / rows["published_test_size"])).to_numpy(float)


def _name_rows(axes: Axes, rows: pd.DataFrame) -> None:
    """Write the hyperparameters of each row at the left, and the published and our faults at the right."""
    axes_of_names = [name for name in (*KEY, *PROTOCOL) if len(rows[name].unique()) > 1] or ["activation"]
    ours = column("ours", "{:.0f}", rows["faults_mean"], missing="diverged").texts
    both = zip(plain_column(rows, "published_faults").texts, ours, strict=True)
    axes.set_yticks(range(len(rows)), row_names(rows, axes_of_names), fontsize=8)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(-1, len(rows)), ["published → ours", *map(" → ".join, both)], fontsize=8)
    right.spines[:].set_visible(False)
    for side in (axes, right):
        side.tick_params(axis="y", length=0)
    group = rows[["activation", "learning_rate"]]
    for first in np.flatnonzero(group.ne(group.shift()).any(axis=1)):
        axes.axhline(first - 0.5, color=FAINT, linewidth=0.8, zorder=0)
