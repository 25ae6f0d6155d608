"""Heat maps of the fault rate by learning rate and l2, with a panel for each activation and hidden units."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from handgrad.plots.panels import panels
from handgrad.plots.ranges import cell_places, panel_texts
from handgrad.plots.style import CROSS, INK, legend, nothing_to_draw, style
from handgrad.tables.seeds import SETTING_AXES
from handgrad.tables.selection import fault_rates, splits

CELL = ["activation", "hidden_units", "learning_rate", "l2"]
SMALLEST = 0.5  # a cell without faults has the shade of half a fault
SMALLEST_RATIO = 1.25  # of the rates at both ends of the scale, so that chance differences do not look large
SMALLEST_TEXT = 5.5  # points

_NOT_RUN: dict[str, Any] = {"facecolor": "white", "edgecolor": "#b4bcc4", "hatch": "////", "linewidth": 0}
_BEYOND = 1000.0  # percent, larger than any rate; marks cells in which all runs diverged
#: dark for few faults, light for many, never white
_SHADES = ListedColormap(mpl.colormaps["Blues_r"](np.linspace(0, 0.93, 256))).with_extremes(over="#f0f0f0")
_WHITE_BELOW = 0.3  # fraction of the colour scale; on darker shades, numbers are white


def heat_cells(results: pd.DataFrame, split: str, cell: Sequence[str] = CELL) -> pd.DataFrame:
    """Return a table with one row for each cell of a table of results, the best first. cell: columns that identify it.

    If a cell has several settings, its row shows the setting with the smallest mean rate. A setting with a diverged
    seed comes after all settings without one, as in ``selection.best_settings``.

    - rate: faults on a split in percent, the mean over the seeds that finished; missing if none finished.
    - seeds, diverged: number of seeds, and number of diverged seeds, of this setting.
    """
    diverged = (results["status"] == "diverged").astype(int)
    runs = results.assign(rate=100 * fault_rates(results, split), diverged=diverged)
    # dropna: train_size is missing if all examples are used
    groups = runs.groupby(list(SETTING_AXES), dropna=False, sort=False)
    settings = groups.agg(
        rate=("rate", "mean"),
        seeds=("seed", "size"),
        diverged=("diverged", "sum"),
        **{name: (name, "first") for name in cell if name not in SETTING_AXES},
    )
    settings = settings.reset_index().assign(unstable=settings["diverged"].to_numpy() > 0)
    return settings.sort_values(["unstable", "rate"]).drop_duplicates(cell)[[*cell, "rate", "seeds", "diverged"]]


def heat_maps(results: pd.DataFrame) -> Figure:
    """Return heat maps of the fault rate on the split that selects the best run. results: rows of one dataset.

    Learning rate is the horizontal axis and l2 the vertical axis. The panels share both axes. The shade and the number
    of a cell show the rate of ``heat_cells``. Cells that were not run are hatched.
    """
    if not (results["status"] == "finished").any():
        return nothing_to_draw(results["status"])
    split = splits(results)[results["dataset"].iloc[0]]
    (x, rates), (y, penalties) = (cell_places(results[name]) for name in ("learning_rate", "l2"))
    results = results.assign(x=x, y=y, panel=panel_texts(results["hidden_units"]))
    cells = heat_cells(results, split, ["activation", "panel", "x", "y"])
    norm = _fault_norm(cells["rate"], int(results[f"{split}_size"].max()))
    with style():
        figure, at = panels(results, "{}, {} hidden units")
        for key, axes in at.items():
            own = cells[(cells["activation"] == key[0]) & (cells["panel"] == key[1])]
            width, height = _name_cells(figure, axes, rates, penalties)
            scale = max(0.3, min(1, width / 16, height / 16))  # smaller crosses and frames on small cells
            image = _draw_cells(axes, own, norm, (len(penalties), len(rates)))
            image.set(edgecolors="white" if scale == 1 else "none", linewidth=0.8)
            _write_numbers(axes, own, norm, min(9, 0.27 * width, 0.5 * height))
            _cross_diverged(axes, own, scale)
            if len(at) > 1:
                _outline(axes, own.iloc[0], 1.4 * scale, "best of the panel")
        best = cells.iloc[0]
        _outline(at[best["activation"], best["panel"]], best, 3.2 * scale, "best of all")
        figure.supxlabel("Learning rate")
        figure.supylabel("λ")
        _draw_bar(figure, image, f"Misclassified {split} examples (percent)")
        legend(figure)
    return figure


def _fault_norm(rates: "pd.Series[float]", examples: int) -> Normalize:
    """Return a colour scale that is linear in 1/rate, so that shades of the best cells differ most."""
    low = max(rates.min(), 100 * SMALLEST / examples)
    return FuncNorm((_inverse, _inverse), low, max(rates.max(), SMALLEST_RATIO * low))


def _inverse(rate: Any) -> Any:
    return -1 / np.where(np.equal(rate, 0), 1e-9, rate)


def _name_cells(figure: Figure, axes: Axes, across: list[str], up: list[str]) -> tuple[float, float]:
    """Label as many columns and rows as fit, and return width and height of a cell in points."""
    # The sizes are approximate, because the layout is computed when the figure is drawn.
    room = axes.get_window_extent()
    width, height = 72 / figure.dpi * room.width / len(across), 72 / figure.dpi * room.height / len(up)
    upright = 6.5 * max(map(len, across)) > width
    columns, lines = (slice(None, None, math.ceil(13 / room)) for room in (width, height))
    axes.set_xticks(range(len(across))[columns], across[columns], rotation=90 if upright else 0)
    axes.set_yticks(range(len(up))[lines], up[lines])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return width, height


def _draw_cells(axes: Axes, cells: pd.DataFrame, norm: Normalize, shape: tuple[int, int]) -> Any:
    shades = np.full(shape, np.nan)
    shades[cells["y"], cells["x"]] = cells["rate"].fillna(_BEYOND)
    if np.isnan(shades).any():
        axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, zorder=0, **_NOT_RUN, label="not run"))
    edges = (np.arange(n + 1) - 0.5 for n in reversed(shape))
    return axes.pcolormesh(*edges, shades, cmap=_SHADES, norm=norm)


def _draw_bar(figure: Figure, image: Any, label: str) -> None:
    """Draw a colour bar next to the panels. Its ticks are at equal steps of the shades."""
    shrink = min(1, 4 / figure.get_figheight())
    bar = figure.colorbar(image, ax=figure.axes, shrink=shrink, aspect=25, anchor=(0, 1), format="{x:.3g}")
    bar.set_ticks(image.norm.inverse(np.linspace(0, 1, 6)))
    bar.set_label(label)
    bar.outline.set_visible(False)


def _write_numbers(axes: Axes, cells: pd.DataFrame, norm: Normalize, size: float) -> None:
    if size < SMALLEST_TEXT:
        return
    finished = cells.dropna(subset="rate")
    for x, y, rate in zip(finished["x"], finished["y"], finished["rate"], strict=True):
        text = f"{rate:.2f}" if rate < 10 else f"{rate:.1f}"
        colour = "white" if norm(rate) < _WHITE_BELOW else "black"
        axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=size)


def _cross_diverged(axes: Axes, cells: pd.DataFrame, scale: float) -> None:
    """Draw a cross in cells in which all runs diverged, and a small cross in a corner if some seeds diverged."""
    none = cells["rate"].isna()
    small = {**CROSS, "path_effects": [withStroke(linewidth=3, foreground="white")]}
    for crossed, x, y, size, name, look in (
        (cells[none], 0, 0, 7, "all diverged", CROSS),
        (cells[~none & (cells["diverged"] > 0)], 0.38, 0.32, 4, "some seeds diverged", small),
    ):
        if len(crossed):
            axes.plot(crossed["x"] + x, crossed["y"] + y, **{**look, "markersize": scale * size}, label=name)


def _outline(axes: Axes, cell: "pd.Series[Any]", width: float, name: str) -> None:
    if pd.notna(cell["rate"]):
        halo = [withStroke(linewidth=2.5 * width, foreground="white")]
        frame = Rectangle(
            (cell["x"] - 0.5, cell["y"] - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=width, label=name
        )
        frame.set(path_effects=halo, clip_on=False, zorder=4)
        axes.add_patch(frame)
