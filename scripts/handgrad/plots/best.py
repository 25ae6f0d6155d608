"""Plot of the test accuracy of the best published row and of our best setting, by hidden units."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from handgrad.plots.panels import dataset_panels, scale_sizes
from handgrad.plots.ranges import MOST_CELLS, cell_places
from handgrad.plots.style import INK, MARKERS, entries, legend, looks, nothing_to_draw, style

THICK, THIN = 3.5, 0.9  # line widths of the bars over seeds and of the interval bars

_PUBLISHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "markerfacecolor": "none", "markersize": 4.5, "linewidth": 1}
_OURS: dict[str, Any] = {"linestyle": "solid", "markersize": 5, "linewidth": 1.2, "zorder": 3}
_ACCURACIES = ["published_accuracy", "accuracy_low", "accuracy_high", "accuracy_min", "accuracy_max"]
_BETWEEN = 7 / 72  # inches between markers with the same number of hidden units


def best_accuracies(best: pd.DataFrame) -> Figure:
    """Return a plot of the test accuracy of the best published row and of our best setting, a panel for each dataset.

    best: from ``best_table``. Colour and marker show the activation. Published accuracies are hollow and dashed. Our
    accuracies are means over seeds, filled and solid. The thin bar is the 95% interval of the mean. The thick bar goes
    from the worst to the best seed, if there are several. The title of a panel says on which split our setting was
    selected. It also counts the networks with only diverged runs.
    """
    networks = _best_of_ranges(best[best["best_of"] == "network"])
    if not (networks["status"] == "finished").any():
        return nothing_to_draw(networks["status"])
    activations = list(networks["activation"].unique())
    look = looks(activations, marker=MARKERS)
    with style():
        figure, at = dataset_panels(list(networks["dataset"].unique()), width=6.4, height=3.5)
        for dataset, axes in at.items():
            own = networks[networks["dataset"] == dataset]
            axes.set_title(_title(own))
            for place, activation in enumerate(activations):
                _draw(axes, own[own["activation"] == activation], look[activation], place - len(activations) / 2)
            # For its axis limits, matplotlib ignores data that is drawn with a shift, so the data is added here.
            ends = own.melt("hidden_units", _ACCURACIES)[["hidden_units", "value"]]
            axes.update_datalim(ends.to_numpy(float) * (1, 100))
            axes.margins(x=0.1)
            scale_sizes(axes, sorted(own["hidden_units"].unique().tolist()))
        chosen = len(networks) < (best["best_of"] == "network").sum()
        figure.supxlabel("Hidden units (the best network of each of a few ranges)" if chosen else "Hidden units")
        figure.supylabel("Test accuracy (percent)")
        legend(figure, entries(activations, "{}", look.__getitem__), _sides(networks))
    return figure


def _best_of_ranges(networks: pd.DataFrame) -> pd.DataFrame:
    """Return the networks; if an activation has many, only the best one of each range of hidden units.

    The best network has the fewest mean faults on the split that selects settings.
    """
    kept = []
    for (_, _, chosen_on), own in networks.groupby(["dataset", "activation", "chosen_on"], sort=False):
        if len(own) > MOST_CELLS:
            faults = "validation_faults_mean" if chosen_on == "validation" else "faults_mean"
            places, _ = cell_places(own["hidden_units"].astype("float64"))
            own = own.assign(place=places).sort_values(faults, kind="stable").drop_duplicates("place").sort_index()
        kept.append(own)
    return pd.concat(kept) if kept else networks


def _draw(axes: Axes, rows: pd.DataFrame, look: dict[str, Any], place: float) -> None:
    """Draw published and our accuracies of an activation side by side. place: position in the group."""
    published, ours = rows[rows["published_faults"].notna()], rows[rows["status"] == "finished"]
    several = ours[ours["finished"] > 1]
    left, right = (
        axes.transData + ScaledTranslation(_BETWEEN * at, 0, axes.figure.dpi_scale_trans)
        for at in (2 * place + 0.5, 2 * place + 1.5)
    )
    axes.plot(published["hidden_units"], 100 * published["published_accuracy"], **look, **_PUBLISHED, transform=left)
    for bars, low, high, width in ((ours, "low", "high", THIN), (several, "min", "max", THICK)):
        bottom, top = (100 * bars[f"accuracy_{end}"].to_numpy(float) for end in (low, high))
        axes.vlines(bars["hidden_units"], bottom, top, color=look["color"], linewidth=width, transform=right)
    axes.plot(ours["hidden_units"], 100 * ours["accuracy_mean"], **look, **_OURS, transform=right)


def _sides(networks: pd.DataFrame) -> list[Line2D]:
    """Return the legend entries of both sides and of the bars."""
    published, several = networks["published_faults"].notna().any(), (networks["finished"] > 1).any()
    hollow, filled = ({"color": INK, "marker": "o", **side} for side in (_PUBLISHED, _OURS))
    return [
        *([Line2D([], [], **hollow, label="published best")] if published else []),
        Line2D([], [], **filled, label="our best (mean)" if several else "our best"),
        Line2D([], [], color=INK, linewidth=THIN, label="95% interval"),
        *([Line2D([], [], color=INK, linewidth=THICK, label="over seeds")] if several else []),
    ]


def _title(networks: pd.DataFrame) -> str:
    dataset, split = networks.iloc[0]["dataset"], networks.iloc[0]["chosen_on"]
    diverged = int((networks["status"] == "diverged").sum())
    note = f"\nno finished run for {diverged} of {len(networks)} networks" if diverged else ""
    selected = f": our settings selected on the {split} {'split' if split == 'validation' else 'set'}"
    return f"{dataset}{selected if (networks['settings'] > 1).any() else ''}{note}"
