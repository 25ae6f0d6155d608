"""Reading how far a job is, from its progress file."""

import json
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from handgrad.common.formatting import duration_text
from handgrad.common.progress_file import progress_path

#: bytes of a file's end that are read, enough for many events
END = 8192


@dataclass(frozen=True)
class JobProgress:
    """What the last attempt at a job has written; see ``common.progress_file``. event, time: the last ones."""

    event: str
    time: float
    message: str = ""
    epoch: int = 0
    epochs: int = 0
    resumed: int = 0
    seconds: float = 0.0
    host: str = ""
    pid: int = 0
    slurm_job: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the attempt has ended, well or not."""
        return self.event not in ("started", "epoch")

    @property
    def share(self) -> float:
        """The share that is done of the epochs that this attempt has to compute."""
        return max(0, self.epoch - self.resumed) / max(1, self.epochs - self.resumed)

    @property
    def an_epoch(self) -> float | None:
        """The seconds of an epoch that this attempt has computed; None before there is any."""
        return self.seconds / (self.epoch - self.resumed) if self.seconds else None

    def left(self, now: float) -> float | None:
        """Return the seconds that are left, by the epochs that this attempt has computed; None before there is any."""
        return max(0.0, self.an_epoch * (self.epochs - self.epoch) - (now - self.time)) if self.an_epoch else None

    def position(self, now: float) -> str:
        """Return where it is, in words; nothing of a job that has no epochs, or has passed none."""
        left = self.left(now)
        if left is not None:
            return f"epoch {self.epoch} of {self.epochs}, {duration_text(left)} left"
        return f"goes on after epoch {self.epoch} of {self.epochs}" if self.resumed else ""


def read_progress(log: Path) -> JobProgress | None:
    """Return how far the job with this log is; None if it has not begun.

    Snakemake removes the log before a job starts, and not this file, which is that of an earlier attempt then.
    """
    try:
        with progress_path(log).open("rb") as file:
            first = file.readline()
            file.seek(max(file.tell(), progress_path(log).stat().st_size - END))
            lines = [first, *file.readlines()]
        begun = log.exists()
    except OSError:
        return None
    facts: dict[str, Any] = {}
    for line in lines:
        with suppress(ValueError, TypeError):  # a torn one, as the first of a file's end and the last may be
            facts |= json.loads(line)
    found = {field.name: facts[field.name] for field in fields(JobProgress) if field.name in facts}
    return JobProgress(**found) if begun and {"event", "time"} <= found.keys() else None
