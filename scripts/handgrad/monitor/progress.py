"""Compute the progress of a workflow from Snakemake's events and the progress files of jobs."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.jobs import Job
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_progress import read_progress
from handgrad.monitor.status import Status, seconds_left

DOWNLOAD = "download_file"


@dataclass
class Progress:
    """The jobs of one snakemake command.

    planned: the jobs to do, with their estimates. workers: number of jobs at once; None on a cluster, where the number
    of running jobs is used. begun: start times of unfinished jobs. finished: seconds that finished jobs took.
    """

    planned: Mapping[Job, Estimate]
    workers: int | None
    clock: Callable[[], float] = time.time
    begun: dict[Job, float] = field(default_factory=dict)
    finished: dict[Job, float] = field(default_factory=dict)
    failed: set[Job] = field(default_factory=set)
    _received: dict[Job, int] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """Record that a job was started or submitted. For a failed job, this is a retry."""
        self.begun[job] = self.clock()
        self.failed.discard(job)
        self._received[job] = _bytes_received(job)

    def finish(self, job: Job) -> float:
        """Record that a job has succeeded; return the seconds that it took."""
        self.finished[job] = self.clock() - self.begun.pop(job, self.clock())
        return self.finished[job]

    def fail(self, job: Job) -> None:
        """Record that a job has failed."""
        self.begun.pop(job, None)
        self.failed.add(job)

    def correction(self, view: Iterable[Status] = ()) -> float:
        """Return the ratio of actual to estimated time, over all runs that have finished or whose end is known.

        The ratio is 1 if there are no such runs, and on a cluster, where the start times of jobs are unknown.
        """
        taken = {job: seconds for job, seconds in self.finished.items() if job.trains}
        for one in view:
            if one.job.trains and one.share and one.seconds_left is not None and one.job in self.begun:
                taken[one.job] = self.clock() - self.begun[one.job] + one.seconds_left
        estimated = sum(map(self._estimated, taken))
        return sum(taken.values()) / estimated if self.workers and estimated else 1.0

    def _estimated(self, job: Job) -> float:
        return self.planned[job].cpu_seconds if job in self.planned else 0.0

    def snapshot(self) -> list[Status]:
        """Return the states of the unfinished jobs, in the order in which they started.

        On a cluster, a job has the state ``submitted`` until SLURM starts it. It may be done before its group ends.
        """
        return [self._status(job, began) for job, began in list(self.begun.items())]

    def _status(self, job: Job, began: float) -> Status:
        if job.rule == DOWNLOAD:
            return self._download(job, began)
        now, progress = self.clock(), read_progress(job.log)
        if progress and progress.time < began - 1:  # from an earlier attempt
            progress = None
        if self.workers is None and (progress is None or progress.event == "finished"):
            return Status(job, "done" if progress else "submitted")
        left, text = (progress.left(now), progress.position(now)) if progress else (None, "")
        if progress and left is not None:
            return Status(job, "running", text, left, progress.share)
        left = max(0.0, self._estimated(job) * self.correction() - (now - began))
        return Status(job, "running", text or f"{duration_text(now - began)} so far", left)

    def _download(self, job: Job, began: float) -> Status:
        size, received = self.planned[job].disk if job in self.planned else 0, _bytes_received(job)
        before = min(self._received[job], received)  # fewer bytes: the download started again
        rate = (received - before) / max(self.clock() - began, 0.1)
        if not size or rate <= 0:
            return Status(job, "running", "waiting for the server")
        left = (size - received) / rate
        text = f"{size_text(received)} of {size_text(size)}, {size_text(rate)}/s, {duration_text(left)} left"
        return Status(job, "running", text, left, received / size)

    def left(self, view: Sequence[Status]) -> float:
        """Return the seconds until all jobs are done."""
        running = [one for one in view if one.state == "running"]
        begun = {*self.begun, *self.finished, *self.failed} - {one.job for one in view if one.state == "submitted"}
        correction = self.correction(view)
        to_come = [one for job, one in self.planned.items() if job not in begun]
        return seconds_left(running, to_come, self.workers or len(running), correction)

    def share(self, view: Sequence[Status]) -> float:
        """Return the finished share of the work, from 0 to 1, weighted by estimated time."""
        total = sum(map(self._estimated, self.planned))
        shares = {one.job: 1.0 if one.state == "done" else one.share or 0.0 for one in view}
        shares |= dict.fromkeys(self.finished, 1.0)
        return sum(share * self._estimated(job) for job, share in shares.items()) / total if total else 1.0

    def headline(self, view: Sequence[Status]) -> str:
        """Return a headline: ``14 of 33 steps done, about 8 s left``."""
        states = Counter(one.state for one in view)
        done = f"{len(self.finished) + states['done']} of {counted(len(self.planned), 'step')} done"
        others = {"failed": len(self.failed), "submitted": states["submitted"]}
        counts = [f"{number} {state}" for state, number in others.items() if number]
        return ", ".join([done, *counts, f"about {duration_text(self.left(view))} left"])


def _bytes_received(job: Job) -> int:
    """Return the bytes of a download so far: the size of ``.<name>.partial`` or ``.<name>.<x>.part``."""
    parts = (part for path in map(Path, job.outputs) for part in path.parent.glob(f".{path.name}.*part*"))
    try:
        return max((part.stat().st_size for part in parts), default=0)
    except OSError:  # the download has finished and the file was renamed
        return 0
