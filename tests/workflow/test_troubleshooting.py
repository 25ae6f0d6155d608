"""docs/how-to/troubleshooting.md quotes the messages that Snakemake prints."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project

PAGE = Path(__file__).parents[2] / "docs/how-to/troubleshooting.md"
ROWS = re.findall(r"^\| (`.+?) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
SHOWN = [message for row in ROWS for message in re.findall("`(.+?)`", row)]

Tiny = Callable[..., dict[str, Any]]
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
TRAINED = "        main(Run(**axes), job, snakemake.output[0])"


def python_output(project: Project, *command: str, **environment: str) -> str:
    """Return the output of a Python command in the project."""
    given = {**project.environment, **environment}
    done = subprocess.run([sys.executable, *command], cwd=project.path, env=given, capture_output=True, text=True)
    return done.stdout + done.stderr


def edited(project: Project, tiny: Tiny, file: str, old: str, new: str, *arguments: str) -> str:
    """Return the output of Snakemake, which must fail, after a change of a file of the project."""
    project.edit(file, old, new)
    return project.refuse(tiny(), *arguments)


def written(project: Project, file: str, text: str, *arguments: str) -> str:
    """Write a text to a file of the project and return the output of Snakemake with these arguments."""
    (project.path / file).parent.mkdir(parents=True, exist_ok=True)
    (project.path / file).write_text(text)
    return project.snakemake(*arguments).stdout


def incomplete(project: Project, tiny: Tiny) -> str:
    """Return the output if nothing is to be done, and the output after Snakemake was killed during a job."""
    project.run(tiny(), RUN)
    again = project.run(tiny(), RUN)
    marks = project.path / ".snakemake/incomplete"
    marks.mkdir(exist_ok=True)
    (marks / base64.b64encode(RUN.encode(), b"_-").decode()).touch()
    return again + project.refuse(tiny(), RUN, "--workflow-profile", "none")


def not_submitted(project: Project, tiny: Tiny) -> str:
    commands = project.path / "bin"
    commands.mkdir()
    for name, status in (("sbatch", 1), ("squeue", 0)):
        (commands / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (commands / name).chmod(0o755)
    path = f"{commands}:{os.environ['PATH']}"
    profile = ["--workflow-profile", "profiles/slurm", "--retries", "0"]
    return python_output(project, "-m", "snakemake", "--configfile", project.write_config(tiny()), *profile, PATH=path)


FILE = {"name": "a.gz", "size": 1, "sha256": 64 * "0", "mirrors": ["http://127.0.0.1:1/a.gz"]}
UNREACHABLE = {"mnist": {"files": {"train_images": FILE}}}
#: for each case: a function that provokes messages of the page, and the first words of these messages
PROVOKED: dict[str, tuple[Callable[[Project, Tiny], str], tuple[str, ...]]] = {
    "no cores": (
        lambda project, tiny: python_output(project, "-m", "snakemake", "--configfile", project.write_config(tiny())),
        ("Error: cores",),
    ),
    "no packages": (lambda project, _: python_output(project, "-S", "scripts/train_run.py"), ("ModuleNotFoundError",)),
    "locked": (
        lambda project, tiny: written(
            project,
            ".snakemake/locks/0.output.lock",
            "results/tiny/tables/results.csv\n",
            *("--configfile", project.write_config(tiny())),
        ),
        ("Error: Directory",),
    ),
    "target swallowed": (
        lambda project, tiny: project.snakemake("--configfile", project.write_config(tiny()), "download").stdout,
        ("FileNotFoundError",),
    ),
    "table swallowed": (
        lambda project, tiny: written(
            project, "results.csv", "dataset\nmnist\n", "--configfile", project.write_config(tiny()), "results.csv"
        ),
        ("Config file must",),
    ),
    "not YAML": (
        lambda project, _: written(
            project, "tab.yaml", "name: mine\n\texperiments: 1\n", "-n", "--configfile", "tab.yaml"
        ),
        ("Config file is",),
    ),
    "no such target": (lambda project, tiny: project.refuse(tiny(), "results/other/summary.html"), ("No rule",)),
    "no such profile": (lambda project, tiny: project.refuse(tiny(), "--profile", "slrum"), ("Error: profile",)),
    "old version": (
        lambda *to: edited(*to, "workflow/Snakefile", "min_version(", 'min_version("99.0") if True else ('),
        ("Expecting Snakemake",),
    ),
    "download failed": (
        lambda project, tiny: project.refuse(tiny(datasets=UNREACHABLE), "resources/mnist/a.gz"),
        ("Cannot restore",),
    ),
    "no output": (
        lambda *to: edited(
            *to, "scripts/train_run.py", TRAINED, f"        raise SystemExit(0)\n{TRAINED}", RUN, "--latency-wait", "1"
        ),
        ("completed successfully",),
    ),
    "killed": (
        lambda *to: edited(
            *to, "scripts/train_run.py", TRAINED, f"        import os; os.kill(os.getpid(), 9)\n{TRAINED}", RUN
        ),
        ("died with", "Error in rule", "At least one job"),
    ),
    "incomplete": (incomplete, ("Nothing to be done", "The files below")),
    "not submitted": (not_submitted, ("message: Error",)),
}


def test_every_snakemake_message_on_the_page_has_a_test() -> None:
    beginnings = tuple(words for _, several in PROVOKED.values() for words in several)
    assert all(message.startswith(beginnings) for message in SHOWN)
    assert len(SHOWN) == len(beginnings) == len(set(SHOWN))


@pytest.mark.slow
@pytest.mark.parametrize("case", PROVOKED)
def test_the_page_quotes_snakemake_correctly(case: str, project: Project, tiny: Tiny) -> None:
    provoke, beginnings = PROVOKED[case]
    output = " ".join(provoke(project, tiny).split())
    for message in SHOWN:
        assert not message.startswith(beginnings) or message in output, output
