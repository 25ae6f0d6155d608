"""``handgrad status``: how far an experiment is."""

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.cli.options import DEFAULT, AsJson, ExperimentFile, print_json

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment
    from handgrad.monitor.jobs import Step
    from handgrad.monitor.slurm import Job
    from handgrad.monitor.status import Status


def status(file: ExperimentFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show how far an experiment is.

    Lists what is done, running with the time left, failed and why, stopped, and waiting. From any terminal, while
    Snakemake runs and after it; looks for jobs of this machine and for SLURM jobs of this user. Nothing changes.

    \b
    Examples:
      handgrad status mine.yaml
      handgrad status mine.yaml --json | jq .counts
    """
    from handgrad.experiment.experiment_file import read_experiment
    from handgrad.monitor.jobs import steps_of
    from handgrad.monitor.processes import main_processes
    from handgrad.monitor.slurm import MAIN

    folder = Path.cwd()
    _, experiment = read_experiment(file)
    steps = steps_of(file)  # first, since it takes longest
    mains = {process.pid: process.create_time() for process in main_processes(folder)}
    found, jobs = _look(steps, folder, min(mains.values(), default=None))
    running = [f"process {pid}" for pid in mains] + [f"SLURM job {job.id}" for job in jobs if job.name == MAIN]
    waiting = Counter(job.state.lower() for job in jobs if job.name != MAIN)
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "snakemake": running, "slurm_jobs": waiting}
        print_json(facts | _document(found))
    else:
        _print_found(file, experiment, found)
        print(f"\n{running_text(running, waiting)}")
        _print_time_left(experiment, found)


def _look(steps: "list[Step]", folder: Path, began: float | None) -> "tuple[list[Status], list[Job]]":
    """Return where the steps are and the SLURM jobs of the folder, now."""
    from handgrad.monitor.running import running_logs
    from handgrad.monitor.slurm import jobs_of_folder
    from handgrad.monitor.status import KILLED, statuses

    found, jobs = [], []
    for _ in range(2):  # again if one seems killed, since it may have begun after its log was looked for
        jobs = jobs_of_folder(folder)
        found = statuses(steps, running_logs(folder, jobs), began=began, now=time.time())
        if not any(one.text.startswith(KILLED) for one in found):
            break
    return found, jobs


def _print_found(file: Path, experiment: "Experiment", found: "list[Status]") -> None:
    from handgrad.common.formatting import counted
    from handgrad.monitor.status import status_rows, status_table

    print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
    print(*status_table(found), sep="\n")
    for state in ("running", "failed", "stopped"):
        if rows := status_rows(found, state):
            print(f"\n{state}", *rows, sep="\n")


def running_text(running: list[str], waiting: "Counter[str]") -> str:
    """Return which Snakemake and which SLURM jobs run."""
    text = f"Snakemake is running here ({', '.join(running)})" if running else "No snakemake is seen running here"
    if waiting:
        text += "; SLURM jobs: " + ", ".join(f"{number} {state}" for state, number in waiting.items())
    return f"{text}."


def _print_time_left(experiment: "Experiment", found: "list[Status]") -> None:
    from handgrad.common.code_digests import code_digest
    from handgrad.monitor.estimates import Estimator
    from handgrad.monitor.status import time_left

    if any(one.state == "running" for one in found):
        estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
        steps = [one.step for one in found if one.state != "done"]
        print(time_left(found, {step: estimator.estimate(step) for step in steps}).capitalize() + ".")


def _document(found: "list[Status]") -> dict[str, Any]:
    return {
        "counts": Counter(one.state for one in found),
        "steps": [
            {
                "rule": one.step.rule,
                "name": one.step.name,
                "state": one.state,
                "text": one.text,
                "seconds_left": one.left,
                "log": str(one.step.log),
            }
            for one in found
        ],
    }
