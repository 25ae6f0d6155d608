"""The best published row and our best setting as a plot: test accuracy by hidden units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from handgrad.plots.panels import dataset_panels, far_apart, scale_sizes
from handgrad.plots.style import INK, MARKERS, entries, legend, looks, nothing_to_draw, style

THICK, THIN = 3.5, 0.9  # bars: over seeds, and the interval

_PUBLISHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "markerfacecolor": "none", "markersize": 4.5}
_OURS: dict[str, Any] = {"linestyle": "solid", "markersize": 5}


def best_accuracies(best: pd.DataFrame) -> Figure:
    """Test accuracy of the best published row and of our best setting; a panel for each dataset.

    best: a table of ``best_table``. Colour and marker by activation; published hollow and dashed, ours filled
    and solid, the mean over seeds. The thin bar is the interval of the mean; the thick one, where there are
    several seeds, goes from the worst to the best. A panel's title says what ours was chosen on, and counts
    the networks of which every run diverged.
    """
    networks = best[best["best_of"] == "network"]
    finished = networks[networks["status"] == "finished"]
    if finished.empty:
        return nothing_to_draw(networks["status"])
    activations = list(networks["activation"].unique())
    look = looks(activations, marker=MARKERS)
    with style():
        figure, panels = dataset_panels(list(networks["dataset"].unique()), widths=(6.4, 8.6), height=3.5, above=1.2)
        for dataset, axes in panels.items():
            _draw_panel(axes, networks[networks["dataset"] == dataset], look)
        figure.supxlabel("Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(activations, "{}", look.__getitem__), _sides(networks))
    return figure


def _sides(networks: pd.DataFrame) -> list[Line2D]:
    """What the legend says of the two sides and of the bars."""
    published, ours = ({"color": INK, "marker": "o", **side} for side in (_PUBLISHED, _OURS))
    return [
        *([Line2D([], [], **published, label="published best")] if _published(networks) else []),
        Line2D([], [], **ours, label="our best (mean)" if _several(networks) else "our best"),
        Line2D([], [], color=INK, linewidth=THIN, label="95 % interval"),
        *([Line2D([], [], color=INK, linewidth=THICK, label="over seeds")] if _several(networks) else []),
    ]


def _published(networks: pd.DataFrame) -> bool:
    return bool(networks["published_faults"].notna().any())


def _several(networks: pd.DataFrame) -> bool:
    return bool((networks["finished"] > 1).any())


@dataclass(frozen=True)
class _Places:
    """Where the markers of a number of hidden units are: side by side in slots."""

    sizes: Sequence[int]
    slots: int

    @property
    def log(self) -> bool:
        return far_apart(self.sizes)

    @property
    def gap(self) -> float:
        """The distance between two numbers, on the axis's own scale."""
        places = self.scaled(self.sizes)
        if len(places) == 1:
            return 1.0
        return max(float(np.diff(places).min()), 0.03 * float(places[-1] - places[0]))

    def scaled(self, sizes: Sequence[int]) -> Any:
        return np.log10(sizes) if self.log else np.asarray(sizes, float)

    def at(self, sizes: Sequence[int], slot: int) -> Any:
        """The places of a slot, 0 to slots - 1, in hidden units."""
        step = self.gap * min(0.06, 0.5 / self.slots)
        places = self.scaled(sizes) + step * (slot - (self.slots - 1) / 2)
        return 10**places if self.log else places

    def limits(self) -> tuple[float, float]:
        low, high = self.scaled([self.sizes[0], self.sizes[-1]])
        ends = low - 0.5 * self.gap, high + 0.5 * self.gap
        return (10 ** ends[0], 10 ** ends[1]) if self.log else ends


def _draw_panel(axes: Axes, networks: pd.DataFrame, look: Mapping[str, dict[str, Any]]) -> None:
    activations = list(networks["activation"].unique())
    sides = 2 if _published(networks) else 1
    places = _Places(sorted({int(size) for size in networks["hidden_units"]}), sides * len(activations))
    for i, activation in enumerate(activations):
        rows = networks[networks["activation"] == activation]
        _draw_published(axes, rows[rows["published_faults"].notna()], places, sides * i, look[activation])
        _draw_ours(axes, rows[rows["status"] == "finished"], places, sides * i + sides - 1, look[activation])
    scale_sizes(axes, places.sizes)
    axes.set_xlim(places.limits())
    axes.set_title(_title(networks))


def _draw_published(axes: Axes, rows: pd.DataFrame, places: _Places, slot: int, look: dict[str, Any]) -> None:
    at = places.at(rows["hidden_units"].to_list(), slot)
    axes.plot(at, _percent(rows, "published_accuracy"), **look, **_PUBLISHED, linewidth=1, zorder=2)


def _draw_ours(axes: Axes, rows: pd.DataFrame, places: _Places, slot: int, look: dict[str, Any]) -> None:
    several = rows[rows["finished"] > 1]
    for bars, name, width in ((rows, ("low", "high"), THIN), (several, ("min", "max"), THICK)):
        low, high = (_percent(bars, f"accuracy_{end}") for end in name)
        at = places.at(bars["hidden_units"].to_list(), slot)
        axes.vlines(at, low, high, color=look["color"], linewidth=width, zorder=2)
    at = places.at(rows["hidden_units"].to_list(), slot)
    axes.plot(at, _percent(rows, "accuracy_mean"), **look, **_OURS, linewidth=1.2, zorder=3)


def _percent(rows: pd.DataFrame, name: str) -> Any:
    return 100 * rows[name].to_numpy(float)


def _title(networks: pd.DataFrame) -> str:
    dataset, split = networks.iloc[0]["dataset"], networks.iloc[0]["chosen_on"]
    diverged = int((networks["status"] == "diverged").sum())
    note = f"\nall runs of {diverged} of {len(networks)} networks diverged" if diverged else ""
    return f"{dataset}, ours chosen on the {split} {'split' if split == 'validation' else 'set'}{note}"
