"""The cards in the head of the page: the best result of each dataset."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, canonical_text
from handgrad.page.explore import axis_words

_MAIN = ("activation", "hidden_units", "learning_rate", "l2")


def cards(best: pd.DataFrame, results: pd.DataFrame, among: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Return what the head says of the best setting of each dataset, in words. best: from ``best.best_table``.

    among: the runs whose axes are named if they vary; None for those of ``results``.
    """
    named = results if among is None else among
    varied = {dataset: varied_axes(runs) for dataset, runs in named.groupby("dataset")}
    counts = results["dataset"].value_counts()
    return [_card(row, int(counts[row.dataset]), varied[row.dataset]) for row in best_of_datasets(best)]


def best_of_datasets(best: pd.DataFrame) -> list[Any]:
    """Return the best setting of each dataset as named tuples. best: from ``best.best_table``."""
    return list(best[best["best_of"] == "dataset"].itertuples())


def _card(row: Any, runs: int, varied: Sequence[str]) -> dict[str, Any]:
    if row.status == "diverged":
        return {"dataset": row.dataset, "accuracy": None, "runs": runs, "reference": _reference(row)}
    several = f"Mean of {row.finished} seeds: {100 * row.accuracy_min:.2f} to {100 * row.accuracy_max:.2f}%"
    return {
        "dataset": row.dataset,
        "accuracy": f"{row.accuracy_mean:.2%}",
        "interval": f"{100 * row.accuracy_low:.2f} to {100 * row.accuracy_high:.2f}%",
        "test_size": f"{row.test_size:,}",
        "setting": setting_words(row, varied),
        "seeds": several if row.finished > 1 else "One seed",
        "trained": None if pd.isna(row.train_size) else f"{int(row.train_size):,}",
        "balanced": None if pd.isna(row.balanced_accuracy_mean) else f"{row.balanced_accuracy_mean:.2%}",
        "reference": _reference(row),
        "single": row.settings == 1,
        "settings": counted(row.settings, "setting"),
        "on_validation": row.chosen_on == "validation",
    }


def _reference(row: Any) -> str:
    """Return what the accuracy is compared with: the best published row, and always predicting one class."""
    texts = []
    if pd.notna(row.published_accuracy):
        difference = "" if row.status == "diverged" else f" ({row.difference_points:+.2f} points here)"
        texts.append(f"best published result: {row.published_accuracy:.2%}{difference}")
    if pd.notna(row.majority_rate):
        texts.append(f"always predicting the most frequent class: {row.majority_rate:.2%}")
    return "; ".join(texts)


def varied_axes(runs: pd.DataFrame) -> list[str]:
    """Return the axes with more than one value in these rows, without the dataset."""
    return [axis for axis in AXES[1:] if len(runs[axis].unique()) > 1]


def setting_words(row: Any, varied: Sequence[str]) -> str:
    """Return a setting in words: the main axes, and the others that vary."""
    others = (axis for axis in varied if axis not in (*_MAIN, "seed"))
    named = [("learning_rate", "learning rate"), ("l2", "λ"), *((axis, axis_words(axis)) for axis in others)]
    values = [f"{words} {value_text(getattr(row, axis))}" for axis, words in named]
    return ", ".join([row.activation, counted(row.hidden_units, "hidden unit"), *values])


def value_text(value: Any) -> str:
    """Return the value of an axis as text. A missing train_size means all examples."""
    return "all" if pd.isna(value) else canonical_text(value)
