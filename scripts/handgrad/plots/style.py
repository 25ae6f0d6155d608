"""One style for all plots: colours, markers, legends and the way to a file.

Plots are made without pyplot, which would keep global state. Colour-blind people can tell the colours
apart (Okabe and Ito 2008), which are never the only difference.
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
FONT = "DejaVu Sans"  # comes with matplotlib: the same shapes on every machine
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))

LEGEND_ENTRIES = 8  # of one kind; of more values, this many are shown, evenly chosen

L2_TEXT = "λ = {}"
#: where a run that diverged is, or was last
CROSS: dict[str, Any] = {"linestyle": "", "marker": "x", "color": INK, "markersize": 7, "zorder": 3}


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
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
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


def looks(values: Sequence[Any], **kinds: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """A colour for each value, and of each kind, such as marker=MARKERS, one for each (``styles``)."""
    given = {"color": colours(values), **{name: styles(values, of) for name, of in kinds.items()}}
    return {value: {name: of[value] for name, of in given.items()} for value in values}


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
    """A legend above the panels: these groups, and at the end all that is drawn with a label, once each.

    Each group begins on a new line, which holds as many entries as fit.
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
