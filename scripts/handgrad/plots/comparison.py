"""Published against reproduced faults: every published row at a glance."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from handgrad.experiment.runs import canonical_text
from handgrad.plots.style import (
    COLOURS,
    FAINT,
    INK,
    fixed_ticks,
    legend,
    log_ticks,
    message_figure,
    new_layout,
    style,
)
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
from handgrad.tables.table import Row, rows_of

LEAST = 0.5  # of a fault: where no fault at all stands on a logarithmic axis
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
    stand the published faults and the mean of ours. The band holds what lies within WITHIN_PERCENT. Rows
    that were not run are counted in the panel's title, with the verdicts.
    """
    run = comparison[comparison["verdict"] != NOT_RUN]
    if not (run["finished"] > 0).any():
        return message_figure(f"None of the {len(comparison)} published rows has a finished run")
    datasets = list(run["dataset"].unique())
    with style():
        figure, panels = _panels(datasets, int(run["dataset"].value_counts().max()))
        for dataset, axes in zip(datasets, panels, strict=True):
            counts = count_verdicts(comparison[comparison["dataset"] == dataset])
            axes.set_title(f"{dataset}, {counts}", pad=18)  # above the head of the numbers
            _draw_rows(axes, rows_of(run[run["dataset"] == dataset]))
        figure.supxlabel("Reproduced faults as a multiple of the published ones")
        legend(figure, _legend_entries(run))
    return figure


def _panels(datasets: Sequence[str], rows: int) -> tuple[Figure, list[Axes]]:
    columns = min(len(datasets), 2)
    lines = math.ceil(len(datasets) / columns)
    height = 0.6 + 0.18 * min(max(rows, 4), NAMED_ROWS)
    figure = Figure(figsize=(6.2 * columns, height * lines + 1), layout=new_layout())
    return figure, [figure.add_subplot(lines, columns, i + 1) for i in range(len(datasets))]


def _legend_entries(run: pd.DataFrame) -> list[Any]:
    shown = [name for name in _LOOKS if (run["verdict"] == name).any()]
    marks = [Line2D([], [], **_LOOKS[name], linestyle="", label=name) for name in shown]
    several = bool((run["finished"] > 1).any())
    spread = [Line2D([], [], color=INK, linewidth=1.5, label="from the fewest to the most, over seeds")]
    band = Patch(color=FAINT, label=f"within {WITHIN_PERCENT} percent")
    return [*marks, *(spread if several else []), band]


def _draw_rows(axes: Axes, rows: Sequence[Row]) -> None:
    ends = [1.0]
    for place, row in enumerate(rows):
        if row["finished"] > 0:
            low, mean, high = (_ratio(row, f"faults_{what}") for what in ("min", "mean", "max"))
            look = _LOOKS[row["verdict"]]
            axes.plot([low, high], [place, place], color=look["color"], linewidth=1.5)
            axes.plot([mean], [place], **look, markersize=5, linestyle="")
            ends += [low, high]
    _frame(axes, ends, len(rows))
    if len(rows) <= NAMED_ROWS:
        _name_rows(axes, rows)
    else:
        axes.set_yticks([])


def _ratio(row: Row, name: str) -> float:
    """A number of our faults as a multiple of the published ones."""
    ours = max(float(row[name]), LEAST) / float(row["test_size"])
    return ours / (max(float(row["published_faults"]), LEAST) / float(row["published_test_size"]))


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


def _name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """What a row is at its left, the published faults and ours at its right, and lines between groups."""
    varied = [name for name in (*KEY, *PROTOCOL) if len({row[name] for row in rows}) > 1]
    names = varied or ["activation"]
    axes.set_yticks(range(len(rows)), [_name(row, names) for row in rows], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    texts = [(-1.0, "published → ours"), *enumerate(map(_both, rows))]
    for place, text in texts:
        axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    groups = [(row["activation"], row["learning_rate"]) for row in rows]
    for place, (one, next_one) in enumerate(itertools.pairwise(groups)):
        if one != next_one:
            axes.axhline(place + 0.5, color=FAINT, linewidth=0.8, zorder=0)


def _both(row: Row) -> str:
    ours = f"{row['faults_mean']:.0f}" if row["finished"] > 0 else "diverged"
    return f"{row['published_faults']} → {ours}"


def _name(row: Row, names: Sequence[str]) -> str:
    return "  ".join(_WORDS.get(name, "{}").format(canonical_text(row[name])) for name in names)
