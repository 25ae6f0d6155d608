"""Published against reproduced faults."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from handgrad.comparison_tables import WITHIN_PERCENT
from handgrad.plot_style import (
    FAINT,
    INK,
    MARKERS,
    colours,
    entries,
    fixed_ticks,
    legend,
    log_ticks,
    message_figure,
    panels,
    style,
    styles,
)
from handgrad.tables import Row, rows_of

LEAST = 0.5  # of a fault: where no fault at all stands on a logarithmic axis


def published_against_reproduced(comparison: pd.DataFrame) -> Figure:
    """Fault rates, published against ours, on logarithmic axes; a panel for each dataset.

    comparison: a table of ``comparison_table``. A point is a run; marker by activation, colour and filling
    by learning rate. The band holds what lies within WITHIN_PERCENT of the published faults. Rows without
    a finished run are counted in the panel's title.
    """
    finished = comparison[comparison["faults"].notna()]
    if finished.empty:
        return message_figure(f"None of the {len(comparison)} published rows has a finished run")
    activations = sorted(finished["activation"].unique())
    rates = sorted(finished["learning_rate"].unique().tolist())
    marker = {name: {"marker": kind, "linestyle": ""} for name, kind in styles(activations, MARKERS).items()}
    colour = {rate: _rate_look(tint, rate == rates[0]) for rate, tint in colours(rates).items()}
    with style():
        figure, at = panels(finished["dataset"].unique(), square=True)
        for dataset, axes in at.items():
            axes.set_title(_title(comparison[comparison["dataset"] == dataset], dataset))
            _frame(axes, finished[finished["dataset"] == dataset])
        for row in rows_of(finished):
            at[row["dataset"]].plot(
                _percent(row, "published_"),
                _percent(row),
                **marker[row["activation"]],
                **colour[row["learning_rate"]],
            )
        figure.supxlabel("Published test faults (percent of test images)")
        figure.supylabel("Reproduced test faults\n(percent of test images)", multialignment="center")
        dot = {**marker[activations[0]], "marker": "o"}
        legend(
            figure,
            entries(activations, "{}", marker.__getitem__),
            [
                *entries(rates, "learning rate {}", lambda rate: {**dot, **colour[rate]}),
                Patch(color=FAINT, label=f"within {WITHIN_PERCENT} percent"),
            ],
        )
    return figure


def _rate_look(colour: Any, filled: bool) -> dict[str, Any]:
    face = colour if filled else "none"
    return {"color": colour, "markerfacecolor": face, "markersize": 6, "alpha": 0.85}


def _percent(row: Row, whose: str = "") -> float:
    return 100 * max(float(row[f"{whose}faults"]), LEAST) / float(row[f"{whose}test_size"])


def _title(comparison: pd.DataFrame, dataset: str) -> str:
    runs = int(comparison["run"].notna().sum())
    within = int((comparison["difference_percent"].abs() <= WITHIN_PERCENT).sum())
    left_out = [
        f"{count} {status}"
        for status in ("not run", "diverged")
        if (count := int((comparison["status"] == status).sum()))
    ]
    first = f"{dataset}: {within} of {runs} runs within {WITHIN_PERCENT} percent"
    return "\n".join([first, *([f"not shown: {', '.join(left_out)}"] if left_out else [])])


def _frame(axes: Axes, finished: pd.DataFrame) -> None:
    """Equal logarithmic axes around the points, the diagonal and the band."""
    rates = [_percent(row, whose) for row in rows_of(finished) for whose in ("", "published_")]
    ratio = max(rates) / min(rates)
    margin = max(1.08 * ratio**0.03, 1.4 / ratio)  # at least so wide that the band has an end
    low, high = min(rates) / margin, max(rates) * margin
    ends = np.array([low, high])
    axes.fill_between(
        ends, ends * (1 - WITHIN_PERCENT / 100), ends * (1 + WITHIN_PERCENT / 100), color=FAINT, linewidth=0
    )
    axes.plot(ends, ends, color=INK, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), box_aspect=1)
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        fixed_ticks(axis, log_ticks(low, high))
