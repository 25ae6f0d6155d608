"""What docs/troubleshooting.md shows of Snakemake's messages is what Snakemake says."""

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

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"
ROWS = re.findall(r"^\| (`.+?) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
SHOWN = [message for row in ROWS for message in re.findall("`(.+?)`", row)]

Tiny = Callable[..., dict[str, Any]]
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
TRAINED = "        content = write_run("


def said(project: Project, *command: str, **environment: str) -> str:
    """What a Python command says here."""
    given = {**project.environment, **environment}
    done = subprocess.run([sys.executable, *command], cwd=project.path, env=given, capture_output=True, text=True)
    return done.stdout + done.stderr


def no_cores(project: Project, tiny: Tiny) -> str:
    return said(project, "-m", "snakemake", "--configfile", project.write_config(tiny()))


def no_packages(project: Project, tiny: Tiny) -> str:
    return said(project, "-S", "scripts/train_run.py")


def locked(project: Project, tiny: Tiny) -> str:
    locks = project.path / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/tiny/tables/results.csv\n")
    return project.refuse(tiny())


def target_swallowed(project: Project, tiny: Tiny) -> str:
    return project.snakemake("--configfile", project.write_config(tiny()), "download").stdout


def table_swallowed(project: Project, tiny: Tiny) -> str:
    (project.path / "results.csv").write_text("dataset,activation\nmnist,tanh\n")
    return project.snakemake("--configfile", project.write_config(tiny()), "results.csv").stdout


def not_yaml(project: Project, tiny: Tiny) -> str:
    (project.path / "tab.yaml").write_text("name: mine\n\texperiments: 1\n")
    return project.snakemake("-n", "--configfile", "tab.yaml").stdout


def no_such_target(project: Project, tiny: Tiny) -> str:
    return project.refuse(tiny(), "results/other/summary.html")


def no_such_profile(project: Project, tiny: Tiny) -> str:
    return project.refuse(tiny(), "--profile", "slrum")


def old_version(project: Project, tiny: Tiny) -> str:
    project.edit("workflow/Snakefile", "min_version(", 'min_version("99.0") if True else (')
    return project.refuse(tiny())


def download_failed(project: Project, tiny: Tiny) -> str:
    file = {"name": "a.gz", "size": 1, "sha256": 64 * "0", "mirrors": ["http://127.0.0.1:1/a.gz"]}
    return project.refuse(tiny(datasets={"mnist": {"files": {"train_images": file}}}), "resources/mnist/a.gz")


def no_output(project: Project, tiny: Tiny) -> str:
    project.edit("scripts/train_run.py", TRAINED, f"        raise SystemExit(0)\n{TRAINED}")
    return project.refuse(tiny(), RUN, "--latency-wait", "1")


def killed(project: Project, tiny: Tiny) -> str:
    project.edit("scripts/train_run.py", TRAINED, f"        import os; os.kill(os.getpid(), 9)\n{TRAINED}")
    return project.refuse(tiny(), RUN)


def incomplete(project: Project, tiny: Tiny) -> str:
    """What a killed Snakemake leaves when its job goes on to its end; before that, nothing is to be done."""
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
    return said(project, "-m", "snakemake", "--configfile", project.write_config(tiny()), *profile, PATH=path)


#: what provokes messages of the page, by the words with which they begin
PROVOKED: dict[Callable[[Project, Tiny], str], tuple[str, ...]] = {
    no_cores: ("Error: cores",),
    no_packages: ("ModuleNotFoundError",),
    locked: ("Error: Directory",),
    target_swallowed: ("FileNotFoundError",),
    table_swallowed: ("Config file must",),
    not_yaml: ("Config file is",),
    no_such_target: ("No rule",),
    no_such_profile: ("Error: profile",),
    old_version: ("Expecting Snakemake",),
    download_failed: ("Cannot restore",),
    no_output: ("completed successfully",),
    killed: ("died with", "Error in rule", "At least one job"),
    incomplete: ("Nothing to be done", "The files below"),
    not_submitted: ("message: Error",),
}


def test_every_message_of_snakemake_on_the_page_is_provoked() -> None:
    beginnings = tuple(words for several in PROVOKED.values() for words in several)
    assert all(message.startswith(beginnings) for message in SHOWN)
    assert len(SHOWN) == len(beginnings) == len(set(SHOWN))


@pytest.mark.slow
@pytest.mark.parametrize("provoke", PROVOKED, ids=lambda provoke: provoke.__name__)
def test_the_page_shows_what_snakemake_says(provoke: Callable[..., str], project: Project, tiny: Tiny) -> None:
    output = " ".join(provoke(project, tiny).split())
    for message in SHOWN:
        assert not message.startswith(PROVOKED[provoke]) or message in output, output
