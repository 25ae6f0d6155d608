"""What a reader asks next: how certain the best result is, what is confused, what has no effect here, what to try."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.common.formatting import counted
from handgrad.experiment.runs import AXES, canonical_text
from handgrad.page.explore import axis_words
from handgrad.page.head import best_of_datasets, value_text
from handgrad.tables.seed_variance import repeated_settings, seed_variance
from handgrad.tables.seeds import SETTING_AXES

Array = NDArray[Any]

#: axes whose best value may lie beyond the tried ones, and the smallest possible value
_OPEN_AXES = {"learning_rate": 0, "l2": 0, "hidden_units": 1, "epochs": 1, "batch_size": 1}
#: axes that are no choice of the model
_OUTSIDE = {"dataset", "seed", "dtype", "batch_gradient", "validation_size"}
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


def answers(
    best: pd.DataFrame,
    results: pd.DataFrame,
    confused: Mapping[str, Sequence[Confused]],
    class_names: Mapping[str, Sequence[str]],
) -> dict[str, list[str]]:
    """Return sentences on each dataset with a finished run that answer the next questions."""
    return {
        row.dataset: list(
            _sentences(
                row,
                results[results["dataset"] == row.dataset],
                confused.get(row.dataset, ()),
                class_names[row.dataset],
            )
        )
        for row in best_of_datasets(best)
        if row.status == "finished"
    }


def _sentences(row: Any, runs: pd.DataFrame, confused: Sequence[Confused], class_names: Sequence[str]) -> Iterator[str]:
    yield from _chance(row, runs)
    yield from _rivals(runs)
    yield from _seeds(row, runs)
    if confused:
        pairs = (f"{class_names[c.true]} taken for {class_names[c.predicted]} ({c.count})" for c in confused)
        yield f"Most frequent confusions of the best run: {'; '.join(pairs)}."
    yield from _edges(row, runs)
    yield from _constant(runs)


def _chance(row: Any, runs: pd.DataFrame) -> Iterator[str]:
    """Yield what moves an accuracy by chance: other test examples, and other seeds if there are several."""
    half = 50 * (row.accuracy_high - row.accuracy_low)
    yield (
        f"Other test examples would change an accuracy by about ±{half:.2f} points (95% interval, from "
        f"{row.test_size:,} examples)."
    )
    _, faults = repeated_settings(runs)
    if faults:
        points = 100 * seed_variance(faults).over_seeds / row.test_size
        of = f"the best {len(faults)} settings" if len(faults) > 1 else "the one setting"
        yield f"Another seed changes it by {points:.2f} points (standard deviation, from {of} with several seeds)."


def _rivals(runs: pd.DataFrame) -> Iterator[str]:
    """Yield how many runs of the seed with the most runs do not differ significantly from the best one."""
    tested = runs[runs["against_best"].notna()]
    if tested.empty:
        return
    seed = tested["seed"].value_counts().idxmax()
    others = tested.loc[(tested["seed"] == seed) & (tested["against_best"] != "best"), "against_best"]
    if len(others):
        alike = int((others == "like best").sum())
        yield (
            f"{alike:,} of {counted(len(others), 'other run')} with seed {seed} {'does' if alike == 1 else 'do'} not "
            "differ significantly from the best one (exact McNemar test on the same examples, Holm's correction; "
            "column AGAINST BEST)."
        )


def _seeds(row: Any, runs: pd.DataFrame) -> Iterator[str]:
    """Yield what is not known because only one seed of the best setting finished."""
    finished = runs[runs["status"] == "finished"]
    seeds = int(finished.groupby(list(SETTING_AXES), dropna=False, sort=False).size().max())
    if row.finished > 1 or row.settings == 1:
        return
    of = "each setting has one seed" if seeds == 1 else f"the best setting has one seed, others up to {seeds}"
    others = f"{of}{' that finished' if (runs['status'] == 'diverged').any() else ''}"
    yield (
        f"Differences between settings include the effect of the seed, because {others}. More seeds of the best "
        "settings would show which differences the seed causes."
    )


def _edges(row: Any, runs: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence on the axes whose best value is the smallest or the largest tried with its activation."""
    alike = runs[runs["activation"] == row.activation]
    found = []
    for axis, least in _OPEN_AXES.items():
        low, high, best = alike[axis].min(), alike[axis].max(), getattr(row, axis)
        if low < high and best in (low, high) and best != least:
            number = "number of " if axis in ("hidden_units", "epochs") else ""
            found.append(
                f"{'smallest' if best == low else 'largest'} {number}{axis_words(axis)} ({canonical_text(best)})"
            )
    if found:
        yield (
            f"The best setting has the {', the '.join(found)} that was tried with {row.activation}; values beyond "
            "may be better."
        )


def _constant(runs: pd.DataFrame) -> Iterator[str]:
    """Yield the axes with one value. Their effect cannot be seen."""
    same = [axis for axis in AXES if axis not in _OUTSIDE and len(runs[axis].unique()) == 1]
    if same and len(runs) > 1:
        named = (f"{axis_words(axis)} ({value_text(runs[axis].tolist()[0])})" for axis in same)
        yield f"These values are the same in all runs, so their effect is not known: {', '.join(named)}."
