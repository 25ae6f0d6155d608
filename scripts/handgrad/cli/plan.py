"""``handgrad plan``: show which jobs an experiment needs, and their cost."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from handgrad.cli.options import as_step, print_json
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, duration_text
from handgrad.experiment.config import Experiment, read_experiment
from handgrad.experiment.config_changes import changed_keys
from handgrad.experiment.config_files import read_config
from handgrad.layout.jobs import runs_of
from handgrad.layout.memory import machine_megabytes, too_large
from handgrad.monitor.budget import Size, Sizes, samples_of
from handgrad.monitor.estimates import Estimator
from handgrad.monitor.plan import Cluster, Cores, cost_of, plan_table, plan_words, read_cluster, wall_seconds
from handgrad.monitor.planned_jobs import PlannedJob, planned_jobs


def show_plan(
    file: Path,
    cores: int,
    profile: Path | None,
    budget: float | None,
    changes: Sequence[str] = (),
    *,
    as_json: bool,
) -> None:
    """Print the plan of an experiment.

    budget: seconds into which its samples must fit; None for those of the file. changes: see ``read_experiment``.
    Raises HandgradError if the file has mistakes, if Snakemake cannot plan, if nothing fits into the time, or if a run
    does not fit into memory.
    """
    machine = read_cluster(profile) if profile else Cores(cores, machine_megabytes())
    _, experiment = read_experiment(file, changes)
    jobs = planned_jobs(file, experiment, changed_keys(read_config([file]), changes) if changes else {})
    estimator = Estimator(experiment, Path.cwd(), code_digest("train_run"))
    limit = None
    if budget is None:
        to_do = [planned.job for planned in jobs if planned.pending]
        size = Size(experiment, jobs, estimator.estimates(to_do))
    else:
        size, limit = _largest(file, experiment, jobs, estimator, budget, machine)
    cost = cost_of(size.estimates, machine, shutil.disk_usage(".").free)
    if as_json:
        facts = {"file": str(file), "name": experiment.name, "done": len(size.jobs) - len(size.estimates)}
        samples = {} if budget is None else {"samples": size.samples}
        print_json({**facts, **asdict(cost), **samples, "steps": list(map(as_step, size.estimates))})
    else:
        if budget is not None:
            print(*_samples_words(file, experiment, size, limit, f"{duration_text(budget)} on {machine}"), sep="\n")
        print(f"{file}: {experiment.name}, {counted(size.experiment.run_counts.total(), 'run')}\n")
        print(*plan_table(size.jobs, size.estimates), "", sep="\n")
        earlier = len(estimator.earlier.used)
        words = plan_words(size.estimates, machine, cost, earlier=earlier) if size.estimates else ()
        print(*(words or ["All results exist and are up to date: nothing to be done."]), sep="\n")
    runs = runs_of(one.job for one in size.estimates)
    if isinstance(machine, Cores) and (line := too_large(runs, experiment.datasets, machine.megabytes)):
        raise HandgradError(line)


def _largest(
    file: Path,
    experiment: Experiment,
    jobs: list[PlannedJob],
    estimator: Estimator,
    budget: float,
    machine: Cores | Cluster,
) -> tuple[Size, str | None]:
    """Return the largest size of an experiment that fits into a time, and why more samples are not possible, if so."""
    done = [output for planned in jobs if not planned.pending for output in planned.job.outputs]
    try:
        return Sizes(experiment, done, estimator.estimates).largest(
            budget, lambda estimates: wall_seconds(estimates, machine)
        )
    except HandgradError as error:
        raise HandgradError(f"{file}: {error}") from None


def _samples_words(file: Path, experiment: Experiment, size: Size, limit: str | None, place: str) -> list[str]:
    before, now = samples_of(experiment), size.samples
    lines = [f"{file}: the most samples that fit into {place}:"]
    lines += [f"  experiments[{i}]: samples: {now[i]}    (the file has {before[i]})" for i in now]
    if len(now) > 1:
        lines.append("One factor scales all numbers of samples.")
    if limit:
        lines.append(f"More are not possible: {limit}.")
    return [*lines, ""]
