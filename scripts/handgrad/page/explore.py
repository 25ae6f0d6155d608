"""The data of the linked views on the page: the axes, the faults and the learning curve of each run.

``assets/runs.js`` reads it. The file must stay small with thousands of runs, so curves are shortened and rounded.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handgrad.experiment.runs import AXES, canonical_text
from handgrad.tables.selection import splits

Array = NDArray[Any]
History = Mapping[str, Array]

MAX_POINTS = 60  # of a curve
MIN_POINTS = 10
ALL_POINTS = 200_000  # of all curves together; with many runs, each has fewer points
STEPS = 65534  # a fault rate is stored as a multiple of 1/STEPS
LOG_RATIO = 10  # from this ratio of the largest to the smallest value, an axis is logarithmic

EXPERIMENT = "experiment"  # the name of an additional axis
AXIS_TITLES = {"l2": "λ", "pixels": "input scaling"}


def explore_data(results: pd.DataFrame, histories: Sequence[History]) -> list[dict[str, Any]]:
    """Return the data of the views of each dataset, ready for JSON.

    results: a table of results; if it has the column ``experiment``, this is the first axis. histories: of the run of
    each row, from ``run_reader.Summary``.
    """
    chosen_on = splits(results)
    found = pd.Series(list(histories), index=results.index)
    return [
        _dataset(str(name), runs, found[runs.index], len(results), chosen_on[str(name)])
        for name, runs in results.groupby("dataset", sort=False)
    ]


def axis_words(axis: str) -> str:
    """Return the name of an axis in words."""
    return AXIS_TITLES.get(axis, axis.replace("_", " "))


def scale_of(values: Sequence[Any]) -> str:
    """Return the scale for distinct values of an axis: ``point`` for equal distances, ``log`` or ``linear``."""
    if any(value is None or isinstance(value, str) for value in values):
        return "point"
    positive = [value for value in values if value > 0]
    wide = bool(positive) and max(positive) >= LOG_RATIO * min(positive)
    if wide and len(positive) == len(values):
        return "log"
    return "point" if wide and min(values) == 0 else "linear"


def point_count(runs: int, curves: int) -> int:
    """Return the maximum number of points of a curve. curves: for each of the runs."""
    return max(MIN_POINTS, min(MAX_POINTS, ALL_POINTS // (runs * curves)))


def _dataset(
    name: str, runs: pd.DataFrame, histories: "pd.Series[Any]", all_runs: int, chosen_on: str
) -> dict[str, Any]:
    axes = [axis for axis in (EXPERIMENT, *AXES[1:]) if axis in runs]
    values = {axis: [None if pd.isna(one) else one for one in runs[axis].tolist()] for axis in axes}
    kinds = ["validation", "test"] if chosen_on == "validation" else ["test"]
    lengths = [_finite_epochs(history) for history in histories]
    points = point_count(all_runs, len(kinds))
    return {
        "name": name,
        "rows": [int(row) for row in runs.index],
        "names": runs["run"].tolist(),
        "order": AXES[1:],
        "common": {axis: axis_data(axis, found[:1]) for axis, found in values.items() if len(set(found)) == 1},
        "axes": [axis_data(axis, found) for axis, found in values.items() if len(set(found)) > 1],
        "lengths": lengths,
        "points": points,
        "splits": [_split(kind, runs, histories, lengths, points) for kind in kinds],
    }


def axis_data(axis: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of an axis, each once and in order, and the place of each given value among them."""
    distinct = list(dict.fromkeys(values))
    if not isinstance(distinct[0], str):
        distinct.sort(key=lambda value: (value is None, value))
    place = {value: i for i, value in enumerate(distinct)}
    return {
        "name": axis,
        "title": axis_words(axis),
        "scale": scale_of(distinct),
        "values": distinct,
        "texts": [_text(value) for value in distinct],
        "at": [place[value] for value in values],
    }


def _text(value: Any) -> str:
    return "all" if value is None else canonical_text(value)


def _split(
    kind: str, runs: pd.DataFrame, histories: Iterable[History], lengths: Sequence[int], points: int
) -> dict[str, Any]:
    """Return the faults of a split after the last epoch, and in the course of training."""
    sizes = runs[f"{kind}_size"].tolist()
    faults = runs["faults" if kind == "test" else "validation_faults"].tolist()
    curves = (
        np.round(STEPS * history[f"{kind}_faults"][shortened(length, points)] / size)
        for history, length, size in zip(histories, lengths, sizes, strict=True)
    )
    stored = np.concatenate(list(curves)).astype("<u2").tobytes()
    return {
        "name": kind,
        "sizes": sizes,
        "faults": [None if pd.isna(one) else int(one) for one in faults],
        "curves": base64.b64encode(stored).decode("ascii"),
    }


def shortened(length: int, points: int) -> Array:
    """Return the indices of at most this many epochs at about equal distances, with the first and the last one."""
    count = min(length, points)
    return np.arange(count) * (length - 1) // max(1, count - 1)


def _finite_epochs(history: History) -> int:
    """Return the number of epochs up to the last one with a finite loss."""
    finite = np.isfinite(history["test_loss"])
    return len(finite) if finite.all() else int(finite.argmin())
