"""What Snakemake would do for an experiment, job by job, as it says itself."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.layout import paths

#: what Snakemake says where the workflow, and not Snakemake, refuses something
_REASON = re.compile(r"^WorkflowError[^\n]*:\n(.+?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Job:
    """A job of an experiment. name: what its log and benchmark are called, in the folder of its rule.

    pending: whether Snakemake would run it now.
    """

    rule: str
    name: str
    outputs: tuple[str, ...] = ()
    pending: bool = True
    outputs_exist: bool = False

    @property
    def title(self) -> str:
        """Its rule and its name."""
        return f"{self.rule} {self.name}"

    @property
    def log(self) -> Path:
        """Its log, relative to the working directory."""
        return Path("results/logs") / self.rule / f"{self.name}.log"

    @property
    def benchmark(self) -> Path:
        """Its benchmark, relative to the working directory."""
        return Path("results/benchmarks") / self.rule / f"{self.name}.tsv"


def jobs_of(file: Path) -> list[Job]:
    """Return the jobs of an experiment file, in the order in which Snakemake lists them; nothing is run.

    Raises HandgradError with what Snakemake says, if it cannot plan.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
    command += ["--configfile", str(file), "--summary"]
    done = subprocess.run(  # noqa: S603, no shell
        command, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        found = _REASON.search(said)
        raise HandgradError(f"{file}: snakemake cannot plan it: {found[1] if found else said}")
    return read_summary(done.stdout.splitlines())


def environment() -> dict[str, str]:
    """Return the environment for a Snakemake of our own, without a profile that is meant for the user's."""
    return {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"}


def read_summary(lines: Iterable[str]) -> list[Job]:
    """Return the jobs in the lines of ``snakemake --summary``, which has one for each output."""
    found: dict[tuple[str, str], list[tuple[str, bool, bool]]] = {}
    for line in lines:
        fields = line.split("\t")
        if len(fields) == 6 and fields[0] != "output_file":
            output, _, rule, _, status, plan = fields
            facts = output, plan == "update pending", status != "missing"
            found.setdefault((rule, job_name(rule, output)), []).append(facts)
    return [
        Job(
            *job,
            outputs=tuple(output for output, _, _ in facts),
            pending=any(pending for _, pending, _ in facts),
            outputs_exist=all(exists for _, _, exists in facts),
        )
        for job, facts in found.items()
    ]


def job_name(rule: str, output: str) -> str:
    """Return what the log and the benchmark of a job are called, from one of its outputs."""
    if rule == "download_file":
        return output.removeprefix("resources/")
    return paths.job_name(output).partition("/")[2]
