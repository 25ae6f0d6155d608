"""Clean up after a main snakemake that died, so that the next one completes: ``make recover``.

A main snakemake that was killed, or whose machine crashed, may leave SLURM jobs, one that is still being
submitted, and local scripts, which all go on. This ends them, unlocks the directory, and removes files that
nobody will finish. To be run where Snakemake is run. Nothing of another directory, user or workflow is
touched.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]
import yaml

from handgrad.cli.command import as_command
from handgrad.common.errors import HandgradError
from handgrad.monitor.jobs import environment

ROOT = Path(__file__).parents[1]
PROFILE = Path("profiles/slurm/profile.yaml")
HELPER = re.compile(  # what a main snakemake starts that submits or cancels jobs
    r"(ba|da)?sh (-c (.*; *)?)?profiles/slurm/(submit|sidecar)\.sh\b|sbatch .*--comment=slurm_open\."
)
SUBMIT = "cluster-generic-submit-cmd"
JOB_NAME = re.compile(r"--job-name=(\S+)\{name\}")  # in the command that submits

MAIN = "handgrad-main"  # the name of a main snakemake that is a job itself (docs/cluster.md)
PATIENCE = 120.0  # seconds for work to end: a job has SLURM's KillWait (30 by default) to keep its checkpoint
POLL = 1.0  # seconds between two looks at the queue
CHUNK = 500  # job ids in one scancel

WRITTEN = ("results", "resources")  # the folders that the workflow writes to
PART = ".*.????????.part"  # what handgrad.common.atomic calls a file until it is whole
SUBMITTED = ".snakemake/slurm_logs"  # is there once a job was submitted
OPEN = ".snakemake/slurm_open.*"  # is there as long as jobs may be submitted
INNER = re.compile(r"--mode[ =](remote|subprocess)\b")  # how Snakemake calls itself within a job


class Job(NamedTuple):
    """A line of the queue."""

    id: str
    state: str
    name: str
    folder: str


def main(folder: Path, patience: float = PATIENCE) -> None:
    """Recover the workflow in a folder and say what was done.

    Raises HandgradError if a main snakemake is at work there, or if work does not end within ``patience``
    seconds. To call it again is safe.
    """
    refuse_while_at_work(folder)
    print(f"{folder}: no snakemake is at work here on {platform.node()}; other machines cannot be seen")
    jobs: list[str] = []
    helpers = end_helpers(folder, patience)  # first, since they add jobs
    if slurm_answers(folder):
        jobs = cancel_jobs(folder, jobname_prefix(ROOT / PROFILE), patience)
    scripts = end_processes(folder, is_job, patience)
    locks = unlock(folder)
    parts = remove_parts(folder)
    if jobs or helpers or scripts or locks or parts:
        print(
            "Recovered. Now give the snakemake command of before again (on a cluster: snakemake "
            f"--workflow-profile {PROFILE.parent}): it keeps what is finished and completes the rest."
        )
    else:
        print("There was nothing to recover.")


def _tell(what: str, found: Sequence[str]) -> None:
    if found:
        print(f"{what} ({len(found)}): {', '.join(found)}", flush=True)


def refuse_while_at_work(folder: Path) -> None:
    """Raises HandgradError if a main snakemake is at work in the folder, on this machine."""
    for process, command in processes_in(folder):
        if is_main(command):
            raise HandgradError(
                f"{folder}: snakemake is at work here, process {process.pid} ({' '.join(command)}); "
                f"wait for its end, or end it with Ctrl-C or kill -INT {process.pid}, and try again"
            )

    for job in main_jobs(folder):
        raise HandgradError(
            f"{folder}: snakemake is at work here as SLURM job {job.id} ({job.name}, {job.state}); wait for "
            f"its end, or end it with scancel --batch --signal=INT {job.id}, and try again"
        )


def refuse_while_locked(folder: Path) -> None:
    """Raises HandgradError if Snakemake has locked the folder: one is at work, and may be elsewhere."""
    if locks := locks_of(folder):
        raise HandgradError(
            f"{folder}: locked by a snakemake ({', '.join(locks)}), which is at work, perhaps on another "
            "machine, or was killed; wait for its end, or call make recover, and try again"
        )


def locks_of(folder: Path) -> list[str]:
    """The names of Snakemake's locks of a folder."""
    return sorted(path.name for path in (folder / ".snakemake/locks").glob("*.lock"))


def main_jobs(folder: Path) -> list[Job]:
    """The SLURM jobs in which a main snakemake is at work in the folder, as far as SLURM tells."""
    with suppress(HandgradError):  # no SLURM, or no answer: looked at later, where it matters
        return [job for job in queue() if job.name == MAIN and is_in(job, folder)]
    return []


def is_main(command: Sequence[str]) -> bool:
    """Whether a command line is that of a snakemake that is not within a job."""
    return _is_snakemake(command) and not INNER.search(" ".join(command))


def is_job(command: Sequence[str]) -> bool:
    """Whether a command line is that of a job: a snakemake within it, or its script."""
    python = bool(command) and Path(command[0]).name.startswith("python")
    script = python and any("/.snakemake/scripts/tmp" in word for word in command)
    return script or (_is_snakemake(command) and not is_main(command))


def is_helper(command: Sequence[str]) -> bool:
    """Whether a command line is that of what submits jobs for a main snakemake, or cancels them."""
    return bool(command) and bool(HELPER.match(" ".join([Path(command[0]).name, *command[1:]])))


def _is_snakemake(command: Sequence[str]) -> bool:
    names = [Path(word).name for word in command[:4]]  # as in python3 -u -m snakemake
    return "snakemake" in names and names[0].startswith(("python", "snakemake"))


