"""Run the real snakemake on copies of this repository."""

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

#: two very short runs: one small network, one epoch
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
    """Return a process that has loaded Snakemake; all calls of this test process use it."""
    command = [sys.executable, str(Path(__file__).with_name("warm_snakemake.py"))]
    process = subprocess.Popen(command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def planned(output: str) -> dict[str, int]:
    """Return the number of jobs of each rule in a dry run, without the rules that only name targets."""
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output.partition("Job stats:")[2], re.MULTILINE))
    return {rule: int(count) for rule, count in jobs.items() if rule not in ("all", "default", "total")}


@dataclass(frozen=True)
class Project:
    """A copy of the repository in its own folder."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of all commands; the cache is separate from the cache in the home folder."""
        cache = str(self.path / ".cache")
        return {**os.environ, "XDG_CACHE_HOME": cache, "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """Return the command that runs snakemake."""
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]

    def snakemake(self, *arguments: str, cores: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake in this project, with additional variables; the output is stdout and stderr together."""
        command, process = self.command(*arguments, cores=cores), warm_snakemake()
        assert process.stdin
        assert process.stdout
        with NamedTemporaryFile("r", encoding="utf-8") as output:
            call = [str(self.path), {**self.environment, **environment}, command[3:], output.name, 600]
            print(json.dumps(call), file=process.stdin, flush=True)
            return subprocess.CompletedProcess(command, int(process.stdout.readline()), output.read())

    def handgrad(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the handgrad command of this project, in its folder."""
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
        """Write an experiment file, run it and return the output of snakemake; fails if snakemake fails."""
        done = self.snakemake(*arguments, "--configfile", self.write_config(config))
        assert done.returncode == 0, done.stdout
        return done.stdout

    def train(self, config: dict[str, Any]) -> str:
        """Train the runs of an experiment, without tables, figures and page; return the output of snakemake."""
        return self.run(config, "--until", "train_run")

    def plan(self, config: dict[str, Any], *arguments: str) -> dict[str, int]:
        """Return the number of jobs of each rule that snakemake would run now (see planned)."""
        return planned(self.run(config, "--dry-run", *arguments))

    def refuse(self, config: dict[str, Any], *arguments: str) -> str:
        """Write an experiment file, run it and return the output of snakemake; fails if snakemake succeeds."""
        done = self.snakemake(*arguments, "--configfile", self.write_config(config))
        assert done.returncode != 0, done.stdout
        return done.stdout

    def write_config(self, config: dict[str, Any]) -> str:
        path = self.path / "config" / f"{config['name']}.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return str(path)

    def times(self, pattern: str) -> dict[str, int]:
        """Return the modification time of each matching file, in ns, by its path in the project."""
        return {
            str(path.relative_to(self.path)): path.stat().st_mtime_ns
            for path in self.path.glob(pattern)
            if path.is_file()
        }

    def contents(self) -> dict[str, str]:
        """Return the content_sha256 of each finished run by its path."""
        paths = sorted(self.path.glob("results/runs/*/*.h5"))
        return {str(path.relative_to(self.path)): content_of(path) for path in paths}

    def segments(self, run: str) -> list[tuple[int, int]]:
        """Return the first and last epoch of each process that computed a run; run: path of the run file."""
        with h5py.File(self.path / run, locking=False) as file:
            return [(s["from_epoch"], s["to_epoch"]) for s in json.loads(file.attrs["segments"])]

    def log(self, run: str) -> str:
        """Return the log of the last job of a run, or an empty text."""
        path = self.path / run.replace("results/runs/", "results/logs/train_run/").replace(".h5", ".log")
        return path.read_text() if path.exists() else ""

    def checkpoint(self, run: str) -> Path:
        return self.path / run.replace("results/runs/", "results/checkpoints/").replace(".h5", ".checkpoint")

    def search_files(self, name: str) -> dict[str, bytes | str]:
        """Return the bytes of the rungs and rankings of an experiment's searches, and the content of their runs."""
        folder = self.path / "results" / name / "search"
        return {
            path.relative_to(folder).as_posix(): content_of(path) if path.suffix == ".h5" else path.read_bytes()
            for path in sorted(folder.rglob("*.*"))
        }

    def training_process(self, rule: str = "train_run") -> psutil.Process | None:
        """Return a process in which a rule trains a run of this project, or None."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, IndexError):
                if process.cwd() == str(self.path) and process.cmdline()[-1].endswith(f"{rule}.py"):
                    return process
        return None

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text in a file of the project; fails if there is none."""
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


def wait_until(condition: Callable[[], Any], seconds: float = 600) -> Any:
    """Call the condition until its result is true and return the result; fails after this many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"the condition was not met within {seconds:g} s"
        time.sleep(0.02)
    return found


def content_of(run: Path) -> str:
    """Return the content_sha256 of a run file."""
    with h5py.File(run, locking=False) as file:
        return str(file.attrs["content_sha256"])


def written(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Return the files that are new or changed, from two results of Project.times."""
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
    """Run the longest test first, so that no worker waits for it at the end."""
    items.sort(key=lambda item: item.name != "test_every_tutorial_command_has_the_output_of_the_page")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the repository."""
    return copy_repository(tmp_path / "project")


def made_once(shared: Path, name: str, make: Callable[[Project], object]) -> Project:
    """Return a copy of the repository in which the first worker calls ``make``; tests must not change it."""
    project, done = Project(shared / name), shared / f"{name}-is-done"
    with locked(shared / f"{name}.lock"):
        if not done.exists():
            copy_repository(project.path)
            make(project)
            done.touch()
    return project


def copy_project(project: Project, to: Path) -> Project:
    """Copy a project with its file times, so that no job runs again."""
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
    """A function that returns the tiny experiment with changed axes or other keys."""

    def changed(name: str = "tiny", *, axes: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
        return {**TINY, "name": name, "experiments": [{**TINY["experiments"][0], **(axes or {})}], **keys}

    return changed
