"""The head of the page: the best result of each dataset, and what a reader would ask next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, canonical_text
from handgrad.page.explore import axis_words

Array = NDArray[Any]

#: axes whose best value may lie beyond the tried ones, and the smallest possible value
_OPEN_AXES = {"learning_rate": 0, "l2": 0, "hidden_units": 1, "epochs": 1, "batch_size": 1}
_MAIN = ("activation", "hidden_units", "learning_rate", "l2")
MAX_CONFUSED = 3


@dataclass(frozen=True)
class Confused:
    """Test examples of one true class that the best run assigned to another class, and their number."""

    true: int
    predicted: int
    count: int


def confused_classes(labels: Array, predictions: Array) -> list[Confused]:
    """Return the most frequent confusions of two classes, at most MAX_CONFUSED. labels, predictions: (N,)."""
    wrong = labels != predictions
    pairs, counts = np.unique(np.stack([labels[wrong], predictions[wrong]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MAX_CONFUSED]
    return [Confused(int(pairs[0, i]), int(pairs[1, i]), int(counts[i])) for i in order]


def cards(best: pd.DataFrame, results: pd.DataFrame, among: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    """Return what the head says of the best setting of each dataset, in words. best: from ``best.best_table``.

    among: the runs whose axes are named if they vary; None for those of ``results``.
    """
    named = results if among is None else among
    varied = {dataset: varied_axes(runs) for dataset, runs in named.groupby("dataset")}
    counts = results["dataset"].value_counts()
    return [_card(row, int(counts[row.dataset]), varied[row.dataset]) for row in _of_datasets(best)]


def _of_datasets(best: pd.DataFrame) -> list[Any]:
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
    values = [f"{words} {_value(getattr(row, axis))}" for axis, words in named]
    return ", ".join([row.activation, counted(row.hidden_units, "hidden unit"), *values])


def _value(value: Any) -> str:
    return "all" if pd.isna(value) else canonical_text(value)


def answers(
    best: pd.DataFrame,
    results: pd.DataFrame,
    confused: Mapping[str, Sequence[Confused]],
    class_names: Mapping[str, Sequence[str]],
) -> list[str]:
    """Return sentences on each dataset that answer the next questions: what is certain, confused, and worth a try."""
    prefix = len(best["dataset"].unique()) > 1
    return [
        f"{row.dataset}: {sentence}" if prefix else sentence
        for row in _of_datasets(best)
        if row.status == "finished"
        for sentence in _sentences(
            row,
            results[results["dataset"] == row.dataset],
            confused.get(row.dataset, ()),
            class_names[row.dataset],
        )
    ]


def _sentences(row: Any, runs: pd.DataFrame, confused: Sequence[Confused], class_names: Sequence[str]) -> Iterator[str]:
    half = 50 * (row.accuracy_high - row.accuracy_low)
    yield (
        f"With {row.test_size:,} test examples, chance moves an accuracy by about ±{half:.2f} points (95% interval). "
        "Whether a smaller difference between two runs is real is tested on the same examples (AGAINST BEST)."
    )
    compared = runs["against_best"].dropna()
    others = compared[compared != "best"]
    if len(others):
        alike = int((others == "like best").sum())
        yield (
            f"{alike:,} of {counted(len(others), 'other run')} {'does' if alike == 1 else 'do'} not differ "
            "significantly from the best run of the same seed (exact McNemar test, Holm's correction)."
        )
    if confused:
        pairs = (f"{class_names[c.true]} taken for {class_names[c.predicted]} ({c.count})" for c in confused)
        yield f"Most frequent confusions of the best run: {'; '.join(pairs)}."
    yield from _edges(row, runs)
    if len(runs["seed"].unique()) == 1 and len(runs) > 1:
        yield (
            "Each setting was trained with one seed, so differences between settings include the effect of the seed; "
            "more seeds of the best settings would separate them."
        )


def _edges(row: Any, runs: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence on the axes whose best value is the smallest or the largest that was tried."""
    found = []
    for axis, least in _OPEN_AXES.items():
        low, high, best = runs[axis].min(), runs[axis].max(), getattr(row, axis)
        if low < high and best in (low, high) and best != least:
            number = "number of " if axis in ("hidden_units", "epochs") else ""
            found.append(
                f"{'smallest' if best == low else 'largest'} {number}{axis_words(axis)} ({canonical_text(best)})"
            )
    if found:
        yield f"The best setting has the {', the '.join(found)} that was tried; values beyond may be better."
