"""Tests that drive the real snakemake on copies of this repository."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import h5py
import psutil
import pytest
import yaml

from ..conftest import locked

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "environment.yml", "requirements.txt", "workflow", "scripts", "config", "profiles", "LICENSE"]

#: two runs that take no time: one small network, one epoch
TINY: dict[str, Any] = {
    "name": "tiny",
    "experiments": [
        {
            "dataset": "digits",
            "activation": "tanh",
            "hidden_units": 5,
            "learning_rate": [0.001, 0.002],
            "batch_size": 50,
            "epochs": 1,
            "l2": 0.01,
            "seed": 0,
        }
    ],
    "gradient_check": {"hidden_units": 3, "examples": 2},
}


@cache
def warm_snakemake() -> subprocess.Popen[str]:
    """The process in which Snakemake is loaded for all calls of this one."""
    command = [sys.executable, str(Path(__file__).with_name("warm_snakemake.py"))]
    process = subprocess.Popen(command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def planned(said: str) -> dict[str, int]:
    """How many jobs of each rule a dry run counts, but for the rules that only name targets."""
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", said.partition("Job stats:")[2], re.MULTILINE))
    return {rule: int(count) for rule, count in jobs.items() if rule not in ("all", "default", "total")}


@dataclass(frozen=True)
class Project:
    """A copy of the repository in a folder of its own."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """Tests must not depend on a cache of sources that lies in somebody's home."""
        cache = str(self.path / ".cache")
        return {**os.environ, "XDG_CACHE_HOME": cache, "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """The command that runs snakemake."""
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]

    def snakemake(self, *arguments: str, cores: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake here, with more variables; the output is stdout and stderr together."""
        command, process = self.command(*arguments, cores=cores), warm_snakemake()
        assert process.stdin
        assert process.stdout
        with NamedTemporaryFile("r", encoding="utf-8") as said:
            call = [str(self.path), {**self.environment, **environment}, command[3:], said.name, 600]
            print(json.dumps(call), file=process.stdin, flush=True)
            return subprocess.CompletedProcess(command, int(process.stdout.readline()), said.read())

    def handgrad(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run this copy's command here."""
        return subprocess.run(
            [sys.executable, "-m", "handgrad", *arguments],
            cwd=self.path,
            env={**self.environment, "PYTHONPATH": str(self.path / "scripts")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def run(self, config: dict[str, Any], *arguments: str) -> str:
        """Write an experiment file, run it, and return what snakemake said; the run must succeed."""
        done = self.snakemake(*arguments, "--configfile", self.write_config(config))
        assert done.returncode == 0, done.stdout
        return done.stdout

    def train(self, config: dict[str, Any]) -> str:
        """The same as far as the runs, for tests that ask nothing of tables, figures and the page."""
        return self.run(config, "--until", "train_run")

    def plan(self, config: dict[str, Any], *arguments: str) -> dict[str, int]:
        """How many jobs of each rule snakemake would run now, but for the rules that only name targets."""
        return planned(self.run(config, "--dry-run", *arguments))

    def refuse(self, config: dict[str, Any], *arguments: str) -> str:
        """The same for a run that must fail."""
        done = self.snakemake(*arguments, "--configfile", self.write_config(config))
        assert done.returncode != 0, done.stdout
        return done.stdout

    def write_config(self, config: dict[str, Any]) -> str:
        path = self.path / "config" / f"{config['name']}.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return str(path)

    def times(self, pattern: str) -> dict[str, int]:
        """When each file that matches was last written, in ns, by its path in the project."""
        return {
            str(path.relative_to(self.path)): path.stat().st_mtime_ns
            for path in self.path.glob(pattern)
            if path.is_file()
        }

    def contents(self) -> dict[str, str]:
        """content_sha256 of the finished runs by their paths: the same where the runs are the same."""
        found = {}
        for path in sorted(self.path.glob("results/runs/*/*.h5")):
            with h5py.File(path, locking=False) as file:
                found[str(path.relative_to(self.path))] = str(file.attrs["content_sha256"])
        return found

    def segments(self, run: str) -> list[tuple[int, int]]:
        """From and to which epoch each process computed a run, which is given by its path."""
        with h5py.File(self.path / run, locking=False) as file:
            return [(s["from_epoch"], s["to_epoch"]) for s in json.loads(file.attrs["segments"])]

    def log(self, run: str) -> str:
        """The log of a run's last job, as far as there is one."""
        path = self.path / run.replace("results/runs/", "results/logs/train_run/").replace(".h5", ".log")
        return path.read_text() if path.exists() else ""

    def checkpoint(self, run: str) -> Path:
        return self.path / run.replace("results/runs/", "results/checkpoints/").replace(".h5", ".checkpoint")

    def training_process(self) -> psutil.Process | None:
        """The process that trains a run here, once it has begun."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, IndexError):
                if process.cwd() == str(self.path) and process.cmdline()[-1].endswith("train_run.py"):
                    return process
        return None

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a piece of text, which must be there, in one of the project's files."""
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


def wait_until(condition: Callable[[], Any], seconds: float = 600) -> Any:
    """What the condition gives once it gives anything; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
    return found


def written(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """The files that are new or were written again."""
    return {name for name, time in after.items() if before.get(name) != time}


def copy_repository(to: Path) -> Project:
    to.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, to / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, to / part)
    return Project(to)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test, so that no worker waits for it at the end."""
    items.sort(key=lambda item: item.name != "test_every_command_of_the_tutorial_does_what_the_page_shows")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the repository."""
    return copy_repository(tmp_path / "project")


def made_once(shared: Path, name: str, make: Callable[[Project], object]) -> Project:
    """A copy of the repository in which the first of all workers makes something. Tests change copies of it."""
    project, done = Project(shared / name), shared / f"{name}-is-done"
    with locked(shared / f"{name}.lock"):
        if not done.exists():
            copy_repository(project.path)
            make(project)
            done.touch()
    return project


def copy_project(project: Project, to: Path) -> Project:
    """A copy in which the files have the same times, so that nothing is made again."""
    return Project(shutil.copytree(project.path, to))


@pytest.fixture(scope="session")
def _finished(shared: Path) -> Project:
    return made_once(shared, "finished", lambda project: project.run(TINY))


@pytest.fixture
def finished(_finished: Project, tmp_path: Path) -> Project:
    """A copy of the repository in which the tiny experiment has been run."""
    return copy_project(_finished, tmp_path / "project")


@pytest.fixture
def tiny() -> Callable[..., dict[str, Any]]:
    """The tiny experiment with some of its axes, or of its other keys, changed."""

    def changed(name: str = "tiny", *, axes: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
        return {**TINY, "name": name, "experiments": [{**TINY["experiments"][0], **(axes or {})}], **keys}

    return changed
