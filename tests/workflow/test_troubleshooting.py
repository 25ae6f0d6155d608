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
SECTION = "\n## Snakemake's own messages\n"
FENCED = re.compile(r"^```text\n(.*?)\n^```$", re.MULTILINE | re.DOTALL)

Tiny = Callable[..., dict[str, Any]]
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"
TRAINED = "        content = write_run("

WITHOUT_PLUGIN = """
import pkgutil, sys
found = pkgutil.iter_modules
pkgutil.iter_modules = lambda *_: (m for m in found(*_) if "cluster_generic" not in m.name)
from snakemake.cli import main
main(sys.argv[1:])
"""


def said(project: Project, *command: str, **environment: str) -> str:
    """What a Python command says here."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project.path,
        env={**project.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def no_cores(project: Project, tiny: Tiny) -> str:
    return said(project, "-m", "snakemake", "--configfile", project.write_config(tiny()))


def no_plugin(project: Project, tiny: Tiny) -> str:
    return said(project, "-c", WITHOUT_PLUGIN, "-n", "--workflow-profile", "profiles/slurm")


def no_packages(project: Project, tiny: Tiny) -> str:
    return said(project, "-S", "-m", "handgrad", "check", PYTHONPATH="scripts")


def all_there(project: Project, tiny: Tiny) -> str:
    project.run(tiny(), RUN)
    return project.run(tiny(), RUN)


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


def job_failed(project: Project, tiny: Tiny) -> str:
    project.edit("scripts/train_run.py", TRAINED, f"        raise HandgradError('no')\n{TRAINED}")
    return project.refuse(tiny(), "--until", "train_run")


def download_failed(project: Project, tiny: Tiny) -> str:
    file = {"name": "a.gz", "size": 1, "sha256": 64 * "0", "mirrors": ["http://127.0.0.1:1/a.gz"]}
    mnist = {"files": {"train_images": file}}
    return project.refuse(tiny(datasets={"mnist": mnist}), "resources/mnist/a.gz")


def no_output(project: Project, tiny: Tiny) -> str:
    project.edit("scripts/train_run.py", TRAINED, f"        raise SystemExit(0)\n{TRAINED}")
    return project.refuse(tiny(), "--until", "train_run", "--latency-wait", "1")


def killed(project: Project, tiny: Tiny) -> str:
    project.edit("scripts/train_run.py", TRAINED, f"        import os; os.kill(os.getpid(), 9)\n{TRAINED}")
    return project.refuse(tiny(), "--until", "train_run")


def incomplete(project: Project, tiny: Tiny) -> str:
    """What a killed Snakemake leaves when its job goes on to its end."""
    project.train(tiny())
    marks = project.path / ".snakemake/incomplete"
    marks.mkdir(exist_ok=True)
    (marks / base64.b64encode(RUN.encode(), b"_-").decode()).touch()
    return project.refuse(tiny(), "--until", "train_run", "--workflow-profile", "none")


def not_submitted(project: Project, tiny: Tiny) -> str:
    commands = project.path / "bin"
    commands.mkdir()
    for name, status in (("sbatch", 1), ("squeue", 0)):
        (commands / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (commands / name).chmod(0o755)
    path = f"{commands}:{os.environ['PATH']}"
    profile = ["--workflow-profile", "profiles/slurm", "--retries", "0"]
    return said(project, "-m", "snakemake", "--configfile", project.write_config(tiny()), *profile, PATH=path)


#: how each message of the page's last section is provoked, by the words with which it begins
PROVOKED: dict[str, Callable[[Project, Tiny], str]] = {
    "Nothing to be done": all_there,
    "Error: cores have to be specified": no_cores,
    "Error: Directory cannot be locked": locked,
    "FileNotFoundError": target_swallowed,
    "Config file must be given": table_swallowed,
    "Config file is not valid": not_yaml,
    "No rule to produce": no_such_target,
    "Error: profile directory given": no_such_profile,
    "argument --executor/-e": no_plugin,
    "Expecting Snakemake version": old_version,
    "ModuleNotFoundError": no_packages,
    "Error in rule": job_failed,
    "At least one job": job_failed,
    "Cannot restore": download_failed,
    "completed successfully": no_output,
    "The files below": incomplete,
    "message: Error submitting": not_submitted,
    "died with": killed,
}


def shown() -> list[str]:
    """The messages that the page shows in its section on Snakemake."""
    section = PAGE.read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]
    return FENCED.findall(section)


def beginning(example: str) -> str:
    found = [words for words in PROVOKED if example.startswith(words)]
    assert len(found) == 1, f"docs/troubleshooting.md: {example!r} is not in PROVOKED"
    return found[0]


def test_every_message_of_snakemake_on_the_page_is_provoked() -> None:
    assert sorted(map(beginning, shown())) == sorted(PROVOKED)


@pytest.mark.slow
@pytest.mark.parametrize("words", PROVOKED)
def test_the_page_shows_what_snakemake_says(words: str, project: Project, tiny: Tiny) -> None:
    (example,) = (example for example in shown() if beginning(example) == words)
    expected = ".+?".join(map(re.escape, example.split("<...>")))
    output = PROVOKED[words](project, tiny)
    assert re.search(expected, output), output
