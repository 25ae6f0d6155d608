"""``handgrad plan``: what an experiment would run and what that costs."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.options import DEFAULT, AsJson, ExperimentFile, print_json
from handgrad.common.errors import HandgradError

if TYPE_CHECKING:
    from handgrad.monitor.estimates import Estimate
    from handgrad.monitor.plan import Cluster, Cores


def plan(
    file: ExperimentFile = DEFAULT,
    cores: Annotated[str, typer.Option(help="Cores of this machine to use.")] = "all",
    profile: Annotated[Path | None, typer.Option(help="Profile of a cluster, instead of this machine.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an experiment would run, and what that costs.

    Time, memory and room on disk are estimates. Snakemake itself is asked what is still to be done; nothing changes.

    \b
    Examples:
      handgrad plan mine.yaml --cores 8
      handgrad plan mine.yaml --profile profiles/slurm
    """
    from handgrad.common.code_digests import code_digest
    from handgrad.common.formatting import counted
    from handgrad.experiment.experiment_file import read_experiment
    from handgrad.layout.memory import too_large
    from handgrad.monitor.estimates import Estimator
    from handgrad.monitor.jobs import steps_of
    from handgrad.monitor.plan import Cores, plan_table, plan_words, read_cluster

    machine = read_cluster(profile) if profile else _cores(cores)
    _, experiment = read_experiment(file)
    steps = steps_of(file)
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    estimates = [estimator.estimate(step) for step in steps if step.pending]
    free = shutil.disk_usage(".").free
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "done": len(steps) - len(estimates), "disk_free": free}
        print_json(facts | _costs(estimates, machine))
    else:
        print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
        print(*plan_table(steps, estimates), "", sep="\n")
        if not estimates:
            print("Everything is there and up to date: nothing to be done.")
        else:
            print(*plan_words(estimates, machine, earlier=len(estimator.paces.used), free=free), sep="\n")
    if isinstance(machine, Cores):
        runs = [estimator.runs[estimate.step.name] for estimate in estimates if estimate.step.rule == "train_run"]
        if line := too_large(runs, experiment.datasets, machine.megabytes):
            raise HandgradError(line)


def _cores(text: str) -> "Cores":
    """Return ``all``, or a number of cores, as Snakemake takes it."""
    from handgrad.layout.memory import machine_megabytes
    from handgrad.monitor.plan import Cores

    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text != "all" and not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"{text!r}: expected a number of cores, or all", param_hint="--cores")
    return Cores(available if text == "all" else int(text), machine_megabytes())


def _costs(estimates: "list[Estimate]", machine: "Cores | Cluster") -> dict[str, Any]:
    """Return what is to be done and what it costs; sizes in bytes."""
    return {
        "cpu_seconds": sum(estimate.seconds for estimate in estimates),
        "wall_seconds": machine.wall(estimates),
        "disk": sum(estimate.room for estimate in estimates),
        "steps": [
            {
                "rule": estimate.step.rule,
                "name": estimate.step.name,
                "cpu_seconds": estimate.seconds,
                "memory": estimate.megabytes * 1_000_000,
                "disk": estimate.room,
            }
            for estimate in estimates
        ],
    }
