"""Estimate the time of an epoch on this machine, from earlier runs or, without any, from operation counts."""

import functools
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.common.progress_file import SUFFIX
from handgrad.experiment.registry import input_count
from handgrad.experiment.runs import AXES, Run
from handgrad.layout import paths
from handgrad.layout.benchmark_files import read_cost
from handgrad.layout.jobs import TRAINING
from handgrad.layout.resources import Facts, epoch_seconds
from handgrad.monitor.job_progress import JobProgress, read_progress

#: approximate maximum number of earlier jobs of each rule to read; a file server may be slow
SAMPLE = 500
#: epochs that a group of earlier runs needs, because the first epoch of a process takes longer than the others
ENOUGH_EPOCHS = 5
#: seconds of a training job outside its epochs, without earlier runs: start of Python, imports, reading and writing
BESIDE_TRAINING = 0.5
#: assumed speed, in operations per second; earlier runs correct it, so its value has little effect on the estimates
NOMINAL_RATE = 2e11
#: seconds to time a matrix product
TIMED_SECONDS = 0.03
#: maximum size of the timed product: inputs, and entries of each factor
TIMED_INPUTS, TIMED_ENTRIES = 10_000, 10_000_000

Kind = tuple[Any, ...]


@dataclass
class Group:
    """Earlier runs that are alike: their logs, and their epochs, seconds, and seconds at NOMINAL_RATE in all."""

    logs: set[Path] = field(default_factory=set)
    epochs: int = 0
    seconds: float = 0.0
    nominal: float = 0.0


class EarlierRuns:
    """Estimates the time of an epoch from the progress files of earlier runs in a folder.

    Only runs with the same image size and dtype are used. Runs of this machine are preferred, and among them the runs
    of the closest kind. used: logs of the runs in the estimates. beside_training: median seconds of a training job
    outside its epochs.
    """

    def __init__(self, folder: Path, datasets: Mapping[str, Facts]) -> None:
        self.datasets = datasets
        self.used: set[Path] = set()
        self._groups: dict[tuple[bool, Kind], Group] = {}  # by the beginnings of a kind
        self._factor = functools.cache(self._closest_factor)
        beside = []
        for log, benchmark in _training_jobs(folder):
            progress = read_progress(log)
            if progress and progress.an_epoch and (run := _run_of(progress, datasets)):
                self._add(log, progress, run)
                cost = read_cost(benchmark) if progress.event == "finished" else None
                beside += [max(0.0, cost.seconds - progress.seconds)] if cost else []
        self.beside_training = median(beside) if beside else BESIDE_TRAINING

    def _add(self, log: Path, progress: JobProgress, run: Run) -> None:
        facts, epochs = self.datasets[run.dataset], progress.epoch - progress.resumed
        kind, is_here = kind_of(run, facts), progress.host == socket.gethostname()
        for length in range(1, len(kind) + 1):
            group = self._groups.setdefault((is_here, kind[:length]), Group())
            group.logs.add(log)
            group.epochs += epochs
            group.seconds += progress.seconds
            group.nominal += epochs * epoch_seconds(run, facts, NOMINAL_RATE)

    def seconds(self, run: Run) -> float | None:
        """Return the seconds of an epoch; None without an earlier run of the same image size and dtype."""
        facts = self.datasets[run.dataset]
        factor = self._factor(kind_of(run, facts))
        return None if factor is None else factor * epoch_seconds(run, facts, NOMINAL_RATE)

    def _closest_factor(self, kind: Kind) -> float | None:
        for is_here in (True, False):
            lengths = range(len(kind), 0, -1)
            alike = [group for length in lengths if (group := self._groups.get((is_here, kind[:length])))]
            if alike:
                closest = next((group for group in alike if group.epochs >= ENOUGH_EPOCHS), alike[-1])
                self.used |= closest.logs
                return closest.seconds / closest.nominal
        return None


def kind_of(run: Run, facts: Facts) -> Kind:
    """Return the properties that determine the time of an epoch, the most important first."""
    return (input_count(facts), run.dtype), run.momentum > 0, run.activation, (run.hidden_units, run.batch_size)


def _training_jobs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the logs and the benchmark files of earlier training jobs, about SAMPLE for each rule."""
    for rule in TRAINING:
        logs = folder / paths.LOGS / rule
        files = sorted(logs.glob(f"**/*{SUFFIX}"))
        for file in files[:: 1 + len(files) // SAMPLE]:
            benchmark = folder / paths.BENCHMARKS / rule / file.relative_to(logs)
            yield file.with_suffix(".log"), benchmark.with_suffix(".tsv")


def _run_of(progress: JobProgress, datasets: Mapping[str, Facts]) -> Run | None:
    """Return the run of a training job; None if it is unknown here."""
    run = progress.run or {}
    return Run(**run) if run.keys() == set(AXES) and run["dataset"] in datasets else None


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
