"""Plot of test accuracy by seconds of training, with the best accuracy that was reached in a given time."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from handgrad.common.formatting import counted
from handgrad.plots.panels import log_ticks, scale_accuracies
from handgrad.plots.style import INK, MARKERS, entries, legend, looks, nothing_to_draw, style, title_of

CROWDED_POINTS = 300  # more points are drawn smaller
SHORTEST_SECONDS = 1e-3  # shorter times are drawn here, because a logarithmic axis has no zero

_FILLED: dict[str, Any] = {"linestyle": "", "alpha": 0.7, "markeredgecolor": "white", "markeredgewidth": 0.5}
_HOLLOW: dict[str, Any] = {"linestyle": "", "marker": "o", "markerfacecolor": "white"}


def accuracy_against_cost(results: pd.DataFrame) -> Figure:
    """Return a plot of test accuracy by seconds on a logarithmic axis, with a point for each run.

    results: rows of one dataset. Colour and marker show the activation, size shows the hidden units. The staircase is
    the best accuracy that was reached in at most this time. The title counts the runs that diverged.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    finished = finished.assign(seconds=finished["seconds"].clip(lower=SHORTEST_SECONDS))
    activations = finished["activation"].unique().tolist()
    look = looks(activations, marker=MARKERS)
    hidden_units = sorted(finished["hidden_units"].unique().tolist())
    crowded = len(finished) > CROWDED_POINTS
    sizes = np.linspace(5, 10, len(hidden_units)) * (0.45 if crowded else 1)
    size = dict(zip(hidden_units, sizes.tolist(), strict=True))
    with style():
        figure = Figure(figsize=(7.4, 5.4))
        axes = figure.add_subplot(
            title=title_of(counted(len(results), "run"), results["status"]),
            xlabel="Seconds of training and evaluation",
            ylabel="Test accuracy (percent)",
            xscale="log",
        )
        for (activation, units), runs in finished.groupby(["activation", "hidden_units"], sort=False):
            drawn = {**_FILLED, **look[activation], "markersize": size[units]}
            axes.plot(runs["seconds"], runs["accuracy"], **drawn)
        steps = finished.sort_values(["seconds", "accuracy"], ascending=[True, False]).set_index("seconds")["accuracy"]
        axes.plot(steps.cummax(), drawstyle="steps-post", color=INK, linewidth=1.2, zorder=3, label="best in this time")
        scale_accuracies(axes, finished["accuracy"].min(), finished["accuracy"].max())
        log_ticks(axes.xaxis)
        legend(
            figure,
            entries(activations, "{}", lambda h: {**_FILLED, **look[h], "markersize": 7}),
            entries(hidden_units, "{} hidden units", lambda units: {**_HOLLOW, "markersize": size[units]}),
        )
    return figure
