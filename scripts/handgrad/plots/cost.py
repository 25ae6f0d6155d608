"""Test accuracy against the seconds of training, and the best accuracy for the cost."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from handgrad.common.formatting import counted
from handgrad.plots.panels import fixed_ticks, log_ticks, scale_accuracies
from handgrad.plots.style import (
    INK,
    MARKERS,
    entries,
    legend,
    looks,
    new_layout,
    nothing_to_draw,
    style,
    title_of,
)

SHORTEST_SECONDS = 1e-3  # a logarithmic axis has no place for none
CROWDED = 300  # with more runs, markers are small, without an edge and lighter

_SIZES = {False: (5.0, 7.5, 10.0), True: (2.0, 3.0, 5.0)}  # points: fewest, if all alike, most hidden units
_FILLED: dict[bool, dict[str, Any]] = {
    False: {"linestyle": "", "alpha": 0.75, "markeredgecolor": "white", "markeredgewidth": 0.6},
    True: {"linestyle": "", "alpha": 0.5, "markeredgewidth": 0},
}
_FRONT: dict[str, Any] = {"color": INK, "linewidth": 1.2, "zorder": 3}


def front(seconds: NDArray[Any], accuracy: NDArray[Any]) -> NDArray[Any]:
    """Which runs no other run beats at no higher cost (Pareto front), the cheapest first, int (n,).

    Of runs that are equal in both, the first is taken.
    """
    order = np.lexsort((-accuracy, seconds))
    before = np.concatenate([[-np.inf], np.maximum.accumulate(accuracy[order])[:-1]])
    return order[accuracy[order] > before]


def accuracy_against_cost(results: pd.DataFrame) -> Figure:
    """Test accuracy against seconds on a logarithmic axis, a point a run. results: those of a dataset.

    Colour and marker by activation, size by hidden units; a staircase joins the ``front``. Runs that
    diverged are counted in the title.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    crowded = len(finished) > CROWDED
    activations = finished["activation"].unique().tolist()
    look = {h: {**_FILLED[crowded], **one} for h, one in looks(activations, marker=MARKERS).items()}
    size = _marker_sizes(sorted(finished["hidden_units"].unique().tolist()), crowded)
    with style():
        figure = Figure(figsize=(7.4, 5.4), layout=new_layout())
        axes = figure.add_subplot()
        axes.set_title(title_of(counted(len(results), "run"), results["status"]))
        for (activation, units), runs in finished.groupby(["activation", "hidden_units"], sort=False):
            axes.plot(_seconds(runs), runs["accuracy"], **look[activation], markersize=size[units])
        _draw_front(axes, finished)
        _scale_seconds(axes, _seconds(finished))
        scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))
        axes.set(xlabel="Seconds of training and evaluation", ylabel="Test accuracy (percent)")
        legend(
            figure,
            entries(activations, "h: {}", lambda h: {**look[h], "markersize": 7, "alpha": 1}),
            entries(list(size), "{} hidden units", lambda units: _hollow(size[units])),
            [Line2D([], [], **_FRONT, label="best for the cost")],
        )
    return figure


def _marker_sizes(hidden_units: list[Any], crowded: bool) -> dict[Any, float]:
    """Even steps from the fewest to the most hidden units."""
    fewest, alike, most = _SIZES[crowded]
    if len(hidden_units) == 1:
        return {hidden_units[0]: alike}
    return dict(zip(hidden_units, np.linspace(fewest, most, len(hidden_units)).tolist(), strict=True))


def _hollow(size: float) -> dict[str, Any]:
    return {"marker": "o", "linestyle": "", "markersize": size, "markerfacecolor": "white"}


def _seconds(runs: pd.DataFrame) -> NDArray[Any]:
    return runs["seconds"].to_numpy(float).clip(SHORTEST_SECONDS)


def _draw_front(axes: Axes, finished: pd.DataFrame) -> None:
    """The best accuracy of the runs that took at most this long, up to the longest run."""
    seconds, accuracy = _seconds(finished), finished["accuracy"].to_numpy(float)
    best = front(seconds, accuracy)
    steps = np.append(seconds[best], seconds.max()), np.append(accuracy[best], accuracy.max())
    axes.plot(*steps, drawstyle="steps-post", **_FRONT)


def _scale_seconds(axes: Axes, seconds: NDArray[Any]) -> None:
    low, high = float(seconds.min()), float(seconds.max())
    margin = max(1.15, (high / low) ** 0.05)
    axes.set(xscale="log", xlim=(low / margin, high * margin))
    fixed_ticks(axes.xaxis, log_ticks(low / margin, high * margin))
