"""Which jobs of a folder run now, by the logs that they write."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from handgrad.monitor.job_logs import last_lines
from handgrad.monitor.processes import open_files
from handgrad.monitor.slurm import SUBMITTED, Job

LOGS = Path("results/logs")
_LOG = re.compile(r"^ +log: (results/logs/\S+)", re.MULTILINE)


def running_logs(folder: Path, jobs: Iterable[Job]) -> set[Path]:
    """Return the logs of running jobs, relative to the folder: those of this machine and those within SLURM jobs."""
    return {*local_logs(folder), *slurm_logs(folder, jobs)}


def local_logs(folder: Path) -> Iterator[Path]:
    """Return the logs that processes of this machine have open."""
    logs = (folder / LOGS).resolve()
    return (LOGS / path.relative_to(logs) for path in open_files(folder) if path.is_relative_to(logs))


def slurm_logs(folder: Path, jobs: Iterable[Job]) -> Iterator[Path]:
    """Return the logs of the steps that SLURM jobs have begun and not yet ended."""
    for job in jobs:
        with suppress(OSError):
            text = (folder / SUBMITTED / f"{job.id}.log").read_text(encoding="utf-8", errors="replace")
            logs = map(Path, _LOG.findall(text))
            yield from (log for log in logs if (folder / log).exists() and not has_ended(folder / log))


def has_ended(log: Path) -> bool:
    """Return whether a job's log has its last line."""
    lines = last_lines(log)
    return bool(lines) and (lines[-1].ended or lines[-1].level == "ERROR")
