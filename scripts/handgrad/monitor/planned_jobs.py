"""Ask Snakemake which jobs of an experiment it would run now."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.layout import paths
from handgrad.layout.jobs import LAST_PART, SEARCH_PART, Job, jobs_of


@dataclass(frozen=True)
class PlannedJob:
    """A job in Snakemake's plan. pending: Snakemake would run it now. outputs_exist: all its outputs exist."""

    job: Job
    pending: bool = True
    outputs_exist: bool = False


def planned_jobs(file: Path, experiment: Experiment, changes: Mapping[str, Any] | None = None) -> list[PlannedJob]:
    """Return the jobs of an experiment file, in Snakemake's order. No job is run.

    changes: top-level keys of the configuration, with values that replace those of the file; their paths are relative
    to the working directory. Raises HandgradError with Snakemake's output if Snakemake cannot plan.
    """
    jobs = jobs_of(experiment)
    targets = _early_targets(experiment) if _only_new_searches(experiment) else []
    with _config_files(file, changes or {}) as files:
        command = snakemake_command("--configfile", *files, "--summary", *targets)
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)  # noqa: S603, no shell
    if done.returncode:
        raise HandgradError(f"{file}: snakemake cannot plan it: {done.stderr.strip() or done.stdout.strip()}")
    later = [PlannedJob(job) for job in jobs if targets and job.part in (SEARCH_PART, LAST_PART)]
    return [*read_summary(done.stdout.splitlines(), jobs), *later]


def _only_new_searches(experiment: Experiment) -> bool:
    """Return whether an experiment has only searches with halving, and none has a file.

    All their jobs, and those after them, are then to do. Snakemake needs most of its time for a large search, so it is
    asked only for the jobs before.
    """
    places = [
        {"experiment": experiment.name, "block": search.block, "dataset": search.dataset}
        for search in experiment.searches
    ]
    return not experiment.runs and not any(Path(paths.SEARCH.format(**place)).exists() for place in places)


def _early_targets(experiment: Experiment) -> list[str]:
    return [*paths.data_files(experiment), *paths.gates(experiment), *paths.gradient_checks(experiment)]


@contextmanager
def _config_files(file: Path, changes: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the paths of an experiment file and of a temporary file with changes."""
    if not changes:
        yield [str(file)]
        return
    # a file, because an argument is limited to 128 kB; in this folder, because paths in a file are relative to it
    with NamedTemporaryFile("w", dir=".", prefix=".handgrad_plan_", suffix=".json", encoding="utf-8") as changed:
        json.dump(changes, changed, ensure_ascii=False)
        changed.flush()
        yield [str(file), changed.name]


def snakemake_command(*arguments: str) -> list[str]:
    """Return the command that runs Snakemake on this workflow."""
    return [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile"), *arguments]


def environment() -> dict[str, str]:
    """Return the environment for Snakemake, without the profile that the user set for their own commands."""
    return {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"}


def read_summary(lines: Iterable[str], jobs: Iterable[Job]) -> list[PlannedJob]:
    """Return the jobs in the output of ``snakemake --summary``, which has one line for each output file.

    jobs: the jobs of the experiment. An output of another rule, which a user may have added, becomes a separate job.
    """
    job_of = {output: job for job in jobs for output in job.outputs}
    found: dict[Job, list[tuple[bool, bool]]] = {}
    for fields in (line.split("\t") for line in lines):
        if len(fields) == 6 and fields[0] != "output_file":
            output, _, rule, _, status, plan = fields
            job = job_of.get(output) or Job(rule, output, (output,))
            found.setdefault(job, []).append((plan == "update pending", status != "missing"))
    return [
        PlannedJob(job, any(pending for pending, _ in facts), all(exist for _, exist in facts))
        for job, facts in found.items()
    ]
