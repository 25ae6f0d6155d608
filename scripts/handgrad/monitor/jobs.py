"""What Snakemake would do for an experiment, step by step, as it says itself."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError

#: where rules write whose outputs all experiments share; a job is called like its output beneath it
SHARED = {
    "download_file": "resources",
    "preprocess_dataset": "results/data",
    "check_gate": "results/checks/gate",
    "check_gradients": "results/checks/gradients",
    "train_run": "results/runs",
}


#: what Snakemake says where the workflow, and not Snakemake, refuses something
_REASON = re.compile(r"^WorkflowError[^\n]*:\n(.+?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A job of an experiment. name: what its log and benchmark are called, in the folder of its rule.

    pending: whether Snakemake would run it now. there: whether all of its outputs are.
    """

    rule: str
    name: str
    outputs: tuple[str, ...]
    pending: bool
    there: bool

    @property
    def log(self) -> Path:
        """Its log, relative to the working directory."""
        return Path("results/logs") / self.rule / f"{self.name}.log"

    @property
    def benchmark(self) -> Path:
        """Its benchmark, relative to the working directory."""
        return Path("results/benchmarks") / self.rule / f"{self.name}.tsv"


def steps_of(file: Path) -> list[Step]:
    """The steps of an experiment file, in the order in which Snakemake lists them; nothing is run.

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
    """The environment for a Snakemake of our own, without a profile that is meant for the user's."""
    return {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"}


def read_summary(lines: Iterable[str]) -> list[Step]:
    """Steps from the lines of ``snakemake --summary``, which has one for each output."""
    found: dict[tuple[str, str], list[tuple[str, bool, bool]]] = {}
    for line in lines:
        fields = line.split("\t")
        if len(fields) != 6 or fields[0] == "output_file":
            continue
        output, _, rule, _, status, plan = fields
        job = (rule, job_name(rule, output))
        found.setdefault(job, []).append((output, plan == "update pending", status == "missing"))
    return [
        Step(
            *job,
            outputs=tuple(output for output, _, _ in facts),
            pending=any(pending for _, pending, _ in facts),
            there=not any(missing for _, _, missing in facts),
        )
        for job, facts in found.items()
    ]


def job_name(rule: str, output: str) -> str:
    """What the log and the benchmark of a job are called, from one of its outputs."""
    path = PurePath(output)
    if rule in SHARED:
        name = path.relative_to(SHARED[rule])
        return str(name if rule == "download_file" else name.with_suffix(""))
    _, experiment, _, *rest = path.with_suffix("").parts if len(path.parts) > 3 else ("", path.parts[1], "")
    return "/".join([experiment, *rest[1:]])
