"""Determine the state of each job: done, running, failed, stopped or waiting; for ``handgrad status``."""

import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from handgrad.common.formatting import counted, duration_text
from handgrad.layout.jobs import PARTS, Job
from handgrad.monitor.estimates import Estimate, makespan
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
    """Return a table with one line for each part of the experiment: the number of jobs in each state."""
    used = [state for state in STATES if any(one.state == state for one in found)]
    lines = [f"{'':<23}" + "".join(f"{state:>9}" for state in used)]
    for part in PARTS:
        own = [one.state for one in found if one.job.part == part]
        if own:
            lines.append(f"{part:<23}" + "".join(f"{own.count(state) or '-':>9}" for state in used))
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
    left = {one.job: estimates[one.job].cpu_seconds for one in found if one.state != "done"}
    left |= {one.job: one.seconds_left for one in found if one.seconds_left is not None}
    running = [left.pop(one.job) for one in found if one.state == "running"]
    seconds = makespan(left.values(), max(1, len(running)), running)
    return f"About {duration_text(seconds)} left, with {counted(len(running), 'job')} at once as now."
