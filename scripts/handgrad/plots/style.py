"""The common style of all plots: colours, markers, legends and saving.

Plots do not use pyplot, because it has global state. Colour-blind people can distinguish the colours (Okabe and Ito
2008). Colour is never the only difference.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from handgrad.common.atomic import whole_file
from handgrad.experiment.runs import canonical_text
from handgrad.plots.figure_files import seal_figure

INK, FAINT = "#1a1a1a", "#d9dde1"
FONT = "DejaVu Sans"  # included in matplotlib, so letters have the same shapes on every machine
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))

LEGEND_ENTRIES = 8  # maximum for each kind; of more values, the legend shows this many at equal steps

L2_TEXT = "λ = {}"
#: marks a diverged run
CROSS: dict[str, Any] = {"linestyle": "", "marker": "x", "color": INK, "markersize": 7, "zorder": 3}


_STYLE: Any = {  # Any, because the stubs of matplotlib list every key as a literal
    "font.family": FONT,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "figure.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # names of datasets and classes may contain a $
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
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "svg.fonttype": "path",
    "svg.hashsalt": "handgrad",  # without it, ids are random and every rerun writes different bytes
}


@contextmanager
def style() -> Iterator[None]:
    """Use the common style within a block."""
    with mpl.rc_context():
        mpl.rcdefaults()  # ignore the matplotlibrc of the user
        mpl.rcParams.update(_STYLE)
        yield


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure as SVG with its checksum atomically. Equal figures give equal bytes."""
    with style(), whole_file(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None})
        seal_figure(part)


def message_figure(text: str) -> Figure:
    """Return a figure that shows only a message."""
    with style():
        figure = Figure(figsize=(6, 1.6))
        figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=11, wrap=True)
    return figure


def nothing_to_draw(statuses: Iterable[str]) -> Figure:
    """Return a figure with a message for runs without a finished run. statuses: of the runs."""
    return message_figure("Every run diverged" if list(statuses) else "No runs")


def title_of(runs: str, statuses: Iterable[str]) -> str:
    """Return the title of a panel. If runs diverged, the title counts them. statuses: of the runs."""
    found = list(statuses)
    diverged = found.count("diverged")
    return f"{runs}\n{diverged} of {len(found)} diverged" if diverged else runs


def looks(values: Sequence[Any], **kinds: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """Return plot arguments for each value: a colour, and one style of each kind such as marker=MARKERS."""
    given = {"color": colours(values), **{name: styles(values, of) for name, of in kinds.items()}}
    return {value: {name: of[value] for name, of in given.items()} for value in values}


def colours(values: Sequence[Any]) -> dict[Any, Any]:
    """Return a colour for each value: from the palette, or from a dark-to-light scale if there are many values."""
    if len(values) <= len(COLOURS):
        return dict(zip(values, COLOURS, strict=False))
    shades = mpl.colormaps["viridis"]
    return {value: shades(0.9 * i / (len(values) - 1)) for i, value in enumerate(values)}


def styles(values: Sequence[Any], kinds: Sequence[Any]) -> dict[Any, Any]:
    """Return a marker or a line style for each value. With more values than kinds, all get the first kind."""
    if len(values) > len(kinds):
        return dict.fromkeys(values, kinds[0])
    return dict(zip(values, kinds, strict=False))


def entries(values: Sequence[Any], name: str, look: Callable[[Any], dict[str, Any]]) -> list[Line2D]:
    """Return legend entries for values, at most LEGEND_ENTRIES. look: returns the plot arguments of a value."""
    shown = values
    if len(values) > LEGEND_ENTRIES:
        last = len(values) - 1
        shown = [values[round(i * last / (LEGEND_ENTRIES - 1))] for i in range(LEGEND_ENTRIES)]
    return [
        Line2D([], [], **{"color": INK, **look(value)}, label=name.format(canonical_text(value))) for value in shown
    ]


def legend(figure: Figure, *groups: Sequence[Artist]) -> None:
    """Draw a legend above the panels: first these groups, then everything that has a label, once each.

    Each group starts a new line. A line holds as many entries as fit.
    """
    groups = tuple(filter(None, (*groups, _labelled(figure))))
    longest = max(len(str(handle.get_label())) for group in groups for handle in group)
    columns = max(1, int(figure.get_figwidth() / (0.75 + 0.08 * longest)))
    columns = min(columns, max(map(len, groups)))
    lines = [group[i : i + columns] for group in groups for i in range(0, len(group), columns)]
    blank = Line2D([], [], linestyle="", label=" ")
    # Matplotlib fills a legend column by column.
    handles = [line[i] if i < len(line) else blank for i in range(columns) for line in lines]
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, handlelength=2.6)


def _labelled(figure: Figure) -> list[Artist]:
    pairs = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in figure.axes)
    return list({label: handle for handle, label in itertools.chain(*pairs)}.values())
