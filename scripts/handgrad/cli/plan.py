"""``handgrad plan``: show which jobs an experiment needs, and their cost."""

import shutil
from dataclasses import asdict
from pathlib import Path

from handgrad.cli.options import as_step, print_json
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.config import read_experiment
from handgrad.layout.memory import machine_megabytes, too_large
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.plan import Cores, cost_of, plan_table, plan_words, read_cluster
from handgrad.monitor.planned_jobs import planned_jobs


def show_plan(file: Path, cores: int, profile: Path | None, *, as_json: bool) -> None:
    """Print the plan of an experiment.

    Raises HandgradError if the file has mistakes, if Snakemake cannot plan, or if a run does not fit into memory.
    """
    machine = read_cluster(profile) if profile else Cores(cores, machine_megabytes())
    _, experiment = read_experiment(file)
    jobs = planned_jobs(file, experiment)
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    estimates = [estimator.estimate(planned.job) for planned in jobs if planned.pending]
    cost = cost_of(estimates, machine, shutil.disk_usage(".").free)
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "done": len(jobs) - len(estimates), **asdict(cost)}
        print_json({**facts, "steps": list(map(as_step, estimates))})
    else:
        print(f"{file}: {experiment.name}, {counted(len(experiment.runs), 'run')}\n")
        print(*plan_table(jobs, estimates), "", sep="\n")
        words = plan_words(estimates, machine, cost, earlier=len(estimator.earlier.used)) if estimates else ()
        print(*(words or ["All results exist and are up to date: nothing to be done."]), sep="\n")
    if isinstance(machine, Cores):
        runs = [one.job.run for one in estimates if one.job.run]
        if line := too_large(runs, experiment.datasets, machine.megabytes):
            raise HandgradError(line)
