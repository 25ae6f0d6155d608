"""Plot of learning curves, with a panel for each activation and learning rate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from handgrad.plots.panels import panels, scale_fault_rates
from handgrad.plots.ranges import panel_texts
from handgrad.plots.style import (
    CROSS,
    INK,
    L2_TEXT,
    LINES,
    MARKERS,
    entries,
    legend,
    looks,
    nothing_to_draw,
    style,
    styles,
)
from handgrad.tables.seeds import SETTING_AXES

if TYPE_CHECKING:  # scripts of figures must not depend on the imports of training
    from handgrad.storage.run_reader import Summary

Array = NDArray[Any]

CROWDED = 16  # with more lines in a panel, lines are thin and share one small marker
BANDS = 8  # with more lines in a panel, no bands are drawn, because they would hide each other
LINES_OF_PANEL = 30  # with more settings in a panel, only the best ones are drawn

_PANEL = ["activation", "panel"]


def learning_curves(summaries: Sequence["Summary"]) -> Figure:
    """Return a plot of the test fault rate by epoch. Colour and marker show hidden units, line style shows l2.

    A line is the mean over the seeds of a setting. At each epoch, it includes the seeds that have not diverged before.
    If a panel has few lines (BANDS), a band goes from the smallest to the largest of these seeds. Lines that differ
    only in other axes look the same. A cross marks the last epoch with a finite loss of each diverged run. The title
    of a panel counts these runs.
    """
    curves = [_fault_rates(summary) for summary in summaries]
    if not any(map(len, curves)):
        return nothing_to_draw([summary.status for summary in summaries])
    every = pd.DataFrame([{**vars(one.run), "status": one.status} for one in summaries]).assign(curve=pd.Series(curves))
    every = every.assign(panel=panel_texts(every["learning_rate"]))
    runs, left_out = _best_lines(every[every["curve"].map(len) > 0])
    most_lines = int(runs.drop_duplicates(list(SETTING_AXES)).value_counts(_PANEL).max())
    crowded = most_lines > CROWDED
    hidden_units, l2 = (sorted(runs[name].unique().tolist()) for name in ("hidden_units", "l2"))
    look = looks(hidden_units, marker=["."] if crowded else MARKERS, linewidth=[0.8 if crowded else 1.5])
    line = styles(l2, LINES)
    with style():
        figure, at = panels(every, "{}, learning rate {}")
        # dropna: train_size is missing if all examples are used
        for _, seeds in runs.groupby(list(SETTING_AXES), dropna=False, sort=False):
            first = seeds.iloc[0]
            drawn = {**look[first["hidden_units"]], "linestyle": line[first["l2"]], "markersize": 4}
            _draw_setting(at[tuple(first[_PANEL])], seeds["curve"], drawn, banded=most_lines <= BANDS)
        for _, lost in runs[runs["status"] == "diverged"].iterrows():
            last = len(lost["curve"]), lost["curve"][-1]
            at[tuple(lost[_PANEL])].plot(*last, **CROSS, label="then diverged")
        _scale_axes(next(iter(at.values())), np.concatenate(curves))
        figure.supxlabel(f"Epoch (the best {LINES_OF_PANEL} settings of each panel)" if left_out else "Epoch")
        figure.supylabel("Misclassified test examples (percent)")
        legend(figure, entries(hidden_units, "{} hidden units", look.__getitem__), _line_entries(l2, line))
    return figure


def _fault_rates(summary: "Summary") -> Array:
    """Return the faults in percent of the test examples, for each epoch up to the last one with a finite loss."""
    finite = np.isfinite(summary.history["test_loss"])
    epochs = len(finite) if finite.all() else int(finite.argmin())
    return 100 * summary.history["test_faults"][:epochs] / summary.test_size


def _best_lines(runs: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Return the runs of the best LINES_OF_PANEL settings of each panel, and whether any were left out.

    The best settings have the smallest mean fault rate after the last epoch.
    """
    setting = runs.groupby(list(SETTING_AXES), dropna=False, sort=False).ngroup()
    ends = runs[_PANEL].assign(setting=setting, last=runs["curve"].map(lambda curve: curve[-1]))
    means = ends.groupby([*_PANEL, "setting"], observed=True)["last"].mean().reset_index()
    best = means.sort_values("last", kind="stable").groupby(_PANEL, observed=True).head(LINES_OF_PANEL)
    return runs[setting.isin(best["setting"])], len(best) < len(means)


def _draw_setting(axes: Axes, curves: "pd.Series[Any]", look: dict[str, Any], *, banded: bool) -> None:
    """Draw the mean and the range over seeds. Each epoch includes the seeds that have not diverged before."""
    seeds = pd.concat(map(pd.Series, curves), axis=1)
    seeds.index += 1
    axes.plot(seeds.mean(axis=1), markevery=max(1, len(seeds) // 5), alpha=0.9, **look)
    several = seeds[seeds.count(axis=1) >= 2]
    if banded and len(several):
        ends = several.min(axis=1), several.max(axis=1)
        axes.fill_between(several.index, *ends, color=look["color"], alpha=0.2, zorder=1, label="range over seeds")


def _scale_axes(axes: Axes, rates: Array) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    scale_fault_rates(axes, rates)


def _line_entries(l2: Sequence[float], line: dict[float, Any]) -> list[Line2D]:
    if len(l2) > len(LINES):
        return [Line2D([], [], color=INK, label=f"λ: {len(l2)} values, same line style")]
    return entries(l2, L2_TEXT, lambda value: {"linestyle": line[value]})
