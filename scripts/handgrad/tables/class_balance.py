"""Figures that put an accuracy into perspective if some classes of the test split are more frequent than others."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.tables.results import RESULTS

if TYPE_CHECKING:
    from handgrad.storage.run_reader import Summary

Array = NDArray[Any]

#: the balanced accuracy is given if the largest class has more than this many times the examples of the smallest
BALANCED = 2


def majority_rate(labels: Array) -> float:
    """Return the accuracy of always predicting the most frequent class of these labels, (N,)."""
    return float(np.bincount(labels).max() / len(labels))


def balanced_accuracy(labels: Array, predictions: Array) -> float | None:
    """Return the mean over classes of the fraction of their examples that is classified correctly.

    labels, predictions: (N,). Classes without an example are ignored. Return None if the sizes of the classes differ
    by at most a factor of BALANCED.

    Brodersen, K. H. et al. (2010), The balanced accuracy and its posterior distribution, ICPR.
    """
    counts = np.bincount(labels)
    found = counts > 0
    if counts.max() <= BALANCED * counts[found].min():
        return None
    correct = np.bincount(labels[labels == predictions], minlength=len(counts))
    return float((correct[found] / counts[found]).mean())


def with_class_balance(
    results: pd.DataFrame, summaries: Sequence["Summary"], labels: Mapping[str, Array]
) -> pd.DataFrame:
    """Return a table of results with majority_rate and balanced_accuracy filled in.

    summaries: the runs of the rows. labels: of the test split, by dataset.
    """
    rates = {dataset: majority_rate(found) for dataset, found in labels.items()}
    balanced = [
        None if one.predictions is None else balanced_accuracy(labels[one.run.dataset], one.predictions)
        for one in summaries
    ]
    found = pd.Series(balanced, results.index, "float64")
    return RESULTS.typed(results.assign(majority_rate=results["dataset"].map(rates), balanced_accuracy=found))
