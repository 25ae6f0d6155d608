"""Where two results of the same run, one of experiment A and one of experiment B, differ."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import numpy as np

from handgrad.network.activations import Array
from handgrad.storage.provenance import Machine, machines
from handgrad.storage.run_reader import Summary
from handgrad.training.results import Epoch

_T = TypeVar("_T")
FIGURES = tuple(figure.name for figure in fields(Epoch) if figure.name != "seconds")


@dataclass(frozen=True)
class Sides(Generic[_T]):
    """A fact about A and the same fact about B."""

    a: _T
    b: _T

    @property
    def equal(self) -> bool:
        """Whether both are equal."""
        return self.a == self.b


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Where two results of the same run differ.

    epoch: the first epoch in which ``figures`` of the history differ; None if only weights or predictions differ.
    largest, relative: the figure with the largest relative difference in the last epoch that both have; None if no
    finite figure differs there. causes: which of code, data and machine differ.
    """

    run: str
    epoch: int | None
    figures: list[str]
    largest: str | None
    relative: float | None
    status: Sides[str]
    faults: Sides[int | None]
    causes: list[str]


def divergence(a: Summary, b: Summary) -> Divergence:
    """Return where two results of the same run differ."""
    epochs = min(len(a.history[FIGURES[0]]), len(b.history[FIGURES[0]]))
    first = {name: _first_difference(a.history[name], b.history[name]) for name in FIGURES}
    differing = {name: epoch for name, epoch in first.items() if epoch is not None}
    epoch = min(differing.values(), default=None)
    last = {name: _relative(float(a.history[name][epochs - 1]), float(b.history[name][epochs - 1])) for name in FIGURES}
    largest = max(FIGURES, key=lambda name: last[name])
    return Divergence(
        run=a.run.name,
        epoch=epoch,
        figures=[name for name in FIGURES if differing.get(name) == epoch and epoch is not None],
        largest=largest if last[largest] else None,
        relative=last[largest] or None,
        status=Sides(a.status, b.status),
        faults=Sides(a.faults, b.faults),
        causes=[name for name, found in _origin(a).items() if found != _origin(b)[name]],
    )


def _first_difference(a: Array, b: Array) -> int | None:
    """Return the first epoch in which a figure differs, which is one epoch more if one history ends earlier."""
    epochs = min(len(a), len(b))
    differs = np.flatnonzero((a[:epochs] != b[:epochs]) & ~(np.isnan(a[:epochs]) & np.isnan(b[:epochs])))
    if len(differs):
        return int(differs[0]) + 1
    return epochs + 1 if len(a) != len(b) else None


def _relative(a: float, b: float) -> float:
    """Return the difference of two numbers relative to the larger one; 0 if one of them is not finite."""
    return abs(b - a) / max(abs(a), abs(b)) if np.isfinite([a, b]).all() and a != b else 0.0


def _origin(summary: Summary) -> dict[str, Any]:
    """Return the code, the data and the machines of a run."""
    kinds = {(one.cpu, one.python, one.numpy, one.blas) for one in machines_of([summary])}
    made = summary.attributes
    return {"code": made["code_digest"], "data": made["data_content"], "machine": kinds}


def machines_of(summaries: Sequence[Summary]) -> list[Machine]:
    """Return the machines that computed these runs."""
    return machines(json.loads(summary.attributes["segments"]) for summary in summaries)
