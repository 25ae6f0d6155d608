"""The SLURM jobs of a workflow in a folder: which there are, and cancelling them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from handgrad.common.errors import HandgradError

PREFIX = "handgrad:"  # how profiles/slurm lets the names of the workflow's jobs begin
MAIN = "handgrad-main"  # the name of a main Snakemake that is a job itself (docs/cluster.md)
SUBMITTED = Path(".snakemake/slurm_logs")  # exists once a job was submitted
POLL = 1.0  # seconds between two looks at the queue
CHUNK = 500  # job ids in one scancel


class QueuedJob(NamedTuple):
    """A line of the queue."""

    id: str
    state: str
    name: str
    folder: str


def jobs_of_folder(folder: Path) -> list[QueuedJob]:
    """Return the workflow's jobs in a folder that SLURM is not done with, main ones included.

    None of them where there is no SLURM, or where it does not answer.
    """
    with suppress(HandgradError):
        return queue(folder)
    return []


def queue(folder: Path) -> list[QueuedJob]:
    """Return the same. Raises HandgradError if SLURM does not answer."""
    done = _slurm("squeue", "--all", "--noheader", f"--user={os.getuid()}", "--format=%i|%T|%j|%Z")
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise HandgradError(f"squeue failed, exit status {done.returncode} ({reason}); when SLURM answers, try again")
    lines = (line.strip().split("|", 3) for line in done.stdout.splitlines())
    jobs = [QueuedJob(*fields) for fields in lines if len(fields) == 4]
    ours = [job for job in jobs if job.name.startswith(PREFIX) or job.name == MAIN]
    return [job for job in ours if os.path.exists(job.folder) and folder.samefile(job.folder)]  # noqa: PTH110


def why_no_slurm(folder: Path) -> str | None:
    """Return why there are no SLURM jobs to look for in a folder; None if there may be some.

    Raises HandgradError if jobs were submitted there, and SLURM does not answer.
    """
    try:
        queue(folder)
    except HandgradError as error:
        if (folder / SUBMITTED).exists():
            raise
        return str(error)
    return None


def cancel_jobs(folder: Path, patience: float) -> Iterator[str]:
    """Cancel the workflow's jobs in a folder and wait until they have left the queue; yields what it does.

    Raises HandgradError if they do not leave it within ``patience`` seconds.
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
                f"SLURM jobs still in the queue {patience:g} s after scancel: {left}. A node that does not answer "
                f"keeps its jobs until SLURM gives it up (see sinfo); then try again. {' '.join(complaint.split())}"
            )
        time.sleep(POLL)


def _slurm(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of SLURM's, without the defaults that the user may have set for it."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SQUEUE_", "SCANCEL_"))}
    try:
        return subprocess.run(command, env=own, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HandgradError(f"{command[0]} failed ({error}); when SLURM answers, try again") from error
