"""The cluster of the tests, and copies of the repository whose jobs go to it."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from ..workflow.conftest import Project, wait_until

HERE = Path(__file__).parent
FOLDER = Path(tempfile.gettempdir()) / "handgrad-slurm"  # always the same: what was left behind is found
SLURM_CONF = FOLDER / "etc/slurm.conf"
CANNOT = 77  # the exit status of start-slurm.sh where SLURM cannot be had


class NoCluster(Exception):
    """Why SLURM cannot be had here."""


def start_cluster() -> None:
    """Start the cluster. Raises NoCluster where it cannot be had."""
    done = subprocess.run([HERE / "start-slurm.sh", FOLDER], capture_output=True, text=True, check=False)
    if done.returncode == CANNOT:
        raise NoCluster(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


def stop_cluster() -> None:
    subprocess.run([HERE / "stop-slurm.sh", FOLDER], check=True)


def slurm(*command: str) -> str:
    """Run one of SLURM's commands and return what it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Job:
    """A job as SLURM shows it, alive or not."""

    id: str
    state: str
    node: str
    folder: str
    name: str


class Snakemake:
    """A main snakemake at work on the cluster."""

    def __init__(self, project: "ClusterProject", *arguments: str, **environment: str) -> None:
        self._said = project.path / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments],
                cwd=project.path,
                env={**project.environment, **environment},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # a shell lets what it starts in the background ignore Ctrl-C, and that is inherited
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def succeeds(self) -> None:
        """Wait for its end, which must be a good one."""
        assert self.process.wait(timeout=600) == 0, self.said

    def interrupt(self, *, all_in_terminal: bool = False) -> None:
        """Ctrl-C, as it reaches snakemake alone or all that runs in its terminal; waits for its end."""
        send = os.killpg if all_in_terminal else os.kill
        send(self.process.pid, signal.SIGINT)
        assert self.process.wait(timeout=300) != 0

    def kill(self, *, helpers: bool = True) -> None:
        """End it with SIGKILL, if it has not ended; and what it has started on this machine, or not that."""
        if self.process.poll() is None:
            (os.killpg if helpers else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class ClusterProject(Project):
    """A copy of the repository whose jobs go to the cluster."""

    config: str
    started: list[Snakemake] = field(default_factory=list)

    def start(self, *targets: str, partition: str = "", config: str = "") -> Snakemake:
        """Start a main snakemake as a user of the cluster does.

        partition: where its jobs go, if not where SLURM's default is. config: KEY=VALUE.
        """
        options = ["--workflow-profile", "profiles/slurm", "--configfile", self.config]
        options += ["--config", config] if config else []
        environment = {"SBATCH_PARTITION": partition} if partition else {}
        snakemake = Snakemake(self, *targets, *options, **environment)
        self.started.append(snakemake)
        return snakemake

    def end(self) -> None:
        """End what is still at work."""
        for snakemake in self.started:
            snakemake.kill()
        for job in self.jobs():
            if job.state in ("PENDING", "RUNNING"):
                slurm("scancel", job.id)

    def jobs(self) -> list[Job]:
        """All jobs of this project, the oldest first."""
        lines = slurm("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%N|%Z|%j")
        jobs = [Job(*line.split("|", 4)) for line in lines.splitlines()]
        return [job for job in jobs if job.folder == str(self.path)]

    def states(self) -> list[str]:
        return [job.state for job in self.jobs()]

    def running(self) -> Job:
        """The one job that runs now."""
        (job,) = [job for job in self.jobs() if job.state == "RUNNING"]
        return job


def crash_node(node: str, process: psutil.Process) -> None:
    """Let a node die with the job that a process belongs to: its slurmd too, without a word to anybody."""
    slurmd = psutil.Process(int((FOLDER / f"run/slurmd-{node}.pid").read_text()))
    step = next(parent for parent in process.parents() if parent.name() == "slurmstepd")
    for doomed in [slurmd, step, *step.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            doomed.kill()


def boot_node(node: str) -> None:
    """Start the slurmd of a node again and wait until it takes jobs."""
    subprocess.run(["slurmd", "-N", node], check=True)
    wait_until(lambda: "down" not in slurm("sinfo", "--noheader", f"--nodes={node}", "--format=%t"))
