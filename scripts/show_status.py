"""Say how far an experiment is, done, running with the time left, failed and why, waiting: ``make status``.

To be run where Snakemake is run, from any terminal, while it is at work or not; changes nothing. Jobs of this
machine and SLURM jobs of this user are looked for.
"""

import argparse
import re
import shutil
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from handgrad.cli.command import as_command
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.experiment_file import DEFAULT, read_experiment
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.job_logs import last_lines
from handgrad.monitor.jobs import Step, steps_of
from handgrad.monitor.status import KILLED, Status, status_rows, status_table, statuses, time_left
from recover_workflow import (
    MAIN,
    PROFILE,
    ROOT,
    Job,
    is_in,
    is_main,
    jobname_prefix,
    processes_in,
    queue,
)

LOGS = Path("results/logs")
SUBMISSIONS = Path(".snakemake/slurm_logs")
_LOG = re.compile(r"^ +log: (results/logs/\S+)", re.MULTILINE)


def main(file: Path, folder: Path) -> None:
    """Print where an experiment stands. Raises HandgradError if the file is wrong."""
    _, experiment = read_experiment(file)
    steps = steps_of(file)  # first, since it takes longest
    mains = [process for process, command in processes_in(folder) if is_main(command)]
    began = min((process.create_time() for process in mains), default=None)
    jobs, found = look(steps, folder, began)
    if any(one.text.startswith(KILLED) for one in found):  # or has begun since it was looked for
        jobs, found = look(steps, folder, began)
    print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
    print(*status_table(found), sep="\n")
    for state in ("running", "failed", "stopped"):
        if rows := status_rows(found, state):
            print(f"\n{state}", *rows, sep="\n")
    print(f"\n{who_is_at_work([process.pid for process in mains], jobs)}")
    if any(one.state == "running" for one in found):
        estimator = Estimator(experiment, folder, code_digest("train_run"))
        open_steps = [one.step for one in found if one.state != "done"]
        print(time_left(found, {step: estimator.estimate(step) for step in open_steps}).capitalize() + ".")


def look(steps: list[Step], folder: Path, began: float | None) -> tuple[list[Job], list[Status]]:
    """The SLURM jobs of the folder, and where the steps stand, now."""
    jobs = slurm_jobs(folder)
    alive = {*local_logs(folder), *slurm_logs(folder, jobs)}
    return jobs, statuses(steps, alive, began=began, now=time.time())


def local_logs(folder: Path) -> list[Path]:
    """The logs, relative to the folder, that processes of this machine are writing."""
    found: list[Path] = []
    for process, _ in processes_in(folder):
        with suppress(psutil.Error, OSError):
            found += [Path(file.path) for file in process.open_files()]
    logs = (folder / LOGS).resolve()
    return [LOGS / path.relative_to(logs) for path in found if path.is_relative_to(logs)]


def slurm_jobs(folder: Path) -> list[Job]:
    """This folder's jobs that SLURM is not done with; none where there is no SLURM, or it does not answer."""
    if not shutil.which("squeue"):
        return []
    prefix = jobname_prefix(ROOT / PROFILE)
    with suppress(HandgradError):
        here = [job for job in queue() if is_in(job, folder)]
        return [job for job in here if job.name.startswith(prefix) or job.name == MAIN]
    return []


def slurm_logs(folder: Path, jobs: list[Job]) -> list[Path]:
    """The logs of the steps that SLURM jobs have begun and not yet ended, as their own logs tell."""
    found: list[Path] = []
    for job in jobs:
        with suppress(OSError):
            said = (folder / SUBMISSIONS / f"{job.id}.log").read_text(encoding="utf-8", errors="replace")
            found += [Path(log) for log in _LOG.findall(said)]
    return [log for log in found if (folder / log).exists() and not has_ended(folder / log)]


def has_ended(log: Path) -> bool:
    """Whether a job's log has its last line."""
    lines = last_lines(log)
    return bool(lines) and (lines[-1].ended or lines[-1].level == "ERROR")


def who_is_at_work(processes: list[int], jobs: list[Job]) -> str:
    """Which snakemake and which SLURM jobs there are."""
    mains = [f"process {pid}" for pid in processes]
    mains += [f"SLURM job {job.id}" for job in jobs if job.name == MAIN]
    at_work = f"Snakemake is at work here ({', '.join(mains)})"
    parts = [at_work if mains else "No snakemake is seen at work here"]
    states = Counter(job.state.lower() for job in jobs if job.name != MAIN)
    if states:
        parts.append("SLURM jobs: " + ", ".join(f"{number} {state}" for state, number in states.items()))
    return "; ".join(parts) + "."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How far an experiment is; what runs, failed or waits.")
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT, help="default: %(default)s")
    options = parser.parse_args()
    with as_command():
        main(options.file, Path.cwd())
