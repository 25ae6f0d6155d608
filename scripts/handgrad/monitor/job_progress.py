"""Read the progress of a job from its progress file."""

import json
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from handgrad.common.formatting import duration_text
from handgrad.common.progress_file import progress_path

#: bytes to read at the end of a file, enough for many events
END = 8192


@dataclass(frozen=True)
class JobProgress:
    """The progress of the last attempt of a job (see ``common.progress_file``). event, time: of the last line."""

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
    run: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether the attempt has ended, with or without success."""
        return self.event not in ("started", "epoch")

    @property
    def share(self) -> float:
        """The finished share of the epochs that this attempt must compute, from 0 to 1."""
        return max(0, self.epoch - self.resumed) / max(1, self.epochs - self.resumed)

    @property
    def an_epoch(self) -> float | None:
        """The mean seconds of an epoch of this attempt; None before its first epoch ends."""
        return self.seconds / (self.epoch - self.resumed) if self.seconds else None

    def left(self, now: float) -> float | None:
        """Return the remaining seconds, from the mean time of an epoch; None before the first epoch ends."""
        return max(0.0, self.an_epoch * (self.epochs - self.epoch) - (now - self.time)) if self.an_epoch else None

    def position(self, now: float) -> str:
        """Return a description of the progress; empty for a job without finished epochs."""
        left = self.left(now)
        if left is not None:
            return f"epoch {self.epoch} of {self.epochs}, {duration_text(left)} left"
        return f"continues after epoch {self.epoch} of {self.epochs}" if self.resumed else ""


def read_progress(log: Path) -> JobProgress | None:
    """Return the progress of the job with this log; None if the job has not started.

    Snakemake removes the log before a job starts, but not the progress file. A progress file without a log is
    therefore from an earlier attempt.
    """
    try:
        with progress_path(log).open("rb") as file:
            first = [file.readline(), file.readline()]  # the start, and the first epoch with the run
            file.seek(max(file.tell(), progress_path(log).stat().st_size - END))
            lines = [*first, *file.readlines()]
        begun = log.exists()
    except OSError:
        return None
    facts: dict[str, Any] = {}
    for line in lines:
        with suppress(ValueError, TypeError):  # the first and the last line may be incomplete
            facts |= json.loads(line)
    found = {field.name: facts[field.name] for field in fields(JobProgress) if field.name in facts}
    return JobProgress(**found) if begun and {"event", "time"} <= found.keys() else None
