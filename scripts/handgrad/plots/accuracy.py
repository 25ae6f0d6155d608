"""Plot of accuracy by hidden units, with a panel for each activation and learning rate."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.plots.panels import panels, scale_accuracies, scale_sizes
from handgrad.plots.ranges import panel_texts
from handgrad.plots.style import L2_TEXT, LINES, MARKERS, entries, legend, looks, nothing_to_draw, style
from handgrad.tables.seeds import SETTING_AXES


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Return a plot of test accuracy by hidden units. Colour, marker and line style show l2.

    results: a table of results. Each point is a run. A line joins the means over seeds of runs that differ only in
    hidden units and seed. The title of a panel counts the runs that diverged.
    """
    if not (results["status"] == "finished").any():
        return nothing_to_draw(results["status"])
    results = results.assign(panel=panel_texts(results["learning_rate"]))
    finished = results[results["status"] == "finished"]
    l2 = sorted(finished["l2"].unique().tolist())
    look = looks(l2, marker=MARKERS, linestyle=LINES, markersize=[5])
    with style():
        figure, at = panels(results, "{}, learning rate {}")
        lines = [axis for axis in SETTING_AXES if axis != "hidden_units"]
        # dropna: train_size is missing if all examples are used
        for _, runs in finished.groupby(lines, dropna=False, sort=False):
            first = runs.iloc[0]
            means = runs.groupby("hidden_units")["accuracy"].mean()
            if len(means) > 1 or len(l2) <= len(MARKERS):
                axes, line = at[first["activation"], first["panel"]], look[first["l2"]]
                axes.plot(means.index, means, **{**line, "marker": ""}, linewidth=1.2)
        for (activation, panel), axes in at.items():
            _draw_points(axes, finished[(finished["activation"] == activation) & (finished["panel"] == panel)], look)
        axes = next(iter(at.values()))  # all panels share their axes
        scale_sizes(axes, sorted(finished["hidden_units"].unique().tolist()))
        scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))
        figure.supxlabel("Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(l2, L2_TEXT, look.__getitem__))
    return figure


def _draw_points(axes: Axes, runs: pd.DataFrame, look: dict[float, dict[str, Any]]) -> None:
    """Draw a point for each run. Many values of l2 share a marker, so one call draws all of them."""
    if len(look) > len(MARKERS):
        shades = [look[l2]["color"] for l2 in runs["l2"]]
        axes.scatter(runs["hidden_units"], runs["accuracy"], c=shades, marker=MARKERS[0], s=20, alpha=0.8)
        return
    for l2 in sorted(runs["l2"].unique().tolist()):
        own = runs[runs["l2"] == l2]
        axes.plot(own["hidden_units"], own["accuracy"], **{**look[l2], "linestyle": ""}, alpha=0.8)
