"""How long an epoch of a run takes on this machine: by earlier runs or, before any, by counting operations."""

import functools
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
from handgrad.experiment.runs import Run
from handgrad.layout.jobs import log
from handgrad.layout.resources import Facts, epoch_seconds, pixels_of_image
from handgrad.monitor.job_progress import read_progress

#: how many earlier runs of a kind are read
SAMPLE = 5
#: what earlier runs are compared with; its value does not matter where an update costs little
NOMINAL_RATE = 2e11
#: how long a product is timed
TIMED_SECONDS = 0.03
#: the largest product that is timed: inputs, and entries of each of its two factors
TIMED_INPUTS, TIMED_ENTRIES = 10_000, 10_000_000

Kind = tuple[Any, ...]


class EarlierRuns:
    """What the progress files of earlier runs in a folder say of other runs.

    Of the kinds that a run belongs to, the closest one counts of which this machine has computed a run; if it
    has computed none, the closest one of which there is any. used: the logs of the runs that were counted.
    """

    def __init__(self, folder: Path, datasets: Mapping[str, Facts]) -> None:
        self.datasets = datasets
        self.used: set[Path] = set()
        self._logs: dict[Kind, list[tuple[Path, Run]]] = {}
        self._factor = functools.cache(self._closest_factor)
        self._progress = functools.cache(read_progress)
        for run, path in runs_in(folder, log("train_run")).items():
            for kind in kinds(run, datasets[run.dataset]) if run.dataset in datasets else ():
                self._logs.setdefault(kind, []).append((path, run))

    def seconds(self, run: Run) -> float | None:
        """Return what an epoch of a run takes here; None if there is no earlier run of its kinds."""
        facts = self.datasets[run.dataset]
        factor = self._factor(kinds(run, facts))
        return None if factor is None else factor * epoch_seconds(run, facts, NOMINAL_RATE)

    def _closest_factor(self, ways: tuple[Kind, ...]) -> float | None:
        medians = (self._median(kind, host) for host in (socket.gethostname(), None) for kind in ways)
        return next((factor for factor in medians if factor is not None), None)

    def _median(self, kind: Kind, host: str | None) -> float | None:
        """Return the median ratio of what earlier runs of a kind took to what they would take at the nominal rate."""
        factors: dict[Path, float] = {}
        for path, run in self._logs.get(kind, []):
            progress = self._progress(path)
            if progress and progress.an_epoch and host in (None, progress.host) and len(factors) < SAMPLE:
                nominal = epoch_seconds(run, self.datasets[run.dataset], NOMINAL_RATE)
                factors[path] = progress.an_epoch / nominal
        self.used |= factors.keys()
        return median(factors.values()) if factors else None


def kinds(run: Run, facts: Facts) -> tuple[Kind, ...]:
    """Return the kinds of runs that a run belongs to, the closest first.

    Runs on images of other sizes say less of it than operation counts do.
    """
    widest = (pixels_of_image(facts), run.dtype)
    work = (*widest, run.momentum > 0)
    alike = (*work, run.activation)
    return (*alike, run.hidden_units, run.batch_size), alike, work, widest


def runs_in(folder: Path, template: str) -> dict[Run, Path]:
    """Return the files of a folder that are called like those of runs, by the runs; template: with their wildcards."""
    suffix = template.partition("{run}")[2]
    found = {}
    for path in sorted(folder.glob(template.format(dataset="*", run="*"))):
        with suppress(HandgradError):  # not called like a run
            found[Run.from_name(path.parent.name, path.name.removesuffix(suffix))] = path
    return found


@functools.cache
def product_rate(examples: int, inputs: int, units: int, dtype: str) -> float:
    """Return the floating-point operations a second of this machine, now, in the largest product of a run: X W1'.

    Of a run too large to be tried in passing, a part of that product, which is as fast.
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
