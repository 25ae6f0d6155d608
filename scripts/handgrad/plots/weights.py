"""Plot of the first-layer weights of hidden units as images."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.images import as_pictures, is_colour
from handgrad.network.model import Weights
from handgrad.plots.style import FAINT, style
from handgrad.plots.text import run_title
from handgrad.tables.table import Row

Array = NDArray[Any]

_WIDTH, _BAR = 7.4, 1.3  # inches: width of the figure, of which the colour bar uses _BAR


def largest_units(W2: Array, max_count: int) -> tuple[Array, Array]:
    """Return up to ``max_count`` hidden units m with the largest norm ``|W2[:, 1 + m]|``, and these norms."""
    sizes = np.linalg.norm(W2[:, 1:].astype(np.float64), axis=0)
    units = np.argsort(-sizes, kind="stable")[:max_count]
    return units, sizes[units]


def limits(weights: Array, percentile: float) -> Array:
    """Return the percentile of the absolute weights in each row. If it is 0, return the maximum; if that is 0, 1."""
    sizes = np.abs(weights)
    bounds = np.percentile(sizes, percentile, axis=1)
    bounds = np.where(bounds > 0, bounds, sizes.max(axis=1))
    return np.where(bounds > 0, bounds, 1.0)


def mosaic(pictures: Array, fill: float) -> Array:
    """Return one nearly square picture of n pictures, (n, height, width) or (n, height, width, 3), row by row.

    fill: value of the gaps between pictures.
    """
    n, high, wide, *channels = pictures.shape
    columns = min(n, math.ceil(math.sqrt(n * high / wide)))
    rows = -(-n // columns)
    whole = np.full((rows * (high + 1) - 1, columns * (wide + 1) - 1, *channels), fill)
    for i, picture in enumerate(pictures):
        y, x = i // columns * (high + 1), i % columns * (wide + 1)
        whole[y : y + high, x : x + wide] = picture
    return whole


def weights_figure(best: Row, W: Weights, image_shape: Sequence[int], *, max_count: int, percentile: float) -> Figure:
    """Return a plot of rows of W1 without the bias as images, for up to ``max_count`` hidden units (``largest_units``).

    Grey images share one scale that is symmetric about 0 and contains ``percentile`` percent of these weights. Each
    colour image has its own scale about mid-grey.
    """
    units, sizes = largest_units(W.W2, max_count)
    weights = W.W1[units, 1:].astype(np.float64)
    title = _title(best, sizes, len(W.W1))
    with style():
        if is_colour(image_shape):
            shades = np.clip(0.5 + 0.5 * weights / limits(weights, percentile)[:, None], 0, 1)
            shown = mosaic(as_pictures(np.round(255 * shades), image_shape), 255).astype(np.uint8)
            figure, axes = _new_figure(shown, title)
            axes.imshow(shown, interpolation="none")
        else:
            shown = mosaic(as_pictures(weights, image_shape), np.nan)
            figure, axes = _new_figure(shown, title, bar=_BAR)
            show_on_one_scale(axes, shown, percentile)
    return figure


def _new_figure(shown: Array, title: str, bar: float = 0) -> tuple[Figure, Axes]:
    """Return a figure with a title, and its axes without ticks. bar: inches to reserve for a colour bar."""
    high = (_WIDTH - bar) * min(max(shown.shape[0] / shown.shape[1], 0.25), 1.5)
    figure = Figure(figsize=(_WIDTH, high + 0.8))
    figure.suptitle(title, fontsize=9)
    axes = figure.add_subplot()
    axes.set_axis_off()
    return figure, axes


def show_on_one_scale(axes: Axes, shown: Array, percentile: float, *, shrink: float = 0.6, **options: Any) -> None:
    """Draw weights as an image with a colour bar. nan: no weight. shrink: of the bar. options: of ``imshow``.

    The scale is symmetric about 0 and contains ``percentile`` percent of the weights.
    """
    weights = shown[~np.isnan(shown)]
    (limit,) = limits(weights[None], percentile)
    colours = colormaps["RdBu_r"].with_extremes(bad=FAINT)
    image = axes.imshow(shown, cmap=colours, vmin=-limit, vmax=limit, interpolation="none", **options)
    beyond = "both" if np.abs(weights).max() > limit else "neither"
    bar = axes.figure.colorbar(image, ax=axes, shrink=shrink, extend=beyond, label="Weight of an input")
    bar.outline.set_visible(False)


def _title(best: Row, sizes: Array, units: int) -> str:
    shown = len(sizes)
    which = f"First-layer weights of the {shown} of {units} hidden units with the largest outgoing weights"
    norms = f"norm of the outgoing weights: {sizes[0]:.3g} to {sizes[-1]:.3g}; pixels: {best['pixels']}"
    return run_title(best["run"], which if shown < units else f"First-layer weights of all {units} hidden units", norms)
