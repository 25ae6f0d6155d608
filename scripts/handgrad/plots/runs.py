"""Figures of an experiment's runs: learning curves, and accuracy by hidden units.

Both have a panel for each activation and learning rate.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from handgrad.experiment.runs import AXES, Run, canonical_text
from handgrad.plots.style import (
    CROSS,
    INK,
    LINES,
    MARKERS,
    colours,
    counted,
    entries,
    fixed_ticks,
    legend,
    log_ticks,
    nothing_to_draw,
    panels,
    scale_accuracies,
    style,
    styles,
)

if TYPE_CHECKING:  # the figures made from tables must not depend on what training imports
    from handgrad.storage.run_reader import Summary

Array = NDArray[Any]

L2_TEXT = "λ = {}"
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
    marker = styles(hidden_units, [""] if lines > CROWDED else MARKERS)
    colour, line = colours(hidden_units), styles(l2, LINES)
    look = {hu: {"color": colour[hu], "marker": marker[hu], "markersize": 4} for hu in hidden_units}
    thin = {"linewidth": 0.8, "alpha": 0.7} if lines > CROWDED else {"alpha": 0.9}
    banded = lines <= BANDS and any(len(seeds) > 1 for seeds in settings.values())
    with style():
        figure, at = _run_panels((s.run.activation, s.run.learning_rate, s.status) for s in summaries)
        for run, seeds in settings.items():
            axes = at[run.activation, run.learning_rate]
            if banded:
                _draw_band(axes, seeds, colour[run.hidden_units])
            _draw_curve(axes, _mean(seeds), {**look[run.hidden_units], "linestyle": line[run.l2], **thin})
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


def _over_seeds(summaries: Sequence["Summary"], curves: Sequence[Array]) -> dict[Run, list[Array]]:
    """The curves of each setting, a run with the seed taken out; of those that have an epoch to show."""
    settings: dict[Run, list[Array]] = {}
    for summary, curve in zip(summaries, curves, strict=True):
        if len(curve):
            settings.setdefault(replace(summary.run, seed=0), []).append(curve)
    return settings


def _alive(seeds: Sequence[Array], least: int) -> list[Array]:
    """The values of all seeds at each epoch that as many of them have at least."""
    epochs = sorted(map(len, seeds), reverse=True)[least - 1]
    return [np.array([curve[epoch] for curve in seeds if epoch < len(curve)]) for epoch in range(epochs)]


def _mean(seeds: Sequence[Array]) -> Array:
    """Of the seeds that are there at each epoch."""
    return np.array([values.mean() for values in _alive(seeds, 1)])


def _draw_curve(axes: Axes, curve: Array, look: dict[str, Any]) -> None:
    if len(curve) == 1:  # a line through one point is no line
        look = {**look, "marker": look["marker"] or "."}
    axes.plot(np.arange(1, len(curve) + 1), curve, markevery=max(1, len(curve) // 5), **look)


def _draw_band(axes: Axes, seeds: Sequence[Array], colour: Any) -> None:
    """From the smallest to the largest, at each epoch that two seeds have or more."""
    if len(seeds) < 2:
        return
    alive = _alive(seeds, 2)
    low, high = ([float(pick(values)) for values in alive] for pick in (np.min, np.max))
    edge = 2 if len(alive) == 1 else 0  # a band over one epoch has no width of its own
    epochs = np.arange(1, len(alive) + 1)
    axes.fill_between(epochs, low, high, color=colour, alpha=BAND_ALPHA, linewidth=edge, zorder=1)


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


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Test accuracy by hidden units; colour, marker and line style by l2. results: a table of results.

    A point is a run. A line joins, over hidden units, the means of runs that are otherwise equal but for the
    seed. Runs that diverged are counted in their panel's title.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(results["status"])
    l2 = sorted(finished["l2"].unique().tolist())
    colour, marker, line = colours(l2), styles(l2, MARKERS), styles(l2, LINES)
    look = {
        value: {"color": colour[value], "marker": marker[value], "linestyle": line[value], "markersize": 5}
        for value in l2
    }
    with style():
        figure, at = _run_panels(results[["activation", "learning_rate", "status"]].itertuples(index=False, name=None))
        lines = [axis for axis in AXES if axis not in ("hidden_units", "seed")]
        # dropna: train_size is missing where all examples are used.
        for _, runs in finished.groupby(lines, dropna=False, sort=False):
            first = runs.iloc[0]
            _draw_accuracy(at[first["activation"], first["learning_rate"]], runs, look[first["l2"]])
        _scale_accuracy(next(iter(at.values())), finished)
        figure.supxlabel("Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(l2, L2_TEXT, look.__getitem__))
    return figure


def _draw_accuracy(axes: Axes, runs: pd.DataFrame, look: dict[str, Any]) -> None:
    means = runs.groupby("hidden_units")["accuracy"].mean()
    axes.plot(means.index.to_numpy(float), means.to_numpy(), **{**look, "marker": ""}, linewidth=1.2)
    axes.plot(
        runs["hidden_units"].to_numpy(float),
        runs["accuracy"].to_numpy(),
        **{**look, "linestyle": ""},
        alpha=0.8,
    )


def _scale_accuracy(axes: Axes, finished: pd.DataFrame) -> None:
    hidden_units = sorted({int(value) for value in finished["hidden_units"]})
    if hidden_units[-1] >= 10 * hidden_units[0]:
        axes.set_xscale("log")
        fixed_ticks(
            axes.xaxis,
            hidden_units if len(hidden_units) <= 5 else log_ticks(hidden_units[0], hidden_units[-1]),
        )
    elif len(hidden_units) <= 6:
        fixed_ticks(axes.xaxis, hidden_units)
    scale_accuracies(axes, float(finished["accuracy"].min()), float(finished["accuracy"].max()))


def _run_panels(runs: Iterable[tuple[str, float, str]]) -> tuple[Figure, dict[Any, Axes]]:
    """A panel for each activation and learning rate, from the (activation, learning rate, status) of runs."""
    statuses: dict[tuple[str, float], list[str]] = {}
    for activation, learning_rate, status in runs:
        statuses.setdefault((activation, learning_rate), []).append(status)
    activations = list(dict.fromkeys(activation for activation, _ in statuses))
    order = sorted(statuses, key=lambda key: (activations.index(key[0]), key[1]))
    figure, at = panels(order, rows_by=lambda key: key[0])
    for key, axes in at.items():
        axes.set_title(counted(f"{key[0]}, learning rate {canonical_text(key[1])}", statuses[key]))
    return figure, at
