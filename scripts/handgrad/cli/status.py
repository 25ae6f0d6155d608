"""``handgrad status``: how far an experiment is."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.cli.options import print_json
from handgrad.common.code_digests import code_digest
from handgrad.common.formatting import counted
from handgrad.experiment.config import Experiment, read_experiment
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.jobs import Job, jobs_of
from handgrad.monitor.processes import main_processes
from handgrad.monitor.slurm import MAIN, jobs_of_folder
from handgrad.monitor.slurm import Job as SlurmJob
from handgrad.monitor.status import Status, running_logs, status_rows, status_table, statuses, time_left


def show_status(file: Path, *, as_json: bool) -> None:
    """Print how far an experiment is. Raises HandgradError if the file is wrong."""
    folder = Path.cwd()
    _, experiment = read_experiment(file)
    steps = jobs_of(file)  # first, since it takes longest
    mains = {process.pid: process.create_time() for process in main_processes(folder)}
    found, jobs = _look(steps, folder, min(mains.values(), default=None))
    running = [f"process {pid}" for pid in mains] + [f"SLURM job {job.id}" for job in jobs if job.name == MAIN]
    states = Counter(job.state.lower() for job in jobs if job.name != MAIN)
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "snakemake": running, "slurm_jobs": states}
        print_json({**facts, "counts": Counter(one.state for one in found), "steps": [_job(one) for one in found]})
        return
    print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
    print(*status_table(found), sep="\n")
    for state in ("running", "failed", "stopped"):
        if rows := status_rows(found, state):
            print(f"\n{state}", *rows, sep="\n")
    print(f"\n{_running_text(running, states)}")
    if any(one.state == "running" for one in found):
        print(_time_left(experiment, folder, found))


def _look(jobs: list[Job], folder: Path, began: float | None) -> tuple[list[Status], list[SlurmJob]]:
    """Return the states of jobs and the SLURM jobs of the folder, now."""
    slurm_jobs = jobs_of_folder(folder)
    logs = running_logs(jobs, {job.id for job in slurm_jobs})
    return statuses(jobs, logs, began=began, now=time.time()), slurm_jobs


def _job(one: Status) -> dict[str, Any]:
    return {
        "rule": one.job.rule,
        "name": one.job.name,
        "state": one.state,
        "text": one.text,
        "seconds_left": one.left,
        "log": str(one.job.log),
    }


def _running_text(running: list[str], states: Mapping[str, int]) -> str:
    """Return which Snakemake runs, and how many SLURM jobs are in which state."""
    text = f"Snakemake is running here ({', '.join(running)})" if running else "No snakemake is seen running here"
    jobs = ", ".join(f"{number} {state}" for state, number in states.items())
    return f"{text}; SLURM jobs: {jobs}." if jobs else f"{text}."


def _time_left(experiment: Experiment, folder: Path, found: list[Status]) -> str:
    estimator = Estimator(experiment, folder, code_digest("train_run"))
    estimates = {one.job: estimator.estimate(one.job) for one in found if one.state != "done"}
    return f"{time_left(found, estimates).capitalize()}."
