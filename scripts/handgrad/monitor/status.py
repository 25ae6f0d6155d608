"""Determine the state of each job: done, running, failed, stopped or waiting; for ``handgrad status``."""

import socket
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from handgrad.common.formatting import counted, duration_text
from handgrad.layout.jobs import Job
from handgrad.monitor.estimates import Estimate, makespan
from handgrad.monitor.groups import table_lines, waves
from handgrad.monitor.job_progress import JobProgress, read_progress
from handgrad.monitor.planned_jobs import PlannedJob

#: all states, in the order of the table columns
STATES = ("done", "running", "failed", "stopped", "waiting")
#: message for a job that ended without writing its last event
KILLED = "was killed, or its machine has failed"
#: maximum number of listed jobs in each state
MAX_ROWS = 16


@dataclass(frozen=True)
class Status:
    """A job and its state.

    text: its progress or its error message. seconds_left, share: remaining time and finished share (0 to 1) of a
    running job; None if unknown.
    """

    job: Job
    state: str
    text: str = ""
    seconds_left: float | None = None
    share: float | None = None


def statuses(
    jobs: Iterable[PlannedJob], slurm_jobs: Collection[str], *, began: float | None, now: float
) -> list[Status]:
    """Return the states of jobs.

    slurm_jobs: ids of the SLURM jobs in the queue. began: start time of the running Snakemake, None if none runs. A
    job that ended before this time and is not done will be run again. now: current time. Times are seconds since 1970.
    """
    return [_status(planned, slurm_jobs, began, now) for planned in jobs]


def _status(planned: PlannedJob, slurm_jobs: Collection[str], began: float | None, now: float) -> Status:
    job, progress = planned.job, read_progress(planned.job.log)
    if progress and is_running(progress, slurm_jobs):
        return Status(job, "running", progress.position(now) or "running", progress.left(now), progress.share)
    if planned.outputs_exist and not planned.pending:
        return Status(job, "done")
    if progress is None or (began is not None and progress.time < began):
        return Status(job, "waiting")
    if progress.event == "finished":  # after planned_jobs() ran, or before an input changed
        just_made = not planned.outputs_exist and all(Path(output).exists() for output in job.outputs)
        return Status(job, "done" if just_made else "waiting")
    if progress.event in ("failed", "stopped"):
        return Status(job, progress.event, " ".join(progress.message.split()))
    after = f" after epoch {progress.epoch} of {progress.epochs}" if progress.epochs else ""
    return Status(job, "failed", f"{KILLED}{after}")


def is_running(progress: JobProgress, slurm_jobs: Collection[str]) -> bool:
    """Return whether a job is running, on this machine or in one of these SLURM jobs."""
    if progress.ended or progress.slurm_job is not None:
        return not progress.ended and progress.slurm_job in slurm_jobs
    try:  # a newer process may have the same id
        return progress.host == socket.gethostname() and psutil.Process(progress.pid).create_time() <= progress.time
    except psutil.Error:
        return False


def status_table(found: Sequence[Status]) -> list[str]:
    """Return a table with one line for each part of the experiment: the number of jobs in each state.

    A search has one line for each rung.
    """
    used = [state for state in STATES if any(one.state == state for one in found)]
    parts = list(table_lines(found))
    width = max(23, *(len(title) + 1 for title, _ in parts))
    lines = [f"{'':<{width}}" + "".join(f"{state:>9}" for state in used)]
    for title, own in parts:
        counts = Counter(one.state for one in own)
        numbers = "".join(f"{counts[state] or '-':>9}" for state in used) if own else ""
        lines.append(f"{title:<{width}}{numbers}".rstrip())
    return lines


def status_rows(found: Sequence[Status], state: str) -> list[str]:
    """Return lines for the first ``MAX_ROWS`` jobs in a state: the job, its text, and the log if it failed."""
    some = [one for one in found if one.state == state]
    rows = []
    for one in some[:MAX_ROWS]:
        rows.append(f"  {one.job.title}: {one.text}")
        if state == "failed":
            rows.append(f"    log: {one.job.log}")
    return rows + ([f"  and {len(some) - MAX_ROWS} more"] if len(some) > MAX_ROWS else [])


def time_left(found: Sequence[Status], estimates: Mapping[Job, Estimate]) -> str:
    """Return a sentence with the remaining time if the number of running jobs stays the same.

    estimates: the estimates of all jobs that are not done.
    """
    running = [one for one in found if one.state == "running"]
    known = [one for one in running if one.seconds_left is not None]
    waiting = [estimates[one.job] for one in found if one.state not in ("done", "running")]
    unknown = [replace(one, seconds_left=estimates[one.job].cpu_seconds) for one in running if one not in known]
    seconds = seconds_left([*known, *unknown], waiting, len(running))
    return f"About {duration_text(seconds)} left, with {counted(len(running), 'job')} at once as now."


def seconds_left(
    running: Sequence[Status], waiting: Sequence[Estimate], workers: int, correction: float = 1.0
) -> float:
    """Return the seconds until all jobs are done. Jobs of a search wait for the rung before, see ``waves``.

    correction: factor for the estimates.
    """
    seconds, busy = 0.0, [one.seconds_left or 0.0 for one in running]
    jobs: list[Status | Estimate] = [*running, *waiting]
    for wave in waves(jobs):
        to_come = [one.cpu_seconds * correction for one in wave if isinstance(one, Estimate)]
        seconds += makespan(to_come, workers, busy)
        busy = []  # all running jobs end in the first wave
    return seconds
