"""Plot of the faults of each seed of the best settings, with a line for each setting."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from handgrad.common.formatting import counted
from handgrad.plots.panels import LOG_RATIO, log_ticks
from handgrad.plots.style import COLOURS, INK, legend, message_figure, nothing_to_draw, style
from handgrad.plots.text import row_names
from handgrad.tables.seed_variance import SeedVariance, mean_interval, repeated_settings, seed_variance
from handgrad.tables.seeds import SETTING_AXES

INTERVAL_SEEDS = 3  # the interval of two seeds would be nine standard deviations to each side
SMALLEST = 0.5  # on a logarithmic axis, an interval ends at half a fault

_MAIN = ("activation", "hidden_units")
_HEIGHT = 0.26  # inches, of a setting

_SEED: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 5, "alpha": 0.75}
_MEAN: dict[str, Any] = {"color": INK, "marker": "|", "markersize": 13, "markeredgewidth": 2}
_INTERVAL: dict[str, Any] = {"color": COLOURS[1], "linewidth": 5, "alpha": 0.4}


def faults_by_seed(results: pd.DataFrame) -> Figure:
    """Return a plot of the test faults of each seed, with a line for each of the best settings.

    The setting with the fewest mean faults is at the top; those with diverged seeds are at the bottom.

    results: a table of results of one dataset. Settings with fewer than two finished seeds are left out. The mean of at
    least INTERVAL_SEEDS seeds has its 95% interval over seeds. The title compares the standard deviation over seeds
    with that between the settings of the plot.
    """
    if not (results["status"] == "finished").any():
        return nothing_to_draw(results["status"])
    ranked, faults = repeated_settings(results)
    if ranked.empty:
        return message_figure("No setting has two seeds that finished")
    shown = ranked.head(len(faults)).reset_index(drop=True).sort_values(["diverged", "faults_mean"], kind="stable")
    faults = [faults[setting] for setting in shown.index]
    with style():
        figure = Figure(figsize=(7, 2.1 + _HEIGHT * len(shown)))
        axes = figure.subplots()
        _draw(axes, faults)
        axes.set_yticks(range(len(shown)), _names(shown))
        axes.set_title(_title(len(shown), len(ranked), seed_variance(faults)))
        figure.supxlabel(f"Misclassified test examples (of {shown['test_size'].iloc[0]:,})")
        legend(figure)
    return figure


def _draw(axes: Axes, faults: list[Any]) -> None:
    """Draw the seeds, the mean and the interval of each setting."""
    log = 0 < LOG_RATIO * min(map(min, faults)) < max(map(max, faults))
    for line, own in enumerate(faults):
        ends = mean_interval(own) if len(own) >= INTERVAL_SEEDS else None
        if ends:
            axes.hlines(
                line, max(ends[0], SMALLEST if log else 0), ends[1], **_INTERVAL, label="95% interval of the mean"
            )
        axes.plot(own, [line] * len(own), **_SEED, linestyle="", label="seed")
        axes.plot(own.mean(), line, **_MEAN, linestyle="", label="mean over seeds")
    axes.set_ylim(len(faults) - 0.5, -0.5)
    if log:
        axes.set_xscale("log")
        log_ticks(axes.xaxis)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _names(settings: pd.DataFrame) -> list[str]:
    """Return the main axes and those that vary among these settings, and the number of diverged seeds."""
    varied = [axis for axis in SETTING_AXES if axis in _MAIN or len(settings[axis].unique()) > 1]
    lost = (f"  ({count} diverged)" if count else "" for count in settings["diverged"])
    return ["".join(parts) for parts in zip(row_names(settings, varied), lost, strict=True)]


def _title(shown: int, settings: int, variance: SeedVariance) -> str:
    which = f"best {shown} of {counted(settings, 'setting')}" if shown < settings else counted(shown, "setting")
    over = f"{which}\nstandard deviation: {_number(variance.over_seeds)} over seeds"
    if variance.between is None or variance.share is None:
        return over
    return (
        f"{over}, {_number(variance.between)} between settings\n{variance.share:.0%} of the variance is due to the seed"
    )


def _number(faults: float) -> str:
    return f"{faults:,.0f}" if faults >= 100 else f"{faults:.3g}"
