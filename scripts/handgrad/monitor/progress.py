"""How far a workflow is, from the events of Snakemake and the progress files of jobs."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_progress import JobProgress, read_progress
from handgrad.monitor.jobs import Job
from handgrad.monitor.makespan import makespan

DOWNLOAD, TRAINING = "download_file", "train_run"


@dataclass(frozen=True)
class Running:
    """A job that runs. share: how much of its work is done, as far as it is known. left: seconds, likewise."""

    job: Job
    text: str
    share: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """The jobs that have begun, at some moment.

    running: in the order of their start. ended: those that have done their work while the cluster's submission
    that they belong to has not. submitted: those that the cluster has not yet started.
    """

    running: list[Running]
    ended: frozenset[Job] = frozenset()
    submitted: frozenset[Job] = frozenset()


@dataclass
class Progress:
    """The jobs of one call of Snakemake.

    planned: what is to be done, with estimates. workers: how many jobs run at once; None on a cluster, where
    it is as many as run now.
    """

    planned: Mapping[Job, Estimate]
    workers: int | None
    clock: Callable[[], float] = time.time
    begun: dict[Job, float] = field(default_factory=dict)
    finished: set[Job] = field(default_factory=set)
    failed: set[Job] = field(default_factory=set)
    _taken: float = 0.0
    _guessed: float = 0.0
    _received: dict[Job, int] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """Note that a job was started, or given to a cluster; one that had failed is tried again."""
        self.begun[job] = self.clock()
        self.failed.discard(job)
        if job.rule == DOWNLOAD:
            self._received[job] = _bytes_received(job)

    def finish(self, job: Job) -> float:
        """Note that a job has ended well; returns the seconds that it took."""
        seconds = self.clock() - self.begun.pop(job, self.clock())
        self.finished.add(job)
        if job.rule == TRAINING:
            self._taken += seconds
            self._guessed += self._estimated(job)
        return seconds

    def fail(self, job: Job) -> None:
        """Note that a job has failed."""
        self.begun.pop(job, None)
        self.failed.add(job)

    def correction(self, running: Iterable[Running] = ()) -> float:
        """Return how many times as long as estimated runs take: those that have ended, or whose end is known.

        1 before there is any, and on a cluster, where it is not known when a job began.
        """
        if not self.workers:
            return 1.0
        taken, guessed = self._taken, self._guessed
        for row in running:
            if row.share and row.left is not None and row.job.rule == TRAINING and row.job in self.begun:
                taken += self.clock() - self.begun[row.job] + row.left
                guessed += self._estimated(row.job)
        return taken / guessed if guessed else 1.0

    def _estimated(self, job: Job) -> float:
        return self.planned[job].seconds if job in self.planned else 0.0

    def snapshot(self) -> Snapshot:
        """Return where the jobs that have begun are now."""
        rows, ended, submitted = [], set(), set()
        for job, began in list(self.begun.items()):
            progress = read_progress(job.log)
            if progress and progress.time < began - 1:  # of an earlier attempt
                progress = None
            if self.workers is None and progress is None and job.rule != DOWNLOAD:
                submitted.add(job)
            elif self.workers is None and progress and progress.event == "finished":
                ended.add(job)
            else:
                rows.append(self._download(job, began) if job.rule == DOWNLOAD else self._row(job, began, progress))
        return Snapshot(rows, frozenset(ended), frozenset(submitted))

    def _row(self, job: Job, began: float, progress: JobProgress | None) -> Running:
        now = self.clock()
        left = progress.left(now) if progress else None
        if progress and left is not None:
            return Running(job, progress.position(now), progress.share, left)
        text = (progress.position(now) if progress else "") or f"{duration_text(now - began)} so far"
        return Running(job, text, left=max(0.0, self._estimated(job) * self.correction() - (now - began)))

    def _download(self, job: Job, began: float) -> Running:
        size, received = self.planned[job].room if job in self.planned else 0, _bytes_received(job)
        if received < self._received.get(job, 0):  # begun anew
            self._received[job] = 0
        rate = (received - self._received.get(job, 0)) / max(self.clock() - began, 0.1)
        if not size or rate <= 0:
            return Running(job, "asking for it")
        left = (size - received) / rate
        text = f"{size_text(received)} of {size_text(size)}, {size_text(rate)}/s, {duration_text(left)} left"
        return Running(job, text, received / size, left)

    def left(self, view: Snapshot) -> float:
        """Return the seconds until all is done."""
        running = [row.left or 0.0 for row in view.running]
        begun = {*self.begun, *self.finished, *self.failed} - view.submitted
        correction = self.correction(view.running)
        to_come = [one.seconds * correction for job, one in self.planned.items() if job not in begun]
        return makespan(to_come, self.workers or max(1, len(running)), running)

    def share(self, view: Snapshot) -> float:
        """Return the share of the work that is done, by its estimated time."""
        total = sum(one.seconds for one in self.planned.values())
        shares = {row.job: row.share or 0.0 for row in view.running}
        shares |= dict.fromkeys([*self.finished, *view.ended], 1.0)
        return sum(share * self._estimated(job) for job, share in shares.items()) / total if total else 1.0

    def headline(self, view: Snapshot) -> str:
        """Return ``14 of 33 steps done, about 8 s left``."""
        done = len(self.finished) + len(view.ended)
        parts = [f"{done} of {counted(len(self.planned), 'step')} done"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if view.submitted:
            parts.append(f"{len(view.submitted)} submitted")
        return ", ".join([*parts, f"about {duration_text(self.left(view))} left"])


def _bytes_received(job: Job) -> int:
    """Return the size of a file that arrives: it is beside its place, ``.<name>.partial`` or ``.<name>.<x>.part``."""
    path = Path("resources") / job.name
    try:
        return max((part.stat().st_size for part in path.parent.glob(f".{path.name}.*part*")), default=0)
    except OSError:  # in place by now
        return 0
