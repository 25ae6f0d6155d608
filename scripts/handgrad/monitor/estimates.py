"""Estimate the cost of the remaining jobs of an experiment: CPU time, memory and disk space.

Estimates are only shown; no decision depends on them. ``throughput`` estimates the time of training. For other jobs,
the estimate is their previous time.
"""

import functools
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import input_count
from handgrad.experiment.runs import Run
from handgrad.layout import paths, resources
from handgrad.layout.jobs import Job
from handgrad.monitor.throughput import EarlierRuns, product_rate, runs_in
from handgrad.page.benchmarks import read_cost
from handgrad.storage.checkpoint import SUFFIX, Unusable, read_header

#: seconds of a training job outside its training loop: start of Python, imports, reading and writing
BESIDE_TRAINING = 0.5
#: seconds of a job if no job of its rule has run in this folder
OTHER_SECONDS = 2.0
#: assumed bytes per second of a download; networks differ
DOWNLOAD_RATE = 10e6
#: disk space for the tables, figures and page of an experiment
PAGE_BYTES = 10_000_000


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a job.

    cpu_seconds: time of one core. memory: requested bytes, 0 if the job requests none. disk: bytes that the job adds,
    including the checkpoint of a run. passed: epochs of a run that a checkpoint already contains. by_earlier_runs:
    whether the time of a run was estimated from earlier runs.
    """

    job: Job
    cpu_seconds: float
    memory: int = 0
    disk: int = 0
    passed: float = 0.0
    by_earlier_runs: bool = False


class Estimator:
    """Estimates the cost of jobs. training: digest of the training code. Other checkpoints are ignored."""

    def __init__(self, experiment: Experiment, folder: Path, training: str) -> None:
        self.experiment, self.folder, self.training = experiment, folder, training
        self.earlier = EarlierRuns(folder, experiment.datasets)
        self._checkpoints: dict[Run, list[tuple[Run, Path]]] = {}  # by run, with its epochs set to 1
        for run, path in runs_in(folder, f"{paths.CHECKPOINTS}/{{dataset}}/{{run}}{SUFFIX}").items():
            self._checkpoints.setdefault(replace(run, epochs=1), []).append((run, path))
        self._rule_seconds = functools.cache(self._median_seconds)

    def estimate(self, job: Job) -> Estimate:
        """Return the cost of a job; for a run, the cost of its remaining epochs."""
        if job.run:
            return self._training(job, job.run)
        first, before = self._first(job), read_cost(self.folder / job.benchmark)
        return replace(first, cpu_seconds=before.seconds) if before else first

    def _first(self, job: Job) -> Estimate:
        """Return the cost of a job that has never run in this folder."""
        seconds, facts = self._rule_seconds(job.rule), self.experiment.datasets.get(job.dataset or "", {})
        if job.rule == "download_file":
            size = self._file_size(job)
            return Estimate(job, size / DOWNLOAD_RATE, disk=size)
        if job.rule == "preprocess_dataset":
            return Estimate(job, seconds, 10**6 * resources.preprocess_megabytes(facts), resources.data_bytes(facts))
        if job.rule in ("check_gate", "check_gradients"):
            return Estimate(job, seconds, 10**6 * resources.check_megabytes(facts, self.experiment.gradient_check))
        return Estimate(job, seconds, disk=PAGE_BYTES if job.rule == "render_summary" else 0)

    def _training(self, job: Job, run: Run) -> Estimate:
        facts, passed = self.experiment.datasets[run.dataset], self.passed(run)
        earlier = an_epoch = self.earlier.seconds(run)
        if an_epoch is None:
            # a search has many sizes, and each takes TIMED_SECONDS; similar sizes have a similar rate
            examples, units = (1 << (size - 1).bit_length() for size in (run.batch_size, run.hidden_units))
            rate = product_rate(examples, input_count(facts) + 1, units, run.dtype)
            an_epoch = resources.epoch_seconds(run, facts, rate)
        seconds = BESIDE_TRAINING + (run.epochs - passed) * an_epoch
        memory = 10**6 * resources.run_megabytes(run, facts)
        disk = resources.run_bytes(run, facts) + resources.checkpoint_bytes(run, facts)
        return Estimate(job, seconds, memory, disk, passed, earlier is not None)

    def passed(self, run: Run) -> float:
        """Return the number of epochs in the furthest usable checkpoint of a run."""
        return max(self._passed(run), default=0.0)

    def _passed(self, run: Run) -> Iterator[float]:
        size = resources.train_size(run, self.experiment.datasets[run.dataset])
        for other, path in self._checkpoints.get(replace(run, epochs=1), []):
            if other == run or run.can_be_extended:
                try:
                    header = read_header(path)
                except Unusable:
                    continue
                epochs = header.epochs + header.passed / size
                if header.code == self.training and epochs <= run.epochs:
                    yield float(run.epochs if header.ended and other == run else epochs)

    def _median_seconds(self, rule: str) -> float:
        """Return the median time of the finished jobs of a rule."""
        files = sorted(self.folder.glob(f"{paths.BENCHMARKS}/{rule}/**/*.tsv"))
        seconds = [job.seconds for job in map(read_cost, files) if job]
        return median(seconds) if seconds else OTHER_SECONDS

    def _file_size(self, job: Job) -> int:
        files = self.experiment.datasets[job.dataset or ""]["files"].values()
        sizes = {paths.DOWNLOAD.format(dataset=job.dataset, file=file["name"]): file["size"] for file in files}
        return sum(sizes[path] for path in job.outputs)


def makespan(seconds: Iterable[float], workers: int, running: Iterable[float] = ()) -> float:
    """Return the seconds until the last job ends, if free workers always start the longest waiting job.

    seconds: time of each waiting job. running: remaining times of the running jobs. This is the
    longest-processing-time rule (Graham, "Bounds on multiprocessing timing anomalies", 1969).
    """
    busy = list(running)
    busy += [0.0] * (max(1, workers) - len(busy))
    heapq.heapify(busy)
    for job in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + job)
    return max(busy)
