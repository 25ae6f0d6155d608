"""Ranges of values: an axis with hundreds of values, such as a drawn one, is shown by a few ranges."""

from typing import Any

import numpy as np
import pandas as pd

from handgrad.experiment.runs import canonical_text

MOST_PANELS = 8  # for each activation; with more values, a panel shows a range of values
RANGES = 4  # number of these ranges; they have about equal numbers of values
MOST_CELLS = 24  # with more values, a row or a column of a heat map shows a range of values
CELLS = 12  # number of these ranges; they have equal ratios


def panel_texts(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the text of the panel of each value, as ordered categories: one value, or a range ``1 to 5``."""
    distinct = sorted(values.unique().tolist())
    parts = np.array_split(np.arange(len(distinct)), len(distinct) if len(distinct) <= MOST_PANELS else RANGES)
    texts = {}
    for part in parts:
        ends = dict.fromkeys(canonical_text(distinct[i]) for i in part[[0, -1]])
        texts.update({distinct[i]: " to ".join(ends) for i in part})
    return values.map(texts).astype(pd.CategoricalDtype(list(dict.fromkeys(texts.values())), ordered=True))


def cell_places(values: "pd.Series[float]") -> tuple["pd.Series[Any]", list[str]]:
    """Return the place of each value on an axis of a heat map, and the text of each place.

    A place has one value, or a range of positive values; then its text is about the middle of the range.
    """
    distinct = sorted(values.unique().tolist())
    if len(distinct) <= MOST_CELLS:
        return values.map(distinct.index), [f"{value:.3g}" for value in distinct]
    positive = [value for value in distinct if value > 0]
    edges = np.geomspace(positive[0], positive[-1], CELLS + 1)
    zero = int(len(positive) < len(distinct))
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, CELLS - 1) + zero
    texts = [f"{middle:.2g}" for middle in np.sqrt(edges[1:] * edges[:-1])]
    return pd.Series(np.where(values > 0, places, 0), values.index), ["0"] * zero + texts
