"""Ask Snakemake which jobs of an experiment it would run now."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.layout.jobs import Job, jobs_of


@dataclass(frozen=True)
class PlannedJob:
    """A job in Snakemake's plan. pending: Snakemake would run it now. outputs_exist: all its outputs exist."""

    job: Job
    pending: bool = True
    outputs_exist: bool = False


def planned_jobs(file: Path, experiment: Experiment) -> list[PlannedJob]:
    """Return the jobs of an experiment file, in Snakemake's order. No job is run.

    Raises HandgradError with Snakemake's output if Snakemake cannot plan.
    """
    command = snakemake_command("--configfile", str(file), "--summary")
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)  # noqa: S603, no shell
    if done.returncode:
        raise HandgradError(f"{file}: snakemake cannot plan it: {done.stderr.strip() or done.stdout.strip()}")
    return read_summary(done.stdout.splitlines(), jobs_of(experiment))


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
