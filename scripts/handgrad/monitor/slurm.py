"""List and cancel the SLURM jobs of a workflow in a folder."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from handgrad.common.errors import HandgradError

PREFIX = "handgrad:"  # prefix of job names in profiles/slurm
MAIN = "handgrad-main"  # job name of a main Snakemake that runs as a SLURM job (docs/how-to/cluster.md)
SUBMITTED = Path(".snakemake/slurm_logs")  # exists after the first submission
POLL = 1.0  # seconds between two calls of squeue
CHUNK = 500  # maximum number of job ids in one scancel


class QueuedJob(NamedTuple):
    """A job in the output of squeue."""

    id: str
    state: str
    name: str
    folder: str


def jobs_of_folder(folder: Path) -> list[QueuedJob]:
    """Return the workflow's jobs of a folder that are in the queue, including a main Snakemake.

    The list is empty if SLURM is not installed or does not answer.
    """
    with suppress(HandgradError):
        return queue(folder)
    return []


def queue(folder: Path) -> list[QueuedJob]:
    """Return the workflow's jobs of a folder that are in the queue. Raises HandgradError if SLURM does not answer."""
    done = _slurm("squeue", "--all", "--noheader", f"--user={os.getuid()}", "--format=%i|%T|%j|%Z")
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise HandgradError(f"squeue failed, exit status {done.returncode} ({reason}); when SLURM answers again, retry")
    lines = (line.strip().split("|", 3) for line in done.stdout.splitlines())
    jobs = [QueuedJob(*fields) for fields in lines if len(fields) == 4]
    ours = [job for job in jobs if job.name.startswith(PREFIX) or job.name == MAIN]
    return [job for job in ours if os.path.exists(job.folder) and folder.samefile(job.folder)]  # noqa: PTH110


def why_no_slurm(folder: Path) -> str | None:
    """Return the reason why a folder cannot have SLURM jobs, or None if it may have some.

    Raises HandgradError if jobs were submitted from the folder and SLURM does not answer.
    """
    try:
        queue(folder)
    except HandgradError as error:
        if (folder / SUBMITTED).exists():
            raise
        return str(error)
    return None


def cancel_jobs(folder: Path, patience: float) -> Iterator[str]:
    """Cancel the workflow's jobs of a folder and wait until they leave the queue; yield one line for each action.

    patience: timeout in seconds. Raises HandgradError if jobs are still in the queue after the timeout.
    """
    asked: set[str] = set()
    complaint = ""
    until = time.monotonic() + patience
    while jobs := [job for job in queue(folder) if job.name != MAIN]:
        if new := [job.id for job in jobs if job.id not in asked]:
            yield f"cancelling SLURM jobs ({len(new)}): {', '.join(new)}"
        for start in range(0, len(new), CHUNK):
            complaint = _slurm("scancel", *new[start : start + CHUNK]).stderr or complaint
        asked.update(new)
        if time.monotonic() > until:
            left = ", ".join(f"{job.id} ({job.state})" for job in jobs)
            raise HandgradError(
                f"SLURM jobs still in the queue {patience:g} s after scancel: {left}. Jobs of a node that does not "
                f"answer stay in the queue until SLURM marks the node as down (see sinfo); retry after that. "
                f"{' '.join(complaint.split())}"
            )
        time.sleep(POLL)


def _slurm(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a SLURM command without the user's default options from the environment."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SQUEUE_", "SCANCEL_"))}
    try:
        return subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HandgradError(f"{command[0]} failed ({error}); when SLURM answers again, retry") from error
