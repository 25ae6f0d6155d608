"""The SLURM cluster of the tests, and copies of the repository that submit jobs to it."""

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
#: a fixed path, so that a cluster that was not stopped is found again
FOLDER = Path(tempfile.gettempdir()) / "handgrad-slurm"
SLURM_CONF = FOLDER / "etc/slurm.conf"
CANNOT = 77  # the exit status of start-slurm.sh if SLURM cannot be installed or started


class NoCluster(Exception):
    """SLURM cannot be installed or started on this machine; the message gives the reason."""


def start_cluster() -> None:
    """Start the cluster. Raises NoCluster if this machine cannot run one."""
    done = subprocess.run([HERE / "start-slurm.sh", FOLDER], capture_output=True, text=True, check=False)
    if done.returncode == CANNOT:
        raise NoCluster(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


def stop_cluster() -> None:
    subprocess.run([HERE / "stop-slurm.sh", FOLDER], check=True)


def slurm(*command: str) -> str:
    """Run a SLURM command and return its stdout."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Job:
    """A job in the output of squeue, finished or not."""

    id: str
    state: str
    node: str
    folder: str
    name: str


class Snakemake:
    """A main snakemake process that submits jobs to the cluster."""

    def __init__(self, project: "ClusterProject", *arguments: str, **environment: str) -> None:
        self._output = project.path / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments],
                cwd=project.path,
                env={**project.environment, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # background processes of a shell ignore SIGINT and pass this on to their children
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def succeeds(self) -> None:
        """Wait for the end of the process; fails if its exit status is not 0."""
        assert self.process.wait(timeout=600) == 0, self.output

    def interrupt(self, *, all_in_terminal: bool = False) -> None:
        """Send SIGINT to snakemake, or to all processes of its terminal, and wait for its end."""
        send = os.killpg if all_in_terminal else os.kill
        send(self.process.pid, signal.SIGINT)
        assert self.process.wait(timeout=300) != 0

    def kill(self, *, helpers: bool = True) -> None:
        """Kill snakemake with SIGKILL if it still runs; helpers: also kill its child processes on this machine."""
        if self.process.poll() is None:
            (os.killpg if helpers else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class ClusterProject(Project):
    """A copy of the repository that submits its jobs to the cluster."""

    config: str
    started: list[Snakemake] = field(default_factory=list)

    def start(self, *targets: str, partition: str = "", config: str = "") -> Snakemake:
        """Start a main snakemake as a user of the cluster does.

        partition: the partition of its jobs, SLURM's default if empty. config: KEY=VALUE.
        """
        options = ["--workflow-profile", "profiles/slurm", "--configfile", self.config]
        options += ["--config", config] if config else []
        environment = {"SBATCH_PARTITION": partition} if partition else {}
        snakemake = Snakemake(self, *targets, *options, **environment)
        self.started.append(snakemake)
        return snakemake

    def end(self) -> None:
        """Kill all snakemake processes and cancel all jobs of this project."""
        for snakemake in self.started:
            snakemake.kill()
        for job in self.jobs():
            if job.state in ("PENDING", "RUNNING"):
                slurm("scancel", job.id)

    def jobs(self) -> list[Job]:
        """Return all jobs of this project, the oldest first."""
        lines = slurm("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%N|%Z|%j")
        jobs = [Job(*line.split("|", 4)) for line in lines.splitlines()]
        return [job for job in jobs if job.folder == str(self.path)]

    def states(self) -> list[str]:
        return [job.state for job in self.jobs()]

    def running(self) -> Job:
        """Return the only running job."""
        (job,) = [job for job in self.jobs() if job.state == "RUNNING"]
        return job


def crash_node(node: str, process: psutil.Process) -> None:
    """Simulate a crash of a node: kill its slurmd and all processes of the job that ``process`` belongs to."""
    slurmd = psutil.Process(int((FOLDER / f"run/slurmd-{node}.pid").read_text()))
    step = next(parent for parent in process.parents() if parent.name() == "slurmstepd")
    for doomed in [slurmd, step, *step.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            doomed.kill()


def boot_node(node: str) -> None:
    """Start the slurmd of a node again and wait until the node accepts jobs."""
    subprocess.run(["slurmd", "-N", node], check=True)
    wait_until(lambda: "down" not in slurm("sinfo", "--noheader", f"--nodes={node}", "--format=%t"))
