"""Find and end the processes that work in a folder: Snakemake, its jobs, and the scripts that submit SLURM jobs."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from handgrad.common.errors import HandgradError

_SUBMITTER = re.compile(
    r"(ba|da)?sh (-c (.*; *)?)?profiles/slurm/(submit|sidecar)\.sh\b|sbatch .*--comment=slurm_open\."
)
#: option of the Snakemake that runs within a job
_INNER = re.compile(r"--mode[ =](remote|subprocess)\b")


def processes_in(folder: Path) -> Iterator[tuple[psutil.Process, list[str]]]:
    """Yield the processes with this working directory, and their command lines; skip processes without permission."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).samefile(folder):
                yield process, process.cmdline()


def main_processes(folder: Path) -> list[psutil.Process]:
    """Return the main processes of Snakemake that run in a folder."""
    return [process for process, command in processes_in(folder) if is_main(command)]


def is_main(command: Sequence[str]) -> bool:
    """Return whether a command line starts a main Snakemake, not one within a job."""
    return _is_snakemake(command) and not _INNER.search(" ".join(command))


def is_job(command: Sequence[str]) -> bool:
    """Return whether a command line belongs to a job: the Snakemake within it, or its script."""
    python = bool(command) and Path(command[0]).name.startswith("python")
    script = python and any("/.snakemake/scripts/tmp" in word for word in command)
    return script or (_is_snakemake(command) and not is_main(command))


def is_submitter(command: Sequence[str]) -> bool:
    """Return whether a command line submits or cancels SLURM jobs for Snakemake."""
    return bool(command) and bool(_SUBMITTER.match(" ".join([Path(command[0]).name, *command[1:]])))


def _is_snakemake(command: Sequence[str]) -> bool:
    names = [Path(word).name for word in command[:4]]  # as in python3 -u -m snakemake
    return "snakemake" in names and names[0].startswith(("python", "snakemake"))


def end_processes(folder: Path, kind: Callable[[Sequence[str]], bool], patience: float) -> Iterator[str]:
    """End processes in a folder with SIGTERM; yield one line if there are any.

    kind: which command lines to end. patience: timeout in seconds. Raises HandgradError after the timeout.
    """
    found = [process for process, command in processes_in(folder) if kind(command) and _may_be_ended(process)]
    if found:
        yield f"ending local processes ({len(found)}): {', '.join(str(process.pid) for process in found)}"
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    if left := [str(process.pid) for process in psutil.wait_procs(found, timeout=patience)[1]]:
        raise HandgradError(
            f"local processes still running {patience:g} s after SIGTERM: {' '.join(left)}; end them with "
            "kill -9 and retry"
        )


def _may_be_ended(process: psutil.Process) -> bool:
    """Return whether a process belongs to this user and not to another SLURM job, which SLURM ends."""
    with suppress(psutil.Error):
        job = process.environ().get("SLURM_JOB_ID")
        return bool(process.uids().real == os.getuid() and job in (None, os.environ.get("SLURM_JOB_ID")))
    return False
