"""One style for all plots: colours, markers, scales, panels and the way to a file.

Plots are made without pyplot, which would keep global state. Colour-blind people can tell the colours
apart (Okabe and Ito 2008), which are never the only difference.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine, LayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from handgrad.common.atomic import whole_file
from handgrad.experiment.runs import canonical_text
from handgrad.plots.figure_files import seal_figure

INK, FAINT = "#1a1a1a", "#d9dde1"
FONT = "DejaVu Sans"  # comes with matplotlib: the same shapes on every machine
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))

LEGEND_ENTRIES = 8  # of one kind; of more values, this many are shown, evenly chosen
LOG_STEPS = ((1, 10), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9))
COLUMNS = 4  # panels side by side
ACCURACY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)

L2_TEXT = "λ = {}"
#: where a run that diverged is, or was last
CROSS: dict[str, Any] = {"linestyle": "", "marker": "x", "color": INK, "markersize": 7, "zorder": 3}

_PANEL_WIDTH = {1: 5.6, 2: 3.7, 3: 2.9, 4: 2.5}  # inches, by the number of columns

_STYLE: Any = {  # Any: the stubs list every key as a literal
    "font.family": FONT,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "figure.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a dataset or class may have a $ in its name
    "axes.edgecolor": "#8a949e",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "handgrad",  # else ids in the file are random, and every rerun writes a new figure
}


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, for as long as one is made."""
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's own matplotlibrc says
        mpl.rcParams.update(_STYLE)
        yield


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure as SVG with its checksum, whole or not at all; the same figure gives the same bytes."""
    with style(), whole_file(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None})
        seal_figure(part)


def message_figure(text: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    with style():
        figure = Figure(figsize=(6, 1.6))
        figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=11, wrap=True)
    return figure


def nothing_to_draw(statuses: Iterable[str]) -> Figure:
    """The figure of runs of which none finished, given the status of each."""
    return message_figure("Every run diverged" if list(statuses) else "No runs")


def title_of(runs: str, statuses: Iterable[str]) -> str:
    """The title of a panel of some runs, which counts those that diverged if any did."""
    found = list(statuses)
    diverged = found.count("diverged")
    return f"{runs}\n{diverged} of {len(found)} diverged" if diverged else runs


def text_on(shade: Any) -> str:
    """Black or white, whichever is read better on a shade: contrast, as WCAG 2 defines it, at least 4.5."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(shade)]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "white" if luminance < 0.179 else "black"  # at 0.179, both have the same contrast


def colours(values: Sequence[Any]) -> dict[Any, Any]:
    """A colour for each value: of the palette, or of a sequence from dark to light if they are many."""
    if len(values) <= len(COLOURS):
        return dict(zip(values, COLOURS, strict=False))
    shades = mpl.colormaps["viridis"]
    return {value: shades(0.9 * i / (len(values) - 1)) for i, value in enumerate(values)}


def styles(values: Sequence[Any], kinds: Sequence[Any]) -> dict[Any, Any]:
    """A marker or a line style for each value; the first one for all if there are more values than kinds."""
    if len(values) > len(kinds):
        return dict.fromkeys(values, kinds[0])
    return dict(zip(values, kinds, strict=False))


def entries(values: Sequence[Any], name: str, look: Callable[[Any], dict[str, Any]]) -> list[Line2D]:
    """What a legend says of some values: a line in each one's look; of many values, a few of them."""
    shown = values
    if len(values) > LEGEND_ENTRIES:
        last = len(values) - 1
        shown = [values[round(i * last / (LEGEND_ENTRIES - 1))] for i in range(LEGEND_ENTRIES)]
    return [
        Line2D([], [], **{"color": INK, **look(value)}, label=name.format(canonical_text(value))) for value in shown
    ]


def legend(figure: Figure, *groups: Sequence[Artist]) -> None:
    """A legend above the panels. Each group begins on a new line, which holds as many entries as fit."""
    longest = max(len(str(handle.get_label())) for group in groups for handle in group)
    columns = max(1, int(figure.get_figwidth() / (0.75 + 0.08 * longest)))
    columns = min(columns, max(map(len, groups)))
    lines = [group[i : i + columns] for group in groups for i in range(0, len(group), columns)]
    blank = Line2D([], [], linestyle="", label=" ")
    # Matplotlib fills a legend column by column.
    handles = [line[i] if i < len(line) else blank for i in range(columns) for line in lines]
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, handlelength=2.6)


def new_layout() -> LayoutEngine:
    """Room for every label, and some between them."""
    return ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08)


def panels(
    keys: Iterable[Hashable], *, rows_by: Callable[[Any], Hashable] | None = None, square: bool = False
) -> tuple[Figure, dict[Any, Axes]]:
    """A figure with a panel for each key, sharing their axes.

    Keys of one group (rows_by) are side by side, wrapped if they are many; the next group begins on
    a new line. square: panels with axes of their own, as high as they are wide.
    """
    groups: dict[Hashable, list[Any]] = {}
    for key in keys:
        groups.setdefault(rows_by(key) if rows_by else None, []).append(key)
    longest = max(map(len, groups.values()))
    columns = math.ceil(longest / math.ceil(longest / COLUMNS))
    lines = [g[i : i + columns] for g in groups.values() for i in range(0, len(g), columns)]
    width = _PANEL_WIDTH[columns]
    height = width if square else 3.4 if len(lines) == 1 else 2.2
    figure = Figure(figsize=(width * columns + 0.5, height * len(lines) + 1), layout=new_layout())
    found: dict[Any, Axes] = {}
    for row, line in enumerate(lines):
        for column, key in enumerate(line):
            shared = None if square or not found else next(iter(found.values()))
            place = row * columns + column + 1
            found[key] = figure.add_subplot(len(lines), columns, place, sharex=shared, sharey=shared)
    if not square and len(found) == len(lines) * columns:
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
