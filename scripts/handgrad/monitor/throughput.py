"""Estimate the time of an epoch on this machine, from earlier runs or, without any, from operation counts."""

import functools
import operator
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.common.errors import HandgradError
from handgrad.experiment.registry import input_count
from handgrad.experiment.runs import Run, is_short_name
from handgrad.layout.jobs import log
from handgrad.layout.paths import CHECKPOINTS, run_file
from handgrad.layout.resources import Facts, epoch_seconds
from handgrad.monitor.job_progress import read_progress
from handgrad.storage.checkpoint import SUFFIX, Unusable, read_header
from handgrad.storage.run_reader import read_summary

#: approximate maximum number of earlier runs to read; a file server may be slow
SAMPLE = 500
#: assumed speed, in operations per second; earlier runs correct it, so its value has little effect on the estimates
NOMINAL_RATE = 2e11
#: seconds to time a matrix product
TIMED_SECONDS = 0.03
#: maximum size of the timed product: inputs, and entries of each factor
TIMED_INPUTS, TIMED_ENTRIES = 10_000, 10_000_000

Kind = tuple[Any, ...]


class EarlierRuns:
    """Estimates the time of an epoch from the progress files of earlier runs in a folder.

    Only runs with the same image size and dtype are used. Runs of this machine are preferred, and among them the runs
    of the closest kind. used: logs of the runs in the estimates.
    """

    def __init__(self, folder: Path, datasets: Mapping[str, Facts]) -> None:
        self.datasets = datasets
        self.used: set[Path] = set()
        self._factors: dict[tuple[Path, bool, Kind], float] = {}  # actual time / time at NOMINAL_RATE
        self._factor = functools.cache(self._closest_factor)
        for run, path in runs_in(folder, log("train_run"), most=SAMPLE).items():
            progress = read_progress(path)
            if run.dataset in datasets and progress and progress.an_epoch:
                facts = datasets[run.dataset]
                key = path, progress.host == socket.gethostname(), kind_of(run, facts)
                self._factors[key] = progress.an_epoch / epoch_seconds(run, facts, NOMINAL_RATE)

    def seconds(self, run: Run) -> float | None:
        """Return the seconds of an epoch; None without an earlier run of the same image size and dtype."""
        facts = self.datasets[run.dataset]
        factor = self._factor(kind_of(run, facts))
        return None if factor is None else factor * epoch_seconds(run, facts, NOMINAL_RATE)

    def _closest_factor(self, kind: Kind) -> float | None:
        found: dict[tuple[bool, int], dict[Path, float]] = {}
        for (path, is_here, other), factor in self._factors.items():
            if alike := [*map(operator.eq, kind, other), False].index(False):
                found.setdefault((is_here, alike), {})[path] = factor
        if not found:
            return None
        closest = found[max(found)]
        self.used |= closest.keys()
        return median(closest.values())


def kind_of(run: Run, facts: Facts) -> Kind:
    """Return the properties that determine the time of an epoch, the most important first."""
    return (input_count(facts), run.dtype), run.momentum > 0, run.activation, (run.hidden_units, run.batch_size)


def runs_in(folder: Path, template: str, most: int | None = None) -> dict[Run, Path]:
    """Return run -> path for the files in a folder that have a run name.

    template: their path with wildcards. most: approximate maximum number of files; None for all.
    """
    suffix = template.partition("{run}")[2]
    found = {}
    files = sorted(folder.glob(template.format(dataset="*", run="*")))
    for path in files[:: 1 + len(files) // most if most else 1]:
        run = _run_of(folder, path.parent.name, path.name.removesuffix(suffix))
        if run:
            found[run] = path
    return found


def _run_of(folder: Path, dataset: str, name: str) -> Run | None:
    """Return the run with a name. The values of a short name are read from its checkpoint or its run file."""
    if not is_short_name(name):
        with suppress(HandgradError):  # not a run name
            return Run.from_name(dataset, name)
        return None
    with suppress(Unusable, OSError):
        return read_header(folder / CHECKPOINTS / dataset / f"{name}{SUFFIX}").run
    with suppress(HandgradError, OSError):
        return read_summary(folder / run_file(dataset, name)).run
    return None


@functools.cache
def product_rate(examples: int, inputs: int, units: int, dtype: str) -> float:
    """Return the current speed of this machine in X W1', the largest product of a run, in operations per second.

    If the product is too large to time quickly, a part of it is timed, which has the same speed.
    """
    inputs = min(inputs, TIMED_INPUTS)
    units, examples = (min(size, TIMED_ENTRIES // inputs) for size in (units, examples))
    X = np.ones((examples, inputs), dtype)
    W1 = np.ones((units, inputs), dtype, order="F")
    A = np.empty((examples, units), dtype)
    times: list[float] = []
    with threadpool_limits(1):
        while sum(times) < TIMED_SECONDS or len(times) < 3:
            began = time.perf_counter()
            np.matmul(X, W1.T, out=A)
            times.append(time.perf_counter() - began)
    return 2 * A.size * inputs / median(times)
