"""``handgrad plan``: what an experiment would run and what that costs."""

import os
import shutil
from pathlib import Path

import typer

from handgrad.cli.options import print_json
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.config import read_experiment
from handgrad.layout.memory import machine_megabytes, too_large
from handgrad.monitor.estimates import Estimate, Estimator
from handgrad.monitor.jobs import jobs_of
from handgrad.monitor.machines import Cluster, Cores, read_cluster
from handgrad.monitor.plan import plan_cost, plan_table, plan_words


def show_plan(file: Path, cores: str, profile: Path | None, *, as_json: bool) -> None:
    """Print the plan of an experiment.

    Raises HandgradError if the file is wrong, Snakemake cannot plan it, or a run is too large for this machine.
    """
    machine = read_cluster(profile) if profile else _cores(cores)
    _, experiment = read_experiment(file)
    steps = jobs_of(file)
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    estimates = [estimator.estimate(step) for step in steps if step.pending]
    free = shutil.disk_usage(".").free
    if as_json:
        _print_document(file, experiment.name, len(steps) - len(estimates), estimates, machine, free)
    else:
        print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
        print(*plan_table(steps, estimates), "", sep="\n")
        words = plan_words(estimates, machine, earlier=len(estimator.earlier.used), free=free) if estimates else ()
        print(*(words or ["Everything is there and up to date: nothing to be done."]), sep="\n")
    if isinstance(machine, Cores):
        runs = [estimator.runs[estimate.job.name] for estimate in estimates if estimate.job.rule == "train_run"]
        if line := too_large(runs, experiment.datasets, machine.megabytes):
            raise HandgradError(line)


def _cores(text: str) -> Cores:
    """Return ``all``, or a number of cores, as Snakemake takes it."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text != "all" and not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"{text!r}: expected a number of cores, or all", param_hint="--cores")
    return Cores(available if text == "all" else int(text), machine_megabytes())


def _print_document(
    file: Path, name: str, done: int, estimates: list[Estimate], machine: Cores | Cluster, free: int
) -> None:
    """Print the number of steps that are done, and those to be done with what they cost; sizes in bytes."""
    steps = [
        {
            "rule": estimate.job.rule,
            "name": estimate.job.name,
            "cpu_seconds": estimate.seconds,
            "memory": estimate.megabytes * 1_000_000,
            "disk": estimate.room,
        }
        for estimate in estimates
    ]
    planned = plan_cost(estimates, machine)
    cost = {
        "cpu_seconds": planned.cpu_seconds,
        "wall_seconds": planned.wall_seconds,
        "disk": planned.disk_bytes,
        "disk_free": free,
    }
    print_json({"file": str(file), "name": name, "done": done, **cost, "steps": steps})
