"""Learning curves: a panel for each activation and learning rate."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from handgrad.experiment.runs import Run
from handgrad.plots.panels import fixed_ticks, log_ticks, run_panels
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

if TYPE_CHECKING:  # the figures made from tables must not depend on what training imports
    from handgrad.storage.run_reader import Summary

Array = NDArray[Any]

CROWDED = 16  # with more lines in a panel, they are thin and have no markers
BANDS = 8  # with more lines in a panel, bands over seeds would hide each other: there are none
BAND_ALPHA = 0.2
LOG_RATIO = 4  # largest to smallest fault rate from which on the axis is logarithmic


def learning_curves(summaries: Sequence["Summary"]) -> Figure:
    """Test fault rate against epoch; colour and marker by hidden units, line style by l2.

    A line is the mean, at each epoch, over runs that differ in the seed alone, of those that have not
    diverged before; a band behind it goes from the smallest to the largest of them, where a panel has few
    lines (BANDS). Lines that differ in other axes are drawn alike. A cross marks the last epoch with a finite
    loss of each run that diverged, and its panel's title counts them.
    """
    curves = [_fault_rates(summary) for summary in summaries]
    if not any(len(curve) for curve in curves):
        return nothing_to_draw([summary.status for summary in summaries])
    settings = _over_seeds(summaries, curves)
    hidden_units = sorted({run.hidden_units for run in settings})
    l2 = sorted({run.l2 for run in settings})
    lines = max(Counter((run.activation, run.learning_rate) for run in settings).values())
    look = looks(hidden_units, marker=[""] if lines > CROWDED else MARKERS, markersize=[4])
    line = styles(l2, LINES)
    thin = {"linewidth": 0.8, "alpha": 0.7} if lines > CROWDED else {"alpha": 0.9}
    banded = lines <= BANDS and any(seeds.shape[1] > 1 for seeds in settings.values())
    with style():
        figure, at = run_panels((s.run.activation, s.run.learning_rate, s.status) for s in summaries)
        for run, seeds in settings.items():
            axes = at[run.activation, run.learning_rate]
            if banded:
                _draw_band(axes, seeds, look[run.hidden_units]["color"])
            _draw_curve(axes, np.nanmean(seeds, axis=1), {**look[run.hidden_units], "linestyle": line[run.l2], **thin})
        crossed = _draw_crosses(at, summaries, curves)
        _scale_fault_rates(next(iter(at.values())), np.concatenate(curves))
        figure.supxlabel("Epoch")
        figure.supylabel("Test faults (percent of test images)")
        legend(
            figure,
            entries(hidden_units, "{} hidden units", look.__getitem__),
            _line_entries(l2, line),
            _other_entries(banded, crossed),
        )
    return figure


def _fault_rates(summary: "Summary") -> Array:
    """Percent of the test examples, for each epoch up to the last one with a finite loss."""
    finite = np.isfinite(summary.history["test_loss"])
    epochs = len(finite) if finite.all() else int(finite.argmin())
    return 100 * summary.history["test_faults"][:epochs] / summary.test_size


def _over_seeds(summaries: Sequence["Summary"], curves: Sequence[Array]) -> dict[Run, Array]:
    """The curves of each setting, epochs x seeds, NaN from where a seed diverged; of those with an epoch to show."""
    settings: dict[Run, list[Array]] = {}
    for summary, curve in zip(summaries, curves, strict=True):
        if len(curve):
            settings.setdefault(replace(summary.run, seed=0), []).append(curve)
    return {run: np.array(list(zip_longest(*seeds, fillvalue=np.nan))) for run, seeds in settings.items()}


def _draw_curve(axes: Axes, curve: Array, look: dict[str, Any]) -> None:
    if len(curve) == 1:  # a line through one point is no line
        look = {**look, "marker": look["marker"] or "."}
    axes.plot(np.arange(1, len(curve) + 1), curve, markevery=max(1, len(curve) // 5), **look)


def _draw_band(axes: Axes, seeds: Array, colour: Any) -> None:
    """From the smallest to the largest, at each epoch that two seeds have or more."""
    epochs = 1 + np.flatnonzero(np.isfinite(seeds).sum(axis=1) >= 2)
    if len(epochs):
        edge = 2 if len(epochs) == 1 else 0  # a band over one epoch has no width of its own
        ends = np.nanmin(seeds[epochs - 1], axis=1), np.nanmax(seeds[epochs - 1], axis=1)
        axes.fill_between(epochs, *ends, color=colour, alpha=BAND_ALPHA, linewidth=edge, zorder=1)


def _draw_crosses(at: dict[Any, Axes], summaries: Sequence["Summary"], curves: Sequence[Array]) -> bool:
    """A cross where each run was last before it diverged; whether there is one."""
    crossed = False
    for summary, curve in zip(summaries, curves, strict=True):
        if summary.status == "diverged" and len(curve):
            at[summary.run.activation, summary.run.learning_rate].plot(len(curve), curve[-1], **CROSS)
            crossed = True
    return crossed


def _other_entries(banded: bool, crossed: bool) -> list[Any]:
    band = Patch(color=INK, alpha=BAND_ALPHA, linewidth=0, label="range over seeds")
    cross = Line2D([], [], **CROSS, label="then diverged")
    return [*([band] if banded else []), *([cross] if crossed else [])]


def _scale_fault_rates(axes: Axes, rates: Any) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    low, high = float(rates.min()), float(rates.max())
    if low > 0 and high / low > LOG_RATIO:
        axes.set_yscale("log")
        low, high = low / 1.1, high * 1.1
        fixed_ticks(axes.yaxis, log_ticks(low, high))
        axes.set_ylim(low, high)


def _line_entries(l2: Sequence[float], line: dict[float, Any]) -> list[Line2D]:
    if len(l2) > len(LINES):
        return [Line2D([], [], color=INK, label=f"λ: {len(l2)} values, drawn alike")]
    return entries(l2, L2_TEXT, lambda value: {"linestyle": line[value]})
