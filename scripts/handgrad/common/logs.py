"""The log of a job: every line in its file, warnings and errors on the terminal too, its state as data beside it."""

import io
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import Interrupted, Stopped, interrupted_by_signals
from handgrad.common.system_errors import system_message

logger = logging.getLogger("handgrad")


class _LogFile(logging.FileHandler):
    """A log whose disk may fill up: the job goes on, and ``failure`` says why lines are missing."""

    failure: BaseException | None = None

    def handleError(self, _: logging.LogRecord) -> None:
        self.failure = self.failure or sys.exc_info()[1]

    def close(self) -> None:
        with suppress(OSError):  # of a line that was not written
            super().close()


@contextmanager
def job_log(path: str | Path) -> Iterator[ProgressFile]:
    """Log to a file while a job runs; yields its progress file. An error ends the process with status 1.

    A HandgradError, and what the operating system refuses, is one line, in the file and on the terminal. Any
    other exception is a fault of the program: its traceback goes to the file, its last line and the file's
    name to the terminal. Work that a signal has stopped ends with the status that shells give to it, 128 and
    the signal's number.
    """
    logging.raiseExceptions = False  # what a terminal that is gone does not take is dropped
    to_terminal = logging.StreamHandler(replacing_what_cannot_be_encoded(sys.stderr))
    to_terminal.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers = [to_terminal]
    logger.setLevel(logging.INFO)
    began = time.perf_counter()
    try:
        to_file = _LogFile(path, mode="w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        logger.error("%s", system_message(error))
        sys.exit(1)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root.handlers.insert(0, to_file)
    with _recording_its_end(path) as progress:
        yield progress
    logger.info("done in %.1f s", time.perf_counter() - began)
    to_file.close()
    if to_file.failure:
        logger.warning("%s: lines are missing (%s); all else is whole", path, to_file.failure)


@contextmanager
def _recording_its_end(log: str | Path) -> Iterator[ProgressFile]:
    """Write how a job begins and ends to its progress file; turn an exception into a line and an exit status."""
    progress = ProgressFile(log)
    progress.write("started", host=socket.gethostname(), pid=os.getpid(), slurm_job=os.environ.get("SLURM_JOB_ID"))
    try:
        with interrupted_by_signals():
            yield progress
        progress.write("finished")
    except (Exception, KeyboardInterrupt, Interrupted) as error:  # noqa: BLE001, the last place that sees it
        event, message, status = _ending(error, log)
        logger.log(logging.WARNING if event == "stopped" else logging.ERROR, "%s", message)
        progress.write(event, message=message)
        sys.exit(status)
    finally:
        progress.close()


def _ending(error: BaseException, log: str | Path) -> tuple[str, str, int]:
    """Return the event, the message and the exit status of a job that has raised an exception."""
    if isinstance(error, Stopped):
        return "stopped", str(error), 128 + error.signal
    if isinstance(error, Interrupted):
        return "stopped", f"stopped by {error}; nothing of this job was kept", 128 + error.signal
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "interrupted; nothing of this job was kept", 130
    if isinstance(error, MemoryError):
        asked = " ".join(str(error).split()) or "how much was asked for is not known"
        message = (
            f"not enough memory on this machine ({asked}): make room, use fewer hidden_units, a smaller batch_size "
            "or fewer cores, or train where there is more, and run snakemake again"
        )
    elif line := system_message(error) or (str(error) if isinstance(error, HandgradError) else None):
        message = line
    else:
        logger.info("an error in the program", exc_info=error)  # for the file alone
        message = f"{type(error).__name__}: {error} (an error in the program; all of it: {log})"
    return "failed", message, 1


def replacing_what_cannot_be_encoded(stream: TextIO) -> TextIO:
    """Return a text stream that writes what its encoding lacks as an escape, in place of an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
