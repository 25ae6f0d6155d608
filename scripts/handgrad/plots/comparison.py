"""Published against reproduced faults: every published row at a glance."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from handgrad.plots.panels import dataset_panels, fixed_ticks, log_ticks
from handgrad.plots.style import COLOURS, FAINT, INK, legend, message_figure, style
from handgrad.tables.columns import column, plain_column
from handgrad.tables.comparison import (
    AGREES,
    DIFFERS,
    KEY,
    NOT_RUN,
    PROTOCOL,
    UNSTABLE,
    WITHIN_PERCENT,
    count_verdicts,
)

SMALLEST = 0.5  # of a fault: where no fault at all is on a logarithmic axis
NAMED_ROWS = 80  # in a panel; with more rows there is no room for their names and numbers

_LOOKS: dict[str, dict[str, Any]] = {
    AGREES: {"color": COLOURS[0], "marker": "o"},
    DIFFERS: {"color": COLOURS[1], "marker": "s", "markerfacecolor": "white"},
    UNSTABLE: {"color": INK, "marker": "D", "markerfacecolor": COLOURS[4]},
}
_WORDS = {
    "activation": "{}",
    "hidden_units": "M {}",
    "learning_rate": "η {}",
    "batch_size": "B {}",
    "epochs": "{} epochs",
    "l2": "λ {}",
}


def published_against_reproduced(comparison: pd.DataFrame) -> Figure:
    """Reproduced faults as a multiple of the published ones, a line a row; a panel for each dataset.

    comparison: a table of ``comparison_table``. A marker is the mean over the seeds, its shape and colour the
    verdict, the bar behind it from the seed with the fewest faults to the one with the most. At the right
    are the published faults and the mean of ours. The band spans WITHIN_PERCENT on both sides. Rows
    that were not run are counted in the panel's title, with the verdicts.
    """
    run = comparison[comparison["verdict"] != NOT_RUN]
    if not (run["finished"] > 0).any():
        return message_figure("No published row has a finished run")
    datasets = list(run["dataset"].unique())
    with style():
        height = 0.6 + 0.18 * min(max(run["dataset"].value_counts().max(), 4), NAMED_ROWS)
        figure, panels = dataset_panels(datasets, widths=(6.2, 12.4), height=height, above=1)
        for dataset, axes in panels.items():
            counts = count_verdicts(comparison[comparison["dataset"] == dataset])
            axes.set_title(f"{dataset}, {counts}", pad=18)  # above the head of the numbers
            _draw_rows(axes, run[run["dataset"] == dataset])
        figure.supxlabel("Reproduced faults as a multiple of the published ones")
        legend(figure, _legend_entries(run))
    return figure


def _legend_entries(run: pd.DataFrame) -> list[Any]:
    shown = [name for name in _LOOKS if (run["verdict"] == name).any()]
    marks = [Line2D([], [], **_LOOKS[name], linestyle="", label=name) for name in shown]
    several = bool((run["finished"] > 1).any())
    spread = [Line2D([], [], color=INK, linewidth=1.5, label="from the fewest to the most, over seeds")]
    band = Patch(color=FAINT, label=f"within {WITHIN_PERCENT} percent")
    return [*marks, *(spread if several else []), band]


def _draw_rows(axes: Axes, rows: pd.DataFrame) -> None:
    low, mean, high = (_ratios(rows, f"faults_{what}") for what in ("min", "mean", "max"))
    finished = np.flatnonzero(rows["finished"] > 0)
    for place in finished:
        look = _LOOKS[rows["verdict"].iloc[place]]
        axes.plot([low[place], high[place]], [place, place], color=look["color"], linewidth=1.5)
        axes.plot([mean[place]], [place], **look, markersize=5, linestyle="")
    _frame(axes, [1.0, *low[finished], *high[finished]], len(rows))
    if len(rows) <= NAMED_ROWS:
        _name_rows(axes, rows)
    else:
        axes.set_yticks([])


def _ratios(rows: pd.DataFrame, name: str) -> NDArray[Any]:
    """Numbers of our faults as multiples of the published ones."""
    ours, theirs = (rows[faults].astype("float64").clip(SMALLEST) for faults in (name, "published_faults"))
    return (ours / rows["test_size"] / (theirs / rows["published_test_size"])).to_numpy(float)


def _frame(axes: Axes, ends: Sequence[float], rows: int) -> None:
    """A logarithmic axis around these ratios, with a line at 1 and the band around it."""
    low, high = min(*ends, 0.85), max(*ends, 1.18)
    margin = (high / low) ** 0.04
    low, high = low / margin, high * margin
    axes.set(xscale="log", xlim=(low, high), ylim=(rows - 0.3, -0.7))
    axes.axvspan(1 - WITHIN_PERCENT / 100, 1 + WITHIN_PERCENT / 100, color=FAINT, linewidth=0, zorder=0)
    axes.axvline(1, color=INK, linewidth=0.8, zorder=1)
    tenths = [i / 10 for i in range(1, 30) if low <= i / 10 <= high]
    fixed_ticks(axes.xaxis, tenths if high < 2.5 * low else log_ticks(low, high))


def _name_rows(axes: Axes, rows: pd.DataFrame) -> None:
    """What a row is at its left, the published faults and ours at its right, and lines between groups."""
    varying = [name for name in (*KEY, *PROTOCOL) if len(rows[name].unique()) > 1]
    names = _names(rows, varying or ["activation"])
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    ours = column("ours", "{:.0f}", rows["faults_mean"], missing="diverged").texts
    both = (" → ".join(pair) for pair in zip(plain_column(rows, "published_faults").texts, ours, strict=True))
    for place, text in [(-1.0, "published → ours"), *enumerate(both)]:
        axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    groups = zip(rows["activation"], rows["learning_rate"], strict=True)
    for place, (one, next_one) in enumerate(itertools.pairwise(groups)):
        if one != next_one:
            axes.axhline(place + 0.5, color=FAINT, linewidth=0.8, zorder=0)


def _names(rows: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    texts = [map(_WORDS.get(name, "{}").format, plain_column(rows, name).texts) for name in axes]
    return ["  ".join(parts) for parts in zip(*texts, strict=True)]
