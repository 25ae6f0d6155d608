"""Plot of the importance of axes, with an interval for each axis."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.common.formatting import counted
from handgrad.plots.panels import dataset_panels
from handgrad.plots.style import COLOURS, legend, message_figure, style

_BAR: dict[str, Any] = {"color": COLOURS[0], "linewidth": 2.5, "alpha": 0.45, "label": "95% interval"}
_DOT: dict[str, Any] = {"color": COLOURS[0], "linestyle": "", "marker": "o", "markersize": 6, "label": "importance"}


def importance_of_axes(importance: pd.DataFrame) -> Figure:
    """Return a plot of the importance of axes, with a panel for each dataset or search and a line for each axis.

    importance: from ``importance_table``. The title of a panel says how much of the variance all axes explain.
    """
    panels = {_title(rows): rows for _, rows in importance.groupby(["block", "dataset"], dropna=False, sort=False)}
    if not panels:
        return message_figure("No run finished")
    with style():
        height = 0.8 + 0.26 * max(map(len, panels.values()))
        figure, at = dataset_panels(list(panels), width=7, height=height)
        for title, axes in at.items():
            axes.set_title(title)
            _draw(axes, panels[title])
        figure.supxlabel("Importance (percent)")
        legend(figure)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    lines = range(len(rows))
    axes.hlines(lines, 100 * rows["low"], 100 * rows["high"], **_BAR)
    axes.plot(100 * rows["importance"], lines, **_DOT)
    axes.set_yticks(lines, rows["axis"])
    axes.set(xlim=(-2, 102), ylim=(len(rows) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _title(rows: pd.DataFrame) -> str:
    first, settings = rows.iloc[0], counted(rows["settings"].iloc[0], "setting")
    search = f"\nexperiments[{first['block']}] after rung 0" if pd.notna(first["block"]) else ""
    split = "test set" if first["chosen_on"] == "test" else "validation split"
    explained = f"{rows['explained'].sum():.0%} of the variance explained"
    return f"{first['dataset']}{search}\nbest quarter of {settings} on the {split}, {explained}"
