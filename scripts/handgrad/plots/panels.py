"""Panels of a plot, with their scales and ticks."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from handgrad.plots.style import title_of

COLUMNS = 4  # maximum number of panels side by side
LETTERS_OF_COLUMN = 130  # a longer title, for this number divided by the columns, has a line for the activation
ACCURACY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
_PANEL_WIDTH = {1: 5.6, 2: 3.7, 3: 2.9, 4: 2.5}  # inches, by the number of columns
NAMED_SIZES = 6  # with more values of hidden units, the axis has round ticks instead of one tick for each value
LOG_SIZES = 10  # from this ratio of the largest to the smallest number of hidden units, the axis is logarithmic
LOG_RATIO = 4  # with a larger ratio of the largest to the smallest fault rate, the axis is logarithmic
#: ticks within a power of ten on a logarithmic axis, by the smallest ratio of its ends at which they are used
_LOG_TICKS = {1000: (1,), 10: (1, 2, 5), 3: (1, 1.5, 2, 3, 5, 7)}


def panels(runs: pd.DataFrame, words: str) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return a figure and its panels by activation and panel. All panels share their axes.

    runs: a table with the columns activation, panel (from ``ranges.panel_texts``) and status. words: format of the
    titles, which also count the runs that diverged. Each activation starts a new row of panels; long rows are wrapped.
    """
    names = runs.groupby("activation", sort=False)["panel"].unique()
    groups = [[(str(activation), str(text)) for text in own.sort_values()] for activation, own in names.items()]
    longest = max(map(len, groups))
    columns = math.ceil(longest / math.ceil(longest / COLUMNS))
    lines = [group[i : i + columns] for group in groups for i in range(0, len(group), columns)]
    height = 3.4 if len(lines) == 1 else 2.2
    figure = Figure(figsize=(_PANEL_WIDTH[columns] * columns + 0.5, height * len(lines) + 1))
    grid = figure.subplots(len(lines), columns, sharex=True, sharey=True, squeeze=False)
    at = {key: axes for line, row in zip(lines, grid, strict=True) for key, axes in zip(line, row, strict=False)}
    for axes in set(grid.flat) - set(at.values()):
        axes.remove()
    for (activation, text), axes in at.items():
        own = runs[(runs["activation"] == activation) & (runs["panel"] == text)]
        title = words.format(activation, text)
        if len(title) > LETTERS_OF_COLUMN / columns:
            title = title.replace(", ", ",\n", 1)
        axes.set_title(title_of(title, own["status"]))
        axes.tick_params(labelbottom=len(at) < grid.size or axes in grid[-1])
    return figure, at


def dataset_panels(datasets: Sequence[str], *, width: float, height: float) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure and its panels by dataset, one below the other. width, height: of a panel, in inches."""
    figure = Figure(figsize=(width, height * len(datasets) + 1.2))
    return figure, dict(zip(datasets, figure.subplots(len(datasets), squeeze=False).flat, strict=True))


def fixed_ticks(axis: Axis, ticks: Sequence[float], text: Callable[[float], str] = "{:g}".format) -> None:
    """Set ticks at exactly these positions."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_locator(NullLocator())


def log_ticks(axis: Axis) -> None:
    """Set a few round ticks on a logarithmic axis. Call it after everything is drawn."""
    low, high = axis.get_view_interval()
    steps = next((steps for ratio, steps in _LOG_TICKS.items() if high >= ratio * low), None)
    axis.set_major_locator(LogLocator(subs=steps) if steps else MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def scale_sizes(axes: Axes, sizes: Sequence[int]) -> None:
    """Scale the horizontal axis for these numbers of hidden units, in increasing order."""
    if sizes[-1] >= LOG_SIZES * sizes[0]:
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    if len(sizes) <= NAMED_SIZES:
        fixed_ticks(axes.xaxis, sizes)


def scale_fault_rates(axes: Axes, rates: NDArray[Any]) -> None:
    """Scale the vertical axis for these fault rates: logarithmic if their ratio is large. Call it after drawing."""
    if 0 < LOG_RATIO * rates.min() < rates.max():
        axes.set_yscale("log")
        log_ticks(axes.yaxis)


def scale_accuracies(axes: Axes, low: float, high: float) -> None:
    """Scale the vertical axis for accuracies and label it in percent. low, high: their range, as fractions."""
    if high > 0.9 and high - low > 0.1 and low > 0 and high < 1:
        # One percentage point matters more near 1 than near 0.5; the logit scale shows this.
        axes.set_yscale("logit")
        low, high = low / (low + (1 - low) * 1.2), high * 1.2 / (high * 1.2 + 1 - high)
        fixed_ticks(axes.yaxis, [t for t in ACCURACY_TICKS if low <= t <= high], _percent)
        axes.set_ylim(low, high)
    else:
        bottom, top = axes.get_ylim()
        margin = 0.03 * (top - bottom)  # room for markers at 0 and 100 percent
        axes.set_ylim(max(bottom, -margin), min(top, 1 + margin))
        axes.yaxis.set_major_formatter(lambda value, _: _percent(value))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.6g}"
