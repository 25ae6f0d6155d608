"""Panels of a plot, their scales and ticks."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from handgrad.experiment.runs import canonical_text
from handgrad.plots.style import new_layout, title_of

LOG_STEPS = ((1, 10), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9))
COLUMNS = 4  # panels side by side
ACCURACY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
_PANEL_WIDTH = {1: 5.6, 2: 3.7, 3: 2.9, 4: 2.5}  # inches, by the number of columns
NAMED_SIZES = 6  # with more numbers of hidden units, their axis has round ticks
LOG_SIZES = 10  # largest to smallest number of hidden units from which on the axis is logarithmic


def panels(
    keys: Iterable[Hashable], *, rows_by: Callable[[Any], Hashable] | None = None
) -> tuple[Figure, dict[Any, Axes]]:
    """A figure with a panel for each key, sharing their axes.

    Keys of one group (rows_by) are side by side, wrapped if they are many; the next group begins on
    a new line.
    """
    groups: dict[Hashable, list[Any]] = {}
    for key in keys:
        groups.setdefault(rows_by(key) if rows_by else None, []).append(key)
    longest = max(map(len, groups.values()))
    columns = math.ceil(longest / math.ceil(longest / COLUMNS))
    lines = [g[i : i + columns] for g in groups.values() for i in range(0, len(g), columns)]
    width = _PANEL_WIDTH[columns]
    height = 3.4 if len(lines) == 1 else 2.2
    figure = Figure(figsize=(width * columns + 0.5, height * len(lines) + 1), layout=new_layout())
    found: dict[Any, Axes] = {}
    for row, line in enumerate(lines):
        for column, key in enumerate(line):
            shared = next(iter(found.values()), None)
            place = row * columns + column + 1
            found[key] = figure.add_subplot(len(lines), columns, place, sharex=shared, sharey=shared)
    if len(found) == len(lines) * columns:
        for axes in found.values():
            axes.label_outer()
    return figure, found


def run_panels(runs: Iterable[tuple[str, float, str]]) -> tuple[Figure, dict[Any, Axes]]:
    """A panel for each activation and learning rate, from the (activation, learning rate, status) of runs."""
    statuses: dict[tuple[str, float], list[str]] = {}
    for activation, learning_rate, status in runs:
        statuses.setdefault((activation, learning_rate), []).append(status)
    activations = list(dict.fromkeys(activation for activation, _ in statuses))
    order = sorted(statuses, key=lambda key: (activations.index(key[0]), key[1]))
    figure, at = panels(order, rows_by=lambda key: key[0])
    for key, axes in at.items():
        axes.set_title(title_of(f"{key[0]}, learning rate {canonical_text(key[1])}", statuses[key]))
    return figure, at


def dataset_panels(
    datasets: Sequence[str], *, widths: tuple[float, float], height: float, above: float
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each dataset, in up to two columns.

    widths: of figures with one column and with two; height: of a panel; above: of the legend; in inches.
    """
    columns = min(len(datasets), 2)
    lines = math.ceil(len(datasets) / columns)
    figure = Figure(figsize=(widths[columns - 1], height * lines + above), layout=new_layout())
    return figure, {name: figure.add_subplot(lines, columns, i + 1) for i, name in enumerate(datasets)}


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis between two positive numbers: three round ones or more, if there are."""
    for steps in LOG_STEPS:
        inside = round_numbers(low, high, steps)
        if len(inside) >= 3:
            return inside
    return [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def round_numbers(low: float, high: float, steps: Sequence[float] = LOG_STEPS[-1]) -> list[float]:
    """These multiples, from 1 to 10, of the powers of ten between two positive numbers."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    numbers = sorted({step * 10.0**decade for decade in decades for step in steps})
    return [number for number in numbers if low <= number <= high]


def fixed_ticks(axis: Axis, ticks: Sequence[float], text: Callable[[float], str] = "{:g}".format) -> None:
    """Ticks at these places and at no others."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_locator(NullLocator())


def far_apart(sizes: Sequence[int]) -> bool:
    """Whether these numbers of hidden units, the smallest first, need a logarithmic axis."""
    return sizes[-1] >= LOG_SIZES * sizes[0]


def scale_sizes(axes: Axes, sizes: Sequence[int]) -> None:
    """A horizontal axis for these numbers of hidden units, the smallest first."""
    if far_apart(sizes):
        axes.set_xscale("log")
    if len(sizes) <= NAMED_SIZES:
        fixed_ticks(axes.xaxis, sizes)
    elif far_apart(sizes):
        fixed_ticks(axes.xaxis, log_ticks(sizes[0], sizes[-1]))


def scale_accuracies(axes: Axes, low: float, high: float) -> None:
    """A vertical axis in percent for accuracies, fractions, of which these are the lowest and the highest."""
    if high > 0.9 and high - low > 0.1 and low > 0 and high < 1:
        # Near 1 a percent more is much, near 0.5 it is little; the logit scale shows both.
        axes.set_yscale("logit")
        low, high = low / (low + (1 - low) * 1.2), high * 1.2 / (high * 1.2 + 1 - high)
        fixed_ticks(axes.yaxis, [t for t in ACCURACY_TICKS if low <= t <= high], _percent)
        axes.set_ylim(low, high)
    else:
        bottom, top = axes.get_ylim()
        margin = 0.03 * (top - bottom)  # for the markers; there is nothing beyond 100 percent to make room for
        axes.set_ylim(max(bottom, -margin), min(top, 1 + margin))
        axes.yaxis.set_major_formatter(lambda value, _: _percent(value))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.6g}"
