"""How far a workflow is, from the events of Snakemake and the progress files of jobs."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.jobs import Job
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_progress import JobProgress, read_progress
from handgrad.monitor.makespan import makespan

DOWNLOAD = "download_file"


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
    it is as many as run now. begun: when jobs that are not over began. finished: the seconds that jobs took.
    """

    planned: Mapping[Job, Estimate]
    workers: int | None
    clock: Callable[[], float] = time.time
    begun: dict[Job, float] = field(default_factory=dict)
    finished: dict[Job, float] = field(default_factory=dict)
    failed: set[Job] = field(default_factory=set)
    _received: dict[Job, int] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """Note that a job was started, or given to a cluster; one that had failed is tried again."""
        self.begun[job] = self.clock()
        self.failed.discard(job)
        self._received[job] = _bytes_received(job)

    def finish(self, job: Job) -> float:
        """Note that a job has ended well; returns the seconds that it took."""
        self.finished[job] = self.clock() - self.begun.pop(job, self.clock())
        return self.finished[job]

    def fail(self, job: Job) -> None:
        """Note that a job has failed."""
        self.begun.pop(job, None)
        self.failed.add(job)

    def correction(self, running: Iterable[Running] = ()) -> float:
        """Return how many times as long as estimated runs take: those that have ended, or whose end is known.

        1 before there is any, and on a cluster, where it is not known when a job began.
        """
        taken = {job: seconds for job, seconds in self.finished.items() if job.run}
        for row in running:
            if row.share and row.left is not None and row.job.run and row.job in self.begun:
                taken[row.job] = self.clock() - self.begun[row.job] + row.left
        estimated = sum(map(self._estimated, taken))
        return sum(taken.values()) / estimated if self.workers and estimated else 1.0

    def _estimated(self, job: Job) -> float:
        return self.planned[job].cpu_seconds if job in self.planned else 0.0

    def snapshot(self) -> Snapshot:
        """Return where the jobs that have begun are now."""
        rows, ended, submitted = [], set(), set()
        for job, began in list(self.begun.items()):
            progress = read_progress(job.log)
            if progress and progress.time < began - 1:  # of an earlier attempt
                progress = None
            if job.rule == DOWNLOAD:
                rows.append(self._download(job, began))
            elif self.workers is None and progress is None:
                submitted.add(job)
            elif self.workers is None and progress and progress.event == "finished":
                ended.add(job)
            else:
                rows.append(self._row(job, began, progress))
        return Snapshot(rows, frozenset(ended), frozenset(submitted))

    def _row(self, job: Job, began: float, progress: JobProgress | None) -> Running:
        now = self.clock()
        left, text = (progress.left(now), progress.position(now)) if progress else (None, "")
        if progress and left is not None:
            return Running(job, text, progress.share, left)
        left = max(0.0, self._estimated(job) * self.correction() - (now - began))
        return Running(job, text or f"{duration_text(now - began)} so far", left=left)

    def _download(self, job: Job, began: float) -> Running:
        size, received = self.planned[job].disk if job in self.planned else 0, _bytes_received(job)
        before = min(self._received[job], received)  # less if it began anew
        rate = (received - before) / max(self.clock() - began, 0.1)
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
        to_come = [one.cpu_seconds * correction for job, one in self.planned.items() if job not in begun]
        return makespan(to_come, self.workers or max(1, len(running)), running)

    def share(self, view: Snapshot) -> float:
        """Return the share of the work that is done, by its estimated time."""
        total = sum(map(self._estimated, self.planned))
        shares = {row.job: row.share or 0.0 for row in view.running}
        shares |= dict.fromkeys([*self.finished, *view.ended], 1.0)
        return sum(share * self._estimated(job) for job, share in shares.items()) / total if total else 1.0

    def headline(self, view: Snapshot) -> str:
        """Return ``14 of 33 steps done, about 8 s left``."""
        done = len(self.finished) + len(view.ended)
        others = {"failed": len(self.failed), "submitted": len(view.submitted)}
        counts = [f"{number} {state}" for state, number in others.items() if number]
        left = f"about {duration_text(self.left(view))} left"
        return ", ".join([f"{done} of {counted(len(self.planned), 'step')} done", *counts, left])


def _bytes_received(job: Job) -> int:
    """Return the bytes of a download that have arrived: in a file ``.<name>.partial``, or ``.<name>.<x>.part``."""
    parts = (part for path in map(Path, job.outputs) for part in path.parent.glob(f".{path.name}.*part*"))
    try:
        return max((part.stat().st_size for part in parts), default=0)
    except OSError:  # in place by now
        return 0
