"""Cleaning up after a main Snakemake that died, so that the next one completes.

It may leave SLURM jobs, one that is still being submitted, and local scripts, which all go on. Nothing of another
directory, user or workflow is touched.
"""

import platform
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.layout.main_process import RESULTS_AND_DOWNLOADS
from handgrad.monitor.processes import end_processes, is_job, is_submitter, main_processes
from handgrad.monitor.slurm import MAIN, cancel_jobs, jobs_of_folder, why_no_slurm

PATIENCE = 120.0  # seconds for jobs to end: one has SLURM's KillWait (30 by default) to save its checkpoint

_PART = ".*.????????.part"  # what handgrad.common.atomic calls a file until it is whole
LOCKS = ".snakemake/locks"  # where Snakemake keeps them
_OPEN = ".snakemake/slurm_open.*"  # exists as long as jobs may be submitted


def recover(folder: Path, patience: float = PATIENCE) -> Iterator[str]:
    """Recover the workflow in a folder; yields a line for each thing that it does. To call it again is safe.

    Raises HandgradError if Snakemake is running there, or if jobs do not end within ``patience`` seconds.
    """
    require_idle(folder)
    yield f"{folder}: no snakemake is running here on {platform.node()}; other machines cannot be seen"
    if reason := why_no_slurm(folder):
        yield f"No SLURM jobs were looked for: {reason}"
    said = (
        "There was nothing to recover.",
        "Recovered. Now give the snakemake command of before again (on a cluster: snakemake "
        "--workflow-profile profiles/slurm): it keeps what is finished and completes the rest.",
    )
    recovered = False
    for line in chain(
        end_submitters(folder, patience),  # first, since they add jobs
        () if reason else cancel_jobs(folder, patience),
        end_processes(folder, is_job, patience),
        unlock(folder),
        remove_parts(folder),
    ):
        recovered = True
        yield line
    yield said[recovered]


def require_idle(folder: Path) -> None:
    """Raise HandgradError if a main Snakemake is running in the folder, on this machine or as a SLURM job."""
    here = [(f", process {process.pid}", f"kill -INT {process.pid}") for process in main_processes(folder)]
    queued = [job for job in jobs_of_folder(folder) if job.name == MAIN]
    here += [(f" as SLURM job {job.id} ({job.state})", f"scancel --batch --signal=INT {job.id}") for job in queued]
    for where, command in here:
        raise HandgradError(
            f"{folder}: snakemake is running here{where}; wait for its end, or end it with {command}, and try again"
        )


def require_unlocked(folder: Path) -> None:
    """Raise HandgradError if a Snakemake is running in the folder, here or, by its lock, elsewhere."""
    require_idle(folder)
    if locks := locks_of(folder):
        raise HandgradError(
            f"{folder}: locked by a snakemake ({', '.join(locks)}), which is running, perhaps on another "
            "machine, or was killed; wait for its end, or call handgrad recover, and try again"
        )


def locks_of(folder: Path) -> list[str]:
    """Return the names of Snakemake's locks of a folder."""
    return sorted(path.name for path in (folder / LOCKS).glob("*.lock"))


def end_submitters(folder: Path, patience: float) -> Iterator[str]:
    """End what still submits or cancels jobs for a dead main Snakemake; yields a line if there is any."""
    for path in folder.glob(_OPEN):
        path.unlink(missing_ok=True)  # so that one on another machine stops too
    return end_processes(folder, is_submitter, patience)


def unlock(folder: Path) -> Iterator[str]:
    """Remove Snakemake's locks of a folder, whichever experiment set them; yields a line if there are any."""
    if locks := locks_of(folder):
        shutil.rmtree(folder / LOCKS)  # as snakemake --unlock does, which plans the workflow before
        yield f"locks removed ({len(locks)}): {', '.join(locks)}"


def remove_parts(folder: Path) -> Iterator[str]:
    """Remove what killed writers have left of files that were to appear whole; yields a line if there are any."""
    found = sorted(path for top in RESULTS_AND_DOWNLOADS for path in (folder / top).rglob(_PART))
    for path in found:
        path.unlink(missing_ok=True)
    if found:
        yield f"unfinished files removed ({len(found)}): {', '.join(str(path.relative_to(folder)) for path in found)}"
