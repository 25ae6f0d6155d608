"""Accuracy by hidden units: a panel for each activation and learning rate."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.experiment.runs import AXES
from handgrad.plots.style import (
    L2_TEXT,
    LINES,
    MARKERS,
    colours,
    entries,
    fixed_ticks,
    legend,
    log_ticks,
    nothing_to_draw,
    run_panels,
    scale_accuracies,
    style,
    styles,
)


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Test accuracy by hidden units; colour, marker and line style by l2. results: a table of results.

    A point is a run. A line joins, over hidden units, the means of runs that are otherwise equal except for the
    seed. Runs that diverged are counted in their panel's title.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    l2 = sorted(finished["l2"].unique().tolist())
    colour, marker, line = colours(l2), styles(l2, MARKERS), styles(l2, LINES)
    look = {
        value: {"color": colour[value], "marker": marker[value], "linestyle": line[value], "markersize": 5}
        for value in l2
    }
    with style():
        figure, at = run_panels(results[["activation", "learning_rate", "status"]].itertuples(index=False, name=None))
        lines = [axis for axis in AXES if axis not in ("hidden_units", "seed")]
        # dropna: train_size is missing where all examples are used.
        for _, runs in finished.groupby(lines, dropna=False, sort=False):
            first = runs.iloc[0]
            _draw_accuracy(at[first["activation"], first["learning_rate"]], runs, look[first["l2"]])
        _scale_accuracy(next(iter(at.values())), finished)
        figure.supxlabel("Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(l2, L2_TEXT, look.__getitem__))
    return figure


def _draw_accuracy(axes: Axes, runs: pd.DataFrame, look: dict[str, Any]) -> None:
    means = runs.groupby("hidden_units")["accuracy"].mean()
    axes.plot(means.index.to_numpy(float), means.to_numpy(), **{**look, "marker": ""}, linewidth=1.2)
    axes.plot(
        runs["hidden_units"].to_numpy(float),
        runs["accuracy"].to_numpy(),
        **{**look, "linestyle": ""},
        alpha=0.8,
    )


def _scale_accuracy(axes: Axes, finished: pd.DataFrame) -> None:
    hidden_units = sorted({int(value) for value in finished["hidden_units"]})
    if hidden_units[-1] >= 10 * hidden_units[0]:
        axes.set_xscale("log")
        fixed_ticks(
            axes.xaxis,
            hidden_units if len(hidden_units) <= 5 else log_ticks(hidden_units[0], hidden_units[-1]),
        )
    elif len(hidden_units) <= 6:
        fixed_ticks(axes.xaxis, hidden_units)
    scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))
