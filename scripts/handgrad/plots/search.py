"""Plot of the learning curves of a search with halving: where settings stopped, and which were trained to the end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.common.formatting import counted
from handgrad.experiment.runs import Run
from handgrad.plots.panels import dataset_panels, fixed_ticks, scale_fault_rates
from handgrad.plots.style import COLOURS, CROSS, INK, legend, message_figure, style

if TYPE_CHECKING:
    from handgrad.search.parts import Part
    from handgrad.search.rung_files import RungResult

Array = NDArray[Any]

MOST_CURVES = 100  # of settings with the same last part, at most this many are drawn, at equal steps of rank
CROWDED = 30  # more lines than this are thin
LOG_EPOCHS = 10  # from this ratio of the last to the first rung, the axis of epochs is logarithmic

_GREY = "#9aa3ab"
_STOPPED: dict[str, Any] = {"color": _GREY, "linewidth": 0.6, "alpha": 0.7}
_MARK: dict[str, Any] = {
    "color": _GREY,
    "linestyle": "",
    "marker": "o",
    "markersize": 2.5,
    "label": "stopped after a rung",
}
_LOST: dict[str, Any] = {**CROSS, "markersize": 4, "label": "a seed diverged"}
_END: dict[str, Any] = {"color": COLOURS[0], "alpha": 0.8, "zorder": 3, "label": "trained to the end"}
_BEST: dict[str, Any] = {"color": COLOURS[1], "linewidth": 2.2, "zorder": 4, "label": "the best of them"}
_RUNG: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": (0, (2, 2)), "zorder": 1}


@dataclass(frozen=True)
class Curve:
    """The misclassified validation examples of a setting in percent, the mean over its seeds, for each epoch (E,).

    last: number of the last part that it reached. diverged: whether a seed diverged.
    """

    rates: Array
    last: int
    diverged: bool


def search_curves(searches: Sequence[tuple[int, Sequence["Part"]]]) -> Figure:
    """Return a plot of the validation faults of settings by epoch, with a panel for each search of a dataset.

    searches: the entry of ``experiments`` and the parts of each search. Settings that stopped after a rung are grey and
    end in a dot. Settings that were trained to the end are in colour, and the best of them is thick. A setting without
    an epoch before it diverged is not drawn.
    """
    drawn = {_title(block, parts): (parts, found) for block, parts in searches if (found := _curves(parts))}
    if not drawn:
        return message_figure("Every run diverged")
    with style():
        figure, at = dataset_panels(list(drawn), width=7.5, height=3.6)
        for title, axes in at.items():
            axes.set_title(title)
            _draw(axes, *drawn[title])
        figure.supxlabel("Epoch")
        figure.supylabel("Misclassified validation examples (percent)")
        legend(figure)
    return figure


def _curves(parts: Sequence["Part"]) -> list[Curve]:
    """Return the curves of the settings, those that went furthest first, each part from the best to the worst."""
    seeds: dict[Run, dict[int, RungResult]] = {}
    last: dict[Run, int] = {}
    for part in parts:
        for result in part.results:
            seeds.setdefault(_setting(result.run), {})[result.run.seed] = result
        last |= {_setting(ranked.run): part.number for ranked in part.settings}
    order = dict.fromkeys(_setting(ranked.run) for part in reversed(parts) for ranked in part.settings)
    curves = (_curve(list(seeds[setting].values()), last[setting]) for setting in order)
    return [curve for curve in curves if len(curve.rates)]


def _setting(run: Run) -> Run:
    return replace(run, seed=0)


def _curve(seeds: Sequence["RungResult"], last: int) -> Curve:
    """Return the mean over seeds; each epoch includes the seeds that have not diverged before."""
    losses = [seed.validation_loss for seed in seeds]
    lengths = [one.index(None) if None in one else len(one) for one in losses]
    rates = np.full((len(seeds), max(lengths)), np.nan)
    for row, seed, length in zip(rates, seeds, lengths, strict=True):
        row[:length] = seed.validation_faults[:length]
    mean = 100 * np.nanmean(rates, axis=0) / seeds[0].run.validation_size
    return Curve(mean, last, any(seed.diverged for seed in seeds))


def _draw(axes: Axes, parts: Sequence["Part"], curves: Sequence[Curve]) -> None:
    by_part = [_evenly([curve for curve in curves if curve.last == part.number]) for part in parts]
    stopped, ended = [curve for part in by_part[:-1] for curve in part], by_part[-1]
    _lines(axes, stopped, _STOPPED)
    _ends(axes, [curve for curve in stopped if not curve.diverged], _MARK)
    _lines(axes, ended[1:], {**_END, "linewidth": 0.5 if len(ended) > CROWDED else 1})
    _lines(axes, ended[:1], _BEST)
    _ends(axes, [curve for part in by_part for curve in part if curve.diverged], _LOST)
    _scale(axes, [part.until for part in parts], np.concatenate([curve.rates for curve in curves]))


def _lines(axes: Axes, curves: Sequence[Curve], look: dict[str, Any]) -> None:
    lines = [np.column_stack([np.arange(1, len(curve.rates) + 1), curve.rates]) for curve in curves]
    axes.add_collection(LineCollection(lines, **look))


def _ends(axes: Axes, curves: Sequence[Curve], look: dict[str, Any]) -> None:
    if curves:
        axes.plot(*zip(*((len(curve.rates), curve.rates[-1]) for curve in curves), strict=True), **look)


def _scale(axes: Axes, until: Sequence[int], rates: Array) -> None:
    """Mark the rungs and scale both axes. until: the epochs of each part."""
    *rungs, end = until
    for rung in rungs:
        axes.axvline(rung, **_RUNG)
    axes.autoscale_view()
    if end >= LOG_EPOCHS * rungs[0]:
        axes.set_xscale("log")
    fixed_ticks(axes.xaxis, until)
    axes.grid(visible=False, axis="x")
    scale_fault_rates(axes, rates)


def _evenly(curves: Sequence[Curve]) -> Sequence[Curve]:
    """Return at most MOST_CURVES curves, at equal steps."""
    if len(curves) <= MOST_CURVES:
        return curves
    return [curves[i] for i in np.linspace(0, len(curves) - 1, MOST_CURVES).round().astype(int)]


def _title(block: int, parts: Sequence["Part"]) -> str:
    dataset, sizes = parts[0].settings[0].run.dataset, [len(part.settings) for part in parts]
    steps = [f"{size:,} after {part.until}" for size, part in zip(sizes[2:], parts[1:], strict=False)]
    went_on = ", ".join([f"{sizes[1]:,} continued after epoch {parts[0].until}", *steps])
    most = max(before - after for before, after in zip(sizes, [*sizes[1:], 0], strict=True))
    drawn = f"\nat most {MOST_CURVES} with the same end are drawn" if most > MOST_CURVES else ""
    return f"{dataset}\nexperiments[{block}]: {counted(sizes[0], 'setting')}, {went_on}{drawn}"
