"""Plot of the confusion matrix of the best run."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.plots.panels import fixed_ticks
from handgrad.plots.style import INK, style
from handgrad.plots.text import Labels, add_note, cut, line_letters, run_title
from handgrad.tables.inputs import require_faults
from handgrad.tables.table import Row

Array = NDArray[Any]

CLASSES_WITH_NUMBERS = 15  # with more classes, a cell has no room for a number
CLASSES_WITH_NAMES = 40  # with more classes, only some are named
LETTERS = 20  # longer class names are truncated, to leave room for the matrix


def confusion_counts(labels: Array, predictions: Array, classes: int) -> Array:
    """Return the confusion matrix, K x K: examples by true class (rows) and predicted class (columns)."""
    pairs = labels.astype(np.intp) * classes + predictions
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def confusion_figure(best: Row, labels: Array, predictions: Array, classes: Labels) -> Figure:
    """Return a plot of the confusion matrix of a run: true classes are rows, predicted classes are columns.

    best: row of the run in the results. Shades and the second number of a cell are percentages of a row. Cells without
    an example are blank.
    Raises HandgradError if labels and predictions give a different number of faults than the row.
    """
    require_faults(best, labels, predictions)
    counts = confusion_counts(labels, predictions, len(classes.texts))
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with style():
        size = 7.4 if len(counts) > 5 else 5.6
        figure = Figure(figsize=(size + 0.6, size))
        axes = figure.add_subplot()
        # A power scale: on a linear scale all mistakes would have nearly the same pale shade.
        image = axes.imshow(percent, cmap="Blues", norm=PowerNorm(0.4, 0, 100), aspect="equal")
        bar = figure.colorbar(image, ax=axes, shrink=0.6, label="Percent of the true class")
        fixed_ticks(bar.ax.yaxis, [0, 1, 5, 10, 25, 50, 100])
        if len(counts) <= CLASSES_WITH_NUMBERS:
            _write_numbers(axes, counts, percent)
        _name_classes(axes, classes)
        title = run_title(best["run"], f"{best['faults']} of {len(labels)} test examples misclassified")
        figure.suptitle(title, fontsize=9)
        add_note(figure, classes)
    return figure


def _write_numbers(axes: Axes, counts: Array, percent: Array) -> None:
    for i, j in zip(*np.nonzero(counts), strict=True):
        share = "<0.1" if percent[i, j] < 0.05 else f"{percent[i, j]:.1f}"
        colour = "white" if percent[i, j] > 25 else INK
        axes.text(j, i, f"{counts[i, j]}\n{share}%", ha="center", va="center", color=colour, fontsize=8)


def _name_classes(axes: Axes, classes: Labels) -> None:
    step = -(-len(classes.texts) // CLASSES_WITH_NAMES)
    places = range(0, len(classes.texts), step)
    names = [cut(name, line_letters(name, LETTERS)) for name in classes.texts[::step]]
    if len(set(names)) < len(names):
        names = [str(place) for place in places]  # truncated names are not unique
    long = max(map(len, names)) > 3
    turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if long else {"rotation": 0, "ha": "center"}
    axes.set_xticks(places, names, family=classes.families, rotation_mode="anchor", **turned)
    axes.set_yticks(places, names, family=classes.families)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="Predicted class", ylabel="True class")
