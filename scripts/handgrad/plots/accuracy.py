"""Plot of accuracy by hidden units, with a panel for each activation and learning rate."""

import pandas as pd
from matplotlib.figure import Figure

from handgrad.plots.panels import panels, scale_accuracies, scale_sizes
from handgrad.plots.style import L2_TEXT, LINES, MARKERS, entries, legend, looks, nothing_to_draw, style
from handgrad.tables.seeds import SETTING_AXES


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Return a plot of test accuracy by hidden units. Colour, marker and line style show l2.

    results: a table of results. Each point is a run. A line joins the means over seeds of runs that differ only in
    hidden units and seed. The title of a panel counts the runs that diverged.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    l2 = sorted(finished["l2"].unique().tolist())
    look = looks(l2, marker=MARKERS, linestyle=LINES, markersize=[5])
    with style():
        figure, at = panels(results, "learning_rate", "{}, learning rate {}")
        lines = [axis for axis in SETTING_AXES if axis != "hidden_units"]
        # dropna: train_size is missing if all examples are used
        for _, runs in finished.groupby(lines, dropna=False, sort=False):
            first = runs.iloc[0]
            axes, line = at[first["activation"], first["learning_rate"]], look[first["l2"]]
            means = runs.groupby("hidden_units")["accuracy"].mean()
            axes.plot(means.index, means, **{**line, "marker": ""}, linewidth=1.2)
            axes.plot(runs["hidden_units"], runs["accuracy"], **{**line, "linestyle": ""}, alpha=0.8)
        axes = next(iter(at.values()))  # all panels share their axes
        scale_sizes(axes, sorted(finished["hidden_units"].unique().tolist()))
        scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))
        figure.supxlabel("Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(l2, L2_TEXT, look.__getitem__))
    return figure
