"""Plot of the first-layer weights of hidden units by input, for inputs that are not images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.network.model import Weights
from handgrad.plots.style import style
from handgrad.plots.text import Labels, cut_middle, input_labels, line_letters, run_title
from handgrad.plots.weights import largest_units, show_on_one_scale
from handgrad.tables.table import Row

Array = NDArray[Any]

_WIDTH, _CELL = 7.4, 0.21  # inches: width of the figure, height of a row
_LETTERS = 30  # longer names are truncated


def feature_weights_figure(
    best: Row, W: Weights, names: Sequence[str], *, max_units: int, max_inputs: int, percentile: float
) -> Figure:
    """Return a plot of W1 without the bias: a column for each hidden unit, a row for each input, the largest first.

    It has up to ``max_units`` hidden units (``largest_units``), and up to ``max_inputs`` inputs with the largest norm
    of their weights to these units. names: of the inputs, or empty. The colour scale is symmetric about 0 and contains
    ``percentile`` percent of the weights.
    """
    units, _ = largest_units(W.W2, max_units)
    weights = W.W1[units, 1:].T.astype(np.float64)
    inputs = np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")[:max_inputs]
    with style():
        figure = Figure(figsize=(_WIDTH, max(2.8, _CELL * len(inputs) + 1.5)))
        figure.suptitle(_title(best, W, len(units), len(inputs)), fontsize=9)
        axes = figure.add_subplot()
        show_on_one_scale(axes, weights[inputs], percentile, shrink=0.9, aspect="auto")
        _name_cells(axes, input_labels(names, inputs.tolist(), best["dataset"]), units)
    return figure


def _name_cells(axes: Axes, inputs: Labels, units: Array) -> None:
    texts = [cut_middle(text, line_letters(text, _LETTERS)) for text in inputs.texts]
    axes.set_yticks(range(len(texts)), texts, family=inputs.families, fontsize=8)
    axes.set_xticks(range(len(units)), map(str, units), fontsize=8, rotation=90 if max(units) > 99 else 0)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Number of the hidden unit, ordered by outgoing weights")


def _title(best: Row, W: Weights, units: int, inputs: int) -> str:
    M, D = len(W.W1), W.W1.shape[1] - 1
    largest = f"{units} of {M} hidden units with the largest outgoing weights"
    of_units = f"all {M} hidden units" if units == M else f"the {largest}"
    of_inputs = f"all {D} inputs" if inputs == D else f"the {inputs} of {D} inputs with the largest weights"
    return run_title(best["run"], f"First-layer weights of {of_units}", f"and {of_inputs}; pixels: {best['pixels']}")
