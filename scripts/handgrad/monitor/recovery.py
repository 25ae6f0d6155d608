"""Clean up after the main Snakemake was killed, so that the next one can complete the experiment.

A killed Snakemake may leave running SLURM jobs, a job that is being submitted, and running local scripts. Files and
processes of other directories, users or workflows are not changed.
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

PATIENCE = 120.0  # timeout in seconds for jobs to end; SLURM gives a job KillWait (default 30 s) to save its checkpoint

_PART = ".*.????????.part"  # incomplete files of handgrad.common.atomic
LOCKS = ".snakemake/locks"  # Snakemake's lock files
_OPEN = ".snakemake/slurm_open.*"  # exists while jobs may be submitted


def recover(folder: Path, patience: float = PATIENCE) -> Iterator[str]:
    """Recover the workflow in a folder; yield one line for each action. Repeated calls are safe.

    patience: timeout in seconds. Raises HandgradError if Snakemake is running there, or if jobs do not end before the
    timeout.
    """
    require_idle(folder)
    yield f"{folder}: no snakemake is running here on {platform.node()}; other machines cannot be checked"
    if reason := why_no_slurm(folder):
        yield f"SLURM jobs were not checked: {reason}"
    said = (
        "Nothing to recover.",
        "Recovered. Now run the same snakemake command again (on a cluster: snakemake --workflow-profile "
        "profiles/slurm). It keeps finished results and completes the rest.",
    )
    recovered = False
    for line in chain(
        end_submitters(folder, patience),  # first, because they submit more jobs
        () if reason else cancel_jobs(folder, patience),
        end_processes(folder, is_job, patience),
        unlock(folder),
        remove_parts(folder),
    ):
        recovered = True
        yield line
    yield said[recovered]


def require_idle(folder: Path) -> None:
    """Raise HandgradError if a main Snakemake is running in a folder, on this machine or as a SLURM job."""
    here = [(f", process {process.pid}", f"kill -INT {process.pid}") for process in main_processes(folder)]
    queued = [job for job in jobs_of_folder(folder) if job.name == MAIN]
    here += [(f" as SLURM job {job.id} ({job.state})", f"scancel --batch --signal=INT {job.id}") for job in queued]
    for where, command in here:
        raise HandgradError(
            f"{folder}: snakemake is running here{where}; wait until it ends, or end it with {command}, then retry"
        )


def require_unlocked(folder: Path) -> None:
    """Raise HandgradError if a main Snakemake is running in a folder, or if the folder is locked."""
    require_idle(folder)
    if locks := locks_of(folder):
        raise HandgradError(
            f"{folder}: locked by a snakemake ({', '.join(locks)}), which was killed or is running, perhaps on another "
            "machine; wait until it ends, or run handgrad recover, then retry"
        )


def locks_of(folder: Path) -> list[str]:
    """Return the names of Snakemake's lock files in a folder."""
    return sorted(path.name for path in (folder / LOCKS).glob("*.lock"))


def end_submitters(folder: Path, patience: float) -> Iterator[str]:
    """End the processes that submit or cancel jobs for a killed Snakemake; yield one line if there are any."""
    for path in folder.glob(_OPEN):
        path.unlink(missing_ok=True)  # stops such processes on other machines too
    return end_processes(folder, is_submitter, patience)


def unlock(folder: Path) -> Iterator[str]:
    """Remove all Snakemake locks of a folder; yield one line if there are any."""
    if locks := locks_of(folder):
        shutil.rmtree(folder / LOCKS)  # like snakemake --unlock, but without planning the workflow first
        yield f"locks removed ({len(locks)}): {', '.join(locks)}"


def remove_parts(folder: Path) -> Iterator[str]:
    """Remove the incomplete files that killed jobs left; yield one line if there are any."""
    found = sorted(path for top in RESULTS_AND_DOWNLOADS for path in (folder / top).rglob(_PART))
    for path in found:
        path.unlink(missing_ok=True)
    if found:
        yield f"unfinished files removed ({len(found)}): {', '.join(str(path.relative_to(folder)) for path in found)}"
