"""Accuracy by hidden units: a panel for each activation and learning rate."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.experiment.runs import AXES
from handgrad.plots.panels import run_panels, scale_accuracies, scale_sizes
from handgrad.plots.style import L2_TEXT, LINES, MARKERS, entries, legend, looks, nothing_to_draw, style


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Test accuracy by hidden units; colour, marker and line style by l2. results: a table of results.

    A point is a run. A line joins, over hidden units, the means of runs that are otherwise equal except for the
    seed. Runs that diverged are counted in their panel's title.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    l2 = sorted(finished["l2"].unique().tolist())
    look = looks(l2, marker=MARKERS, linestyle=LINES, markersize=[5])
    with style():
        figure, at = run_panels(results[["activation", "learning_rate", "status"]].itertuples(index=False, name=None))
        lines = [axis for axis in AXES if axis not in ("hidden_units", "seed")]
        # dropna: train_size is missing where all examples are used.
        for _, runs in finished.groupby(lines, dropna=False, sort=False):
            first = runs.iloc[0]
            _draw_accuracy(at[first["activation"], first["learning_rate"]], runs, look[first["l2"]])
        axes = next(iter(at.values()))  # they are shared
        scale_sizes(axes, sorted(finished["hidden_units"].unique().tolist()))
        scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))
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
