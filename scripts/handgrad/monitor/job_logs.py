"""What ``show_status.py`` asks of a job's log until it takes ``status.running_logs``."""

from dataclasses import dataclass
from pathlib import Path

from handgrad.monitor.job_progress import read_progress


@dataclass(frozen=True)
class Line:
    """The last event of a job."""

    ended: bool
    level: str = ""


def last_lines(log: Path) -> list[Line]:
    """Return the last event of the job with this log, if it has any."""
    progress = read_progress(log)
    return [Line(progress.ended)] if progress else []
