"""Ask Snakemake which jobs of an experiment it would run now."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.layout import paths
from handgrad.layout.jobs import LAST_PART, PARTS, SEARCH_PART, Job, jobs_of

#: a download is to do only if a dataset needs it, so it is no target
DOWNLOADS = PARTS[0]


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
    later = [job for job in jobs if _needs_runs(job)] if _nothing_is_trained(experiment) else []
    asked = [job for job in jobs if later and not _needs_runs(job) and job.part != DOWNLOADS]
    targets = [output for job in asked for output in job.outputs]
    with _config_files(file, changes or {}) as files:
        command = snakemake_command("--configfile", *files, "--summary", *targets)
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)  # noqa: S603, no shell
    if done.returncode:
        raise HandgradError(f"{file}: snakemake cannot plan it: {done.stderr.strip() or done.stdout.strip()}")
    present = (all(Path(output).exists() for output in job.outputs) for job in later)
    return [*read_summary(done.stdout.splitlines(), jobs), *map(PlannedJob, later, repeat(True), present)]


def _nothing_is_trained(experiment: Experiment) -> bool:
    """Return whether no run file and no search of an experiment exists.

    All their jobs, and those after them, are then to do. Snakemake needs most of its time for many runs, so it is asked
    only for the other jobs.
    """
    places = [
        {"experiment": experiment.name, "block": search.block, "dataset": search.dataset}
        for search in experiment.searches
    ]
    runs = (paths.run_file(run.dataset, run.name) for run in experiment.runs)
    return not any(Path(file).exists() for file in (*(paths.SEARCH.format(**place) for place in places), *runs))


def _needs_runs(job: Job) -> bool:
    """Return whether a job trains, or uses the results of training."""
    return job.trains or job.part == SEARCH_PART or (job.part == LAST_PART and job.rule != "aggregate_gradient_checks")


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
