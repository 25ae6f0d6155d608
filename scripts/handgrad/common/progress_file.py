"""The progress file of a job: one JSON object a line, in a file next to the log of the job.

Every line has an ``event`` (``started``, ``epoch``, ``finished``, ``failed`` or ``stopped``) and a ``time``, in seconds
since 1970 by the clock of the job's machine. ``started`` adds ``host``, ``pid`` and ``slurm_job``. ``failed`` and
``stopped`` add a ``message``. ``epoch`` adds:

- ``epoch`` and ``epochs``: the number of completed epochs, and of all epochs of the run.
- ``resumed``: the number of epochs that earlier attempts completed or began.
- ``seconds``: the time that this attempt took for all later epochs.
- ``examples``: the number of training examples.
- ``run``: every axis of the run, in the first ``epoch`` of an attempt.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SUFFIX = ".jsonl"


def progress_path(log: str | Path) -> Path:
    """Return the path of the progress file of the job with this log."""
    return Path(log).with_suffix(SUFFIX)


class ProgressFile:
    """Writes the events of one attempt of a job immediately. log: None writes nothing.

    Errors are ignored, because a full disk or a read-only folder must not end a run.
    """

    def __init__(self, log: str | Path | None) -> None:
        self._file: int | None = None
        if log is not None:
            path = progress_path(log)
            with suppress(OSError):
                path.unlink(missing_ok=True)  # not truncated, because an earlier attempt may still write to it
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def write(self, event: str, **facts: Any) -> None:
        """Append an event."""
        if self._file is not None:
            line = json.dumps({"event": event, "time": time.time(), **facts})
            with suppress(OSError):
                os.write(self._file, f"{line}\n".encode())

    def close(self) -> None:
        """Close the file. Later events are ignored."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
