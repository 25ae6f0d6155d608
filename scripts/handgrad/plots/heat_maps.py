"""Heat maps: the fault rate by learning rate and l2, a panel for each activation and hidden units."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from handgrad.experiment.runs import canonical_text
from handgrad.plots.fault_shades import draw_bar, fault_shades
from handgrad.plots.panels import COLUMNS, panels
from handgrad.plots.style import CROSS, INK, legend, nothing_to_draw, style, text_on, title_of
from handgrad.tables.columns import column
from handgrad.tables.seeds import SETTING_AXES
from handgrad.tables.selection import fault_rates, splits

CELL = ["activation", "hidden_units", "learning_rate", "l2"]
LETTERS = 7  # of a learning rate or a penalty; longer ones are rounded
SMALLEST_TEXT = 5.5  # points

_DIVERGED = "#f0f0f0"
_NOT_RUN: dict[str, Any] = {"facecolor": "white", "edgecolor": "#b4bcc4", "hatch": "////", "linewidth": 0}
PANEL_BEST, BEST = "best of its panel", "best of all"
_OUTLINES = {PANEL_BEST: 1.4, BEST: 3.2}  # points
_ALL_DIVERGED, _SOME_DIVERGED = 1.0, 0.5  # sizes of the cross


@dataclass(frozen=True)
class _Grid:
    """The learning rates and penalties of all panels, and the room of a cell in points."""

    rates: list[float]
    penalties: list[float]
    width: float
    height: float

    def place(self, cell: Any) -> tuple[int, int]:
        return self.rates.index(cell.learning_rate), self.penalties.index(cell.l2)

    def text_size(self, letters: int) -> float:
        """The font size in which this many letters fit into a cell; 0 if it is too small to read."""
        size = min(9.0, 0.85 * self.width / (0.64 * letters), 0.5 * self.height)
        return size if size >= SMALLEST_TEXT else 0.0

    def shrunk(self, size: float) -> float:
        """A size in points, less where cells are small."""
        return size * max(0.5, min(1.0, self.width / 16, self.height / 16))


def heat_cells(results: pd.DataFrame, split: str) -> pd.DataFrame:
    """One row for each CELL of a table of results, the best first: rate, seeds, diverged.

    rate: faults on a split in percent, the mean over the seeds that finished; missing if none did. Where runs
    of a cell differ in more than the seed, it is the setting with the smallest mean. One of which a seed
    diverged comes after all others, as in ``selection.best_settings``. seeds, and how many of them diverged:
    those of that setting.
    """
    diverged = (results["status"] == "diverged").astype(int)
    runs = results.assign(rate=100 * fault_rates(results, split), diverged=diverged)
    # dropna: train_size is missing where all examples are used
    settings = runs.groupby(list(SETTING_AXES), dropna=False, sort=False).agg(
        rate=("rate", "mean"), seeds=("seed", "size"), diverged=("diverged", "sum")
    )
    settings = settings.reset_index().assign(unstable=settings["diverged"].to_numpy() > 0)
    return settings.sort_values(["unstable", "rate"]).drop_duplicates(CELL)[[*CELL, "rate", "seeds", "diverged"]]


def heat_maps(results: pd.DataFrame) -> Figure:
    """Fault rates of a dataset's runs, on the split that its best run is chosen on. results: their table.

    Learning rate goes to the right and l2 upwards, through all values that occur, on shared axes; a cell's
    shade and number are the rate of ``heat_cells``. Cells that were not run are hatched.
    """
    if not (results["status"] == "finished").any():
        return nothing_to_draw(results["status"])
    split = splits(results)[results["dataset"].iloc[0]]
    cells = heat_cells(results, split)
    shades = fault_shades(cells["rate"], int(results["test_size" if split == "test" else "validation_size"].max()))
    with style():
        figure, at = panels(_panel_keys(results), rows_by=lambda key: key[0])
        grid = _grid(figure, results)
        for key, axes in at.items():
            axes.set_title(title_of(f"{key[0]}, {key[1]} hidden units", _of_panel(results, key)["status"]))
            _blank(axes, grid)
            _draw_cells(axes, grid, _of_panel(cells, key), shades)
        best = next(cells.itertuples())
        _outline(at[best.activation, best.hidden_units], grid, best, _OUTLINES[BEST])
        figure.supxlabel("Learning rate")
        figure.supylabel("λ")
        draw_bar(figure, list(at.values()), shades, split)
        legend(figure, _outline_entries(len(at)), _note_entries(cells, len(at), grid))
    return figure


def _of_panel(rows: pd.DataFrame, key: tuple[str, int]) -> pd.DataFrame:
    return rows[(rows["activation"] == key[0]) & (rows["hidden_units"] == key[1])]


def _panel_keys(results: pd.DataFrame) -> list[tuple[str, int]]:
    """Activations in the order of the table by hidden units; only those that were run if they are many."""
    hidden_units = sorted(results["hidden_units"].unique().tolist())
    run = set(zip(results["activation"], results["hidden_units"], strict=True))
    return [
        (activation, size)
        for activation in results["activation"].unique()
        for size in hidden_units
        if len(hidden_units) <= COLUMNS or (activation, size) in run
    ]


def _grid(figure: Figure, results: pd.DataFrame) -> _Grid:
    rates, penalties = (sorted(results[name].unique().tolist()) for name in ("learning_rate", "l2"))
    place = figure.axes[0].get_subplotspec()
    lines, columns = place.get_gridspec().get_geometry() if place else (1, 1)
    # A guess at what labels, legend and bar leave of it: the layout is made when the figure is.
    labels = 0 if len(figure.axes) == lines * columns else 30
    width = (72 * figure.get_figwidth() - 130) / columns - 12 - labels
    height = (72 * figure.get_figheight() - 100) / lines - 34 - labels
    return _Grid(rates, penalties, width / len(rates), height / len(penalties))


def _blank(axes: Axes, grid: _Grid) -> None:
    """Named places for cells, none of which was run."""
    axes.patch.set(**_NOT_RUN)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xlim=(-0.5, len(grid.rates) - 0.5), ylim=(-0.5, len(grid.penalties) - 0.5))
    rates, penalties = ([_short(value) for value in values] for values in (grid.rates, grid.penalties))
    upright = max(map(len, rates)) * 6.5 > grid.width
    step = math.ceil(13 / grid.width) if upright else 1
    axes.set_xticks(range(0, len(rates), step), rates[::step], rotation=90 if upright else 0)
    step = math.ceil(13 / grid.height)
    axes.set_yticks(range(0, len(penalties), step), penalties[::step])


def _short(value: float) -> str:
    text = canonical_text(value)
    return text if len(text) <= LETTERS else f"{value:.2g}"


def _draw_cells(axes: Axes, grid: _Grid, cells: pd.DataFrame, shades: ScalarMappable) -> None:
    """The cells of a panel, the best first, each with its number and marks."""
    if cells.empty:
        return
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    faces = [to_hex(shade) for shade in shades.to_rgba(cells["rate"].to_numpy())]
    faces = np.where(cells["rate"].isna(), _DIVERGED, faces).tolist()
    squares = [np.add(grid.place(cell), corners) for cell in cells.itertuples()]
    axes.add_collection(PolyCollection(squares, facecolors=faces, edgecolors="white", linewidths=grid.shrunk(0.8)))
    numbers = column("rate", _number, cells["rate"]).texts
    size = grid.text_size(max(4, *map(len, numbers)))
    for cell, face, number in zip(cells.itertuples(), faces, numbers, strict=True):
        x, y = grid.place(cell)
        if not number:
            _mark_diverged(axes, grid, x, y)
            continue
        if size:
            axes.text(x, y, number, ha="center", va="center", color=text_on(face), fontsize=size)
        if cell.diverged:
            _cross(axes, grid, (x + 0.38, y + 0.32), _SOME_DIVERGED, text_on(face))
    if numbers[0]:
        _outline(axes, grid, next(cells.itertuples()), _OUTLINES[PANEL_BEST])


def _number(rate: float) -> str:
    return f"{rate:.2f}" if rate < 10 else f"{rate:.1f}"


def _mark_diverged(axes: Axes, grid: _Grid, x: float, y: float) -> None:
    size = grid.text_size(len("diverged"))
    if size:
        axes.text(x, y, "diverged", ha="center", va="center", fontsize=size)
    else:
        _cross(axes, grid, (x, y), _ALL_DIVERGED, INK)


def _cross(axes: Axes, grid: _Grid, at: tuple[float, float], size: float, colour: str) -> None:
    size = grid.shrunk(size * CROSS["markersize"])
    axes.plot(*at, **{**CROSS, "color": colour, "markersize": size})


def _outline(axes: Axes, grid: _Grid, cell: Any, width: float) -> None:
    x, y = grid.place(cell)
    width = grid.shrunk(width)
    halo = [withStroke(linewidth=width + 2 * grid.shrunk(1.2), foreground="white")]
    frame = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=width, zorder=4)
    frame.set(path_effects=halo, clip_on=False)
    axes.add_patch(frame)


def _outline_entries(panels: int) -> list[Patch]:
    return [
        Patch(facecolor="white", edgecolor=INK, linewidth=width, label=name)
        for name, width in _OUTLINES.items()
        if panels > 1 or name != PANEL_BEST
    ]


def _note_entries(cells: pd.DataFrame, panels: int, grid: _Grid) -> list[Any]:
    small = {**CROSS, "markersize": CROSS["markersize"] * _SOME_DIVERGED}
    notes = (
        (((cells["diverged"] > 0) & cells["rate"].notna()).any(), Line2D([], [], **small, label="some seeds diverged")),
        (cells["rate"].isna().any(), Line2D([], [], **CROSS, label="all diverged")),
        (len(cells) < panels * len(grid.rates) * len(grid.penalties), Patch(**_NOT_RUN, label="not run")),
    )
    return [entry for shown, entry in notes if shown]
