"""The progress of a job as data: one JSON object a line, in a file beside the job's log.

Every line has ``event`` (``started``, ``epoch``, ``finished``, ``failed`` or ``stopped``) and ``time``, in seconds
since 1970 by the clock of the job's machine. ``started`` adds where the job runs, ``failed`` and ``stopped`` a
message. ``epoch`` adds the epochs that have passed and their total, ``resumed``, how many of them an earlier
attempt has begun, the seconds that the others have taken, and the number of training examples.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SUFFIX = ".jsonl"


def progress_path(log: str | Path) -> Path:
    """Return where the progress of the job with this log is."""
    return Path(log).with_suffix(SUFFIX)


class ProgressFile:
    """Writes the events of one attempt at a job, each at once; None writes nothing.

    What cannot be written is dropped, since a full disk or a folder that is read-only must not end a run.
    """

    def __init__(self, log: str | Path | None) -> None:
        self._file: int | None = None
        if log is not None:
            path = progress_path(log)
            with suppress(OSError):
                path.unlink(missing_ok=True)  # and not emptied: a lost earlier attempt may still write to it
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def write(self, event: str, **facts: Any) -> None:
        """Append an event."""
        if self._file is not None:
            line = json.dumps({"event": event, "time": time.time(), **facts})
            with suppress(OSError):
                os.write(self._file, f"{line}\n".encode())

    def close(self) -> None:
        """Let the file go; later events are dropped."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