def processes_in(folder: Path) -> Iterator[tuple[psutil.Process, list[str]]]:
    """The processes that work in a folder, and their command lines, as far as one may look at them."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).samefile(folder):
                yield process, process.cmdline()


def slurm_answers(folder: Path) -> bool:
    """Whether there is a queue to look at; says so if not. Raises HandgradError if there must be one."""
    if not shutil.which("squeue"):
        print("squeue is not on the PATH: no SLURM jobs were looked for")
        return False
    try:
        queue()
    except HandgradError as error:
        if (folder / SUBMITTED).exists():
            raise
        print(f"No SLURM jobs were looked for: {error}")
        return False
    return True


def jobname_prefix(profile: Path) -> str:
    """How the names of this workflow's SLURM jobs begin."""
    command = yaml.safe_load(profile.read_text()).get(SUBMIT, "")
    found = JOB_NAME.search(command)
    if not found:
        raise HandgradError(
            f"{profile}: {SUBMIT}: --job-name=...{{name}} is not in it, so nobody knows which jobs are the workflow's"
        )
    return found[1]


def cancel_jobs(folder: Path, prefix: str, patience: float) -> list[str]:
    """Cancel the workflow's jobs and wait until they have left the queue; returns their ids."""
    asked: list[str] = []
    complaint = ""
    until = time.monotonic() + patience
    while jobs := [job for job in queue() if is_own(job, folder, prefix)]:
        new = [job.id for job in jobs if job.id not in asked]
        _tell("cancelling SLURM jobs", new)
        for start in range(0, len(new), CHUNK):
            complaint = _slurm("scancel", *new[start : start + CHUNK]).stderr or complaint
        asked += new
        if time.monotonic() > until:
            left = ", ".join(f"{job.id} ({job.state})" for job in jobs)
            raise HandgradError(
                f"SLURM jobs still in the queue {patience:g} s after scancel: {left}. A node that "
                "does not answer keeps its jobs until SLURM gives it up (see sinfo); then try again. "
                f"{_one_line(complaint)}"
            )
        time.sleep(POLL)
    return asked


def queue() -> list[Job]:
    """This user's jobs that SLURM is not done with."""
    done = _slurm("squeue", "--all", "--noheader", f"--user={os.getuid()}", "--format=%i|%T|%j|%Z")
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise HandgradError(f"squeue failed, exit status {done.returncode} ({said}); when SLURM answers, try again")
    lines = (line.strip().split("|", 3) for line in done.stdout.splitlines())
    return [Job(*fields) for fields in lines if len(fields) == len(Job._fields)]


def is_own(job: Job, folder: Path, prefix: str) -> bool:
    """Whether a job is of this workflow and this folder."""
    return job.name.startswith(prefix) and is_in(job, folder)


def is_in(job: Job, folder: Path) -> bool:
    """Whether a job works in a folder, by whatever path SLURM knows it."""
    with suppress(OSError):
        return Path(job.folder).samefile(folder)
    return False


def _slurm(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of SLURM's, without the defaults that the user may have set for it."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SQUEUE_", "SCANCEL_"))}
    try:
        return subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HandgradError(f"{command[0]} failed ({error}); when SLURM answers, try again") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())


def end_helpers(folder: Path, patience: float) -> list[str]:
    """End what still submits or cancels jobs for a dead main snakemake; returns the process ids."""
    for path in folder.glob(OPEN):
        path.unlink(missing_ok=True)  # so that none goes on whom we do not see
    return end_processes(folder, is_helper, patience)


def end_processes(folder: Path, kind: Callable[[Sequence[str]], bool], patience: float) -> list[str]:
    """End, by SIGTERM, processes of a kind that a dead main snakemake has left here; returns their ids."""
    found = [process for process, command in processes_in(folder) if kind(command)]
    ended = [process for process in found if _may_be_ended(process)]
    _tell("ending local processes", [str(process.pid) for process in ended])
    for process in ended:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    if left := [str(process.pid) for process in psutil.wait_procs(ended, timeout=patience)[1]]:
        raise HandgradError(
            f"local processes still at work {patience:g} s after SIGTERM: {' '.join(left)}; end them with "
            "kill -9, and try again"
        )
    return [str(process.pid) for process in ended]


def _may_be_ended(process: psutil.Process) -> bool:
    """Whether a process is this user's, and not of a SLURM job, which SLURM ends (unless we are in it)."""
    with suppress(psutil.Error):
        job = process.environ().get("SLURM_JOB_ID")
        return bool(process.uids().real == os.getuid() and job in (None, os.environ.get("SLURM_JOB_ID")))
    return False


def unlock(folder: Path) -> list[str]:
    """Remove Snakemake's locks of a folder, whichever experiment set them; returns their names."""
    locks = locks_of(folder)
    if locks:
        command = [sys.executable, "-m", "snakemake", "--unlock", "--snakefile", str(ROOT / "Snakefile")]
        done = subprocess.run(  # noqa: S603, no shell
            command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise HandgradError(
                f"snakemake --unlock failed ({_one_line(done.stderr or done.stdout)}); mend that, and try again"
            )
    _tell("locks removed", locks)
    return locks


def remove_parts(folder: Path) -> list[str]:
    """Remove what killed writers have left of files that were to appear whole; returns the paths."""
    found = [path for top in WRITTEN for path in (folder / top).rglob(PART)]
    for path in found:
        path.unlink(missing_ok=True)
    names = sorted(str(path.relative_to(folder)) for path in found)
    _tell("unfinished files removed", names)
    return names


if __name__ == "__main__":
    with as_command():
        main(Path.cwd())
