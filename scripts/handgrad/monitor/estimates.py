"""Estimate the cost of the remaining jobs of an experiment: CPU time, memory and disk space.

Estimates are only shown; no decision depends on them. ``throughput`` estimates the time of training. For other jobs,
the estimate is their previous time.
"""

import functools
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import input_count
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout import paths, resources
from handgrad.layout.benchmark_files import read_cost
from handgrad.layout.jobs import Job
from handgrad.monitor.checkpoints import Checkpoints
from handgrad.monitor.throughput import EarlierRuns, product_rate
from handgrad.monitor.work import RemainingWork, Work

#: seconds of a job if no job of its rule has run in this folder
OTHER_SECONDS = 2.0
#: assumed bytes per second of a download; networks differ
DOWNLOAD_RATE = 10e6
#: disk space for the tables, figures and page of an experiment
PAGE_BYTES = 10_000_000
#: disk space for the file of a candidate in a rung
RUNG_BYTES = 2_000


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a job.

    cpu_seconds: time of one core. memory: requested bytes, 0 if the job requests none. disk: bytes that the job adds,
    including the checkpoint of a run. passed: epochs of a run that a checkpoint already contains. by_earlier_runs:
    whether the time of training was estimated from earlier runs.
    """

    job: Job
    cpu_seconds: float
    memory: int = 0
    disk: int = 0
    passed: float = 0.0
    by_earlier_runs: bool = False


class _Cost(NamedTuple):
    seconds: float
    disk: int
    by_earlier_runs: bool


class Estimator:
    """Estimates the cost of jobs. training: digest of the training code. Other checkpoints are ignored."""

    def __init__(self, experiment: Experiment, folder: Path, training: str) -> None:
        self.experiment, self.folder, self.training = experiment, folder, training
        self.earlier = EarlierRuns(folder, experiment.datasets)
        self.checkpoints = Checkpoints(folder, training)
        self._an_epoch = functools.cache(self._seconds_of_epoch)
        self._mean_cost = functools.cache(self._mean_training_cost)
        self._largest = functools.cache(self._largest_memory)
        self._rule_seconds = functools.cache(self._median_seconds)

    def estimates(self, to_do: Iterable[Job]) -> list[Estimate]:
        """Return the costs of all jobs that are to do; for a run, the cost of its remaining epochs."""
        jobs = list(to_do)
        work = RemainingWork(self.experiment, self.folder, self.training, self.checkpoints, jobs)
        return [self._training(job, work.of(job)) if job.trains else self._other(job) for job in jobs]

    def _other(self, job: Job) -> Estimate:
        """Return the cost of a job that does not train."""
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

    def _training(self, job: Job, work: Work) -> Estimate:
        """Return the cost of a training job: the mean over the runs that it may train, but their largest memory."""
        facts = self.experiment.datasets[work.runs[0][0].dataset]
        memory = self._largest(job.search) if job.search else resources.run_megabytes(work.runs[0][0], facts)
        passed = work.runs[0][1] if len(work.runs) == 1 else 0.0
        cost = self._mean_cost(work, job.rule)
        return Estimate(job, cost.seconds, 10**6 * memory, cost.disk, passed, cost.by_earlier_runs)

    def _mean_training_cost(self, work: Work, rule: str) -> _Cost:
        epochs = [(max(0.0, work.until - passed), *self._an_epoch(run)) for run, passed in work.runs]
        return _Cost(
            self.earlier.beside_training + fmean(number * seconds for number, seconds, _ in epochs),
            round(fmean(self._disk(run, passed, rule) for run, passed in work.runs)),
            all(by_earlier_runs for _, _, by_earlier_runs in epochs),
        )

    def _disk(self, run: Run, passed: float, rule: str) -> int:
        """Return the bytes that a training job adds. Its checkpoint replaces that of the epochs before."""
        facts = self.experiment.datasets[run.dataset]
        before = resources.stopped_bytes(run, facts) if passed else 0
        if rule in ("train_candidate", "promote_candidate"):
            return RUNG_BYTES + resources.stopped_bytes(run, facts) - before
        return resources.run_bytes(run, facts) + resources.checkpoint_bytes(run, facts) - before

    def _seconds_of_epoch(self, run: Run) -> tuple[float, bool]:
        """Return the seconds of an epoch of a run, and whether earlier runs gave them."""
        earlier = self.earlier.seconds(run)
        if earlier is not None:
            return earlier, True
        facts = self.experiment.datasets[run.dataset]
        # a search has many sizes, and each takes TIMED_SECONDS; similar sizes have a similar rate
        examples, units = (1 << (size - 1).bit_length() for size in (run.batch_size, run.hidden_units))
        rate = product_rate(examples, input_count(facts) + 1, units, run.dtype)
        return resources.epoch_seconds(run, facts, rate), False

    def _largest_memory(self, search: Search) -> int:
        """Return the megabytes that the jobs of a search request, which is enough for each of its runs."""
        facts = self.experiment.datasets[search.dataset]
        return max(resources.run_megabytes(run, facts) for run in search.settings)

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
