"""The colour scale of fault rates on heat maps, and its bar."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from handgrad.plots.panels import fixed_ticks, round_numbers

SMALLEST = 0.5  # of a fault: how a cell without one is shaded
SMALLEST_RATIO = 1.25  # from the lightest to the darkest shade: chance differences must not look large


def fault_shades(rates: "pd.Series[float]", examples: int) -> ScalarMappable:
    """Dark for few faults, light for many; even in 1/rate, so that the best differ most."""
    low = max(rates.min(), 100 * SMALLEST / examples)
    norm = FuncNorm((_inverse, _inverse), low, max(rates.max(), SMALLEST_RATIO * low), clip=True)
    blues = mpl.colormaps["Blues_r"](np.linspace(0, 0.93, 256))  # never as light as paper
    return ScalarMappable(norm, LinearSegmentedColormap.from_list("faults", blues))


def _inverse(rate: Any) -> Any:
    return -1 / np.where(np.equal(rate, 0), 1e-9, rate)  # matplotlib tries 0, where nothing is drawn


def draw_bar(figure: Figure, axes: Sequence[Axes], shades: ScalarMappable, split: str) -> None:
    """A colour bar beside the panels, with few round rates."""
    shrink = min(1.0, 4 / figure.get_figheight())
    bar = figure.colorbar(shades, ax=axes, shrink=shrink, aspect=25, anchor=(0, 1))
    bar.set_label(f"Faults (percent of {split} images)")
    bar.ax.grid(visible=False)
    bar.outline.set_visible(False)
    fixed_ticks(bar.ax.yaxis, _bar_ticks(shades.norm))


def _bar_ticks(norm: Any) -> list[float]:
    """Round rates with some distance between them on the bar."""
    low, high = norm.vmin, norm.vmax
    rates = round_numbers(low, high) if high > 2 * low else MaxNLocator(6).tick_values(low, high)
    ticks: list[float] = []
    for rate in rates:
        if low <= rate <= high and (not ticks or norm(rate) - norm(ticks[-1]) > 0.08):
            ticks.append(float(rate))
    return ticks
