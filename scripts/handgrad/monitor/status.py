"""The state of each job of an experiment: done, running, failed, stopped or waiting; ``handgrad status``."""

import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from handgrad.common.formatting import counted, duration_text
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_progress import JobProgress, read_progress
from handgrad.monitor.jobs import Job
from handgrad.monitor.makespan import makespan
from handgrad.monitor.plan import PARTS, part_of

#: in the order of the table's columns
STATES = ("done", "running", "failed", "stopped", "waiting")
#: what becomes of a job that has not written its end
KILLED = "was killed, or its machine has failed"
#: the most jobs of a state that are listed
MAX_ROWS = 20


@dataclass(frozen=True)
class Status:
    """A job and its state. text: how far it is, or why it is not done. left: seconds, of one that runs."""

    job: Job
    state: str
    text: str = ""
    left: float | None = None


def running_logs(jobs: Iterable[Job], slurm_jobs: Collection[str]) -> set[Path]:
    """Return the logs of the jobs that run: on this machine, or in a SLURM job of this queue, by their ids."""
    found = {job.log: read_progress(job.log) for job in jobs}
    return {log for log, progress in found.items() if progress and _is_running(progress, slurm_jobs)}


def _is_running(progress: JobProgress, slurm_jobs: Collection[str]) -> bool:
    if progress.ended:
        return False
    if progress.slurm_job is not None:
        return progress.slurm_job in slurm_jobs
    try:  # another process may have got its number since
        return progress.host == socket.gethostname() and psutil.Process(progress.pid).create_time() <= progress.time
    except psutil.Error:
        return False


def statuses(jobs: Iterable[Job], alive: Collection[Path], *, began: float | None, now: float) -> list[Status]:
    """Return the states of jobs.

    alive: the logs of those that run. began: when the Snakemake that runs here was started, None if none does;
    what a job has written before is of an attempt that it will repeat.
    """
    return [_status(job, alive, began, now) for job in jobs]


def _status(job: Job, alive: Collection[Path], began: float | None, now: float) -> Status:
    progress = read_progress(job.log)
    if job.log in alive:
        position = progress.position(now) if progress else ""
        return Status(job, "running", position or "running", progress.left(now) if progress else None)
    if job.outputs_exist and not job.pending:
        return Status(job, "done")
    if progress is None or (began is not None and progress.time < began):
        return Status(job, "waiting")
    if progress.event == "finished":  # since Snakemake was asked, or before what it depends on has changed
        just_made = not job.outputs_exist and all(Path(output).exists() for output in job.outputs)
        return Status(job, "done" if just_made else "waiting")
    if progress.event in ("failed", "stopped"):
        return Status(job, progress.event, " ".join(progress.message.split()))
    after = f" after epoch {progress.epoch} of {progress.epochs}" if progress.epochs else ""
    return Status(job, "failed", f"{KILLED}{after}")


def status_table(found: Sequence[Status]) -> list[str]:
    """Return a line for each part of the experiment: how many of its jobs are in which state."""
    used = [state for state in STATES if any(one.state == state for one in found)]
    lines = [f"{'':<23}" + "".join(f"{state:>9}" for state in used)]
    for part in PARTS:
        own = [one.state for one in found if part_of(one.job.rule) == part]
        if own:
            lines.append(f"{part:<23}" + "".join(f"{own.count(state) or '-':>9}" for state in used))
    return lines


def status_rows(found: Sequence[Status], state: str) -> list[str]:
    """Return each job of a state and its text, and the log of one that has failed; of many, the first ones."""
    some = [one for one in found if one.state == state]
    rows = []
    for one in some[:MAX_ROWS]:
        rows.append(f"  {one.job.title}: {one.text}")
        if state == "failed":
            rows.append(f"    log: {one.job.log}")
    return rows + ([f"  and {len(some) - MAX_ROWS} more"] if len(some) > MAX_ROWS else [])


def seconds_left(found: Sequence[Status], estimates: Mapping[Job, Estimate]) -> float:
    """Return how long all that is not done will take, with as many jobs at once as run now."""
    running = [one.left if one.left is not None else estimates[one.job].seconds for one in found if _runs(one)]
    to_come = [estimates[one.job].seconds for one in found if one.state not in ("done", "running")]
    return makespan(to_come, max(1, len(running)), running)


def time_left(found: Sequence[Status], estimates: Mapping[Job, Estimate]) -> str:
    """Return the same in words."""
    jobs = counted(sum(map(_runs, found)), "job")
    return f"about {duration_text(seconds_left(found, estimates))} left, with {jobs} at once as now"


def _runs(one: Status) -> bool:
    return one.state == "running"
