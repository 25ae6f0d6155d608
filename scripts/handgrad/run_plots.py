"""Figures of an experiment's runs: learning curves, and accuracy by hidden units.

Both have a panel for each activation and learning rate.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from handgrad.plot_style import (
    INK,
    LINES,
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
from handgrad.runs import AXES, canonical_text

if TYPE_CHECKING:  # the figures made from tables must not depend on what training imports
    from handgrad.run_reader import Summary

L2_TEXT = "λ = {}"
CROWDED = 16  # lines in a panel from which on they are thin and have no markers
LOG_RATIO = 4  # largest to smallest fault rate from which on the axis is logarithmic
ACCURACY_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)

_CROSS: dict[str, Any] = {"linestyle": "", "marker": "x", "color": INK, "markersize": 7, "zorder": 3}


def learning_curves(summaries: Sequence["Summary"]) -> Figure:
    """Test fault rate against epoch; colour and marker by hidden units, line style by l2.

    Runs that differ in nothing but other axes or the seed are drawn alike. A run that diverged is drawn up
    to its last epoch with a finite loss, which a cross marks, and is counted in its panel's title.
    """
    curves = [_fault_rates(summary) for summary in summaries]
    if not any(len(curve) for curve in curves):
        return _nothing([summary.status for summary in summaries])
    hidden_units = sorted({summary.run.hidden_units for summary in summaries})
    l2 = sorted({summary.run.l2 for summary in summaries})
    crowded = max(_lines_a_panel(summaries)) > CROWDED
    marker = styles(hidden_units, [""] if crowded else MARKERS)
    colour, line = colours(hidden_units), styles(l2, LINES)
    look = {hu: {"color": colour[hu], "marker": marker[hu], "markersize": 4} for hu in hidden_units}
    with style():
        figure, at = _run_panels((s.run.activation, s.run.learning_rate, s.status) for s in summaries)
        for summary, curve in zip(summaries, curves, strict=True):
            run = summary.run
            axes = at[run.activation, run.learning_rate]
            thin = {"linewidth": 0.8, "alpha": 0.7} if crowded else {"alpha": 0.9}
            _draw_curve(axes, curve, {**look[run.hidden_units], "linestyle": line[run.l2], **thin})
            if summary.status == "diverged" and len(curve):
                axes.plot(len(curve), curve[-1], **_CROSS)
        _scale_fault_rates(next(iter(at.values())), np.concatenate(curves))
        figure.supxlabel("Epoch")
        figure.supylabel("Test faults (percent of test images)")
        crosses = [Line2D([], [], **_CROSS, label="then diverged")]
        legend(
            figure,
            entries(hidden_units, "{} hidden units", look.__getitem__),
            _line_entries(l2, line) + (crosses if _crossed(summaries) else []),
        )
    return figure


def _fault_rates(summary: "Summary") -> Any:
    """Percent of the test examples, for each epoch up to the last one with a finite loss."""
    finite = np.isfinite(summary.history["test_loss"])
    epochs = len(finite) if finite.all() else int(finite.argmin())
    return 100 * summary.history["test_faults"][:epochs] / summary.test_size


def _draw_curve(axes: Axes, curve: Any, look: dict[str, Any]) -> None:
    if len(curve) == 1:  # a line through one point is no line
        look = {**look, "marker": look["marker"] or "."}
    axes.plot(np.arange(1, len(curve) + 1), curve, markevery=max(1, len(curve) // 5), **look)


def _scale_fault_rates(axes: Axes, rates: Any) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    low, high = float(rates.min()), float(rates.max())
    if low > 0 and high / low > LOG_RATIO:
        axes.set_yscale("log")
        low, high = low / 1.1, high * 1.1
        fixed_ticks(axes.yaxis, log_ticks(low, high))
        axes.set_ylim(low, high)


def _lines_a_panel(summaries: Iterable["Summary"]) -> list[int]:
    return list(Counter((s.run.activation, s.run.learning_rate) for s in summaries).values())


def _line_entries(l2: Sequence[float], line: dict[float, Any]) -> list[Line2D]:
    if len(l2) > len(LINES):
        return [Line2D([], [], color=INK, label=f"λ: {len(l2)} values, drawn alike")]
    return entries(l2, L2_TEXT, lambda value: {"linestyle": line[value]})


def _crossed(summaries: Iterable["Summary"]) -> bool:
    return any(s.status == "diverged" and len(_fault_rates(s)) for s in summaries)


def accuracy_by_hidden_units(results: pd.DataFrame) -> Figure:
    """Test accuracy by hidden units; colour, marker and line style by l2. results: a table of results.

    A point is a run. A line joins, over hidden units, the means of runs that are otherwise equal but for the
    seed. Runs that diverged are counted in their panel's title.
    """
    finished = results[results["status"] == "finished"]
    if finished.empty:
        return _nothing(results["status"])
    l2 = sorted(finished["l2"].unique().tolist())
    colour, marker, line = colours(l2), styles(l2, MARKERS), styles(l2, LINES)
    look = {
        value: {"color": colour[value], "marker": marker[value], "linestyle": line[value], "markersize": 5}
        for value in l2
    }
    with style():
        figure, at = _run_panels(
            results[["activation", "learning_rate", "status"]].itertuples(index=False, name=None)
        )
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
    low, high = float(finished["accuracy"].min()), float(finished["accuracy"].max())
    if high > 0.9 and high - low > 0.1 and low > 0 and high < 1:
        # Near 1 a percent more is much, near 0.5 it is little; the logit scale shows both.
        axes.set_yscale("logit")
        low, high = low / (low + (1 - low) * 1.2), high * 1.2 / (high * 1.2 + 1 - high)
        fixed_ticks(axes.yaxis, [t for t in ACCURACY_TICKS if low <= t <= high], _percent)
        axes.set_ylim(low, high)
    else:
        axes.yaxis.set_major_formatter(lambda value, _: _percent(value))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.6g}"


def _run_panels(runs: Iterable[tuple[str, float, str]]) -> tuple[Figure, dict[Any, Axes]]:
    """A panel for each activation and learning rate, from the (activation, learning rate, status) of runs."""
    statuses: dict[tuple[str, float], list[str]] = {}
    for activation, learning_rate, status in runs:
        statuses.setdefault((activation, learning_rate), []).append(status)
    activations = list(dict.fromkeys(activation for activation, _ in statuses))
    order = sorted(statuses, key=lambda key: (activations.index(key[0]), key[1]))
    figure, at = panels(order, rows_by=lambda key: key[0])
    for key, axes in at.items():
        diverged = statuses[key].count("diverged")
        note = f"\n{diverged} of {len(statuses[key])} diverged" if diverged else ""
        axes.set_title(f"{key[0]}, learning rate {canonical_text(key[1])}{note}")
    return figure, at


def _nothing(statuses: Iterable[str]) -> Figure:
    count = len(list(statuses))
    if not count:
        return message_figure("No runs")
    return message_figure("The only run diverged" if count == 1 else f"All {count} runs diverged")
