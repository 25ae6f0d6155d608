"""The log of a job.

The log file gets every line. The terminal gets warnings and errors. The progress file next to the log gets events.
"""

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
    """A log file that a full disk does not stop. The job continues, and ``failure`` holds the first error."""

    failure: BaseException | None = None

    def handleError(self, _: logging.LogRecord) -> None:
        self.failure = self.failure or sys.exc_info()[1]

    def close(self) -> None:
        with suppress(OSError):  # flushing a line that could not be written
            super().close()


@contextmanager
def job_log(path: str | Path) -> Iterator[ProgressFile]:
    """Log to a file while a job runs, and yield its progress file. An error ends the process with status 1.

    A HandgradError or an error of the operating system is one line in the log and on the terminal. Any other exception
    is an error in the program: the log gets the traceback; the terminal gets the last line and the name of the log.
    After a signal, the exit status is 128 plus the number of the signal.
    """
    logging.raiseExceptions = False  # ignore errors of a closed terminal
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
        logger.warning("%s: lines are missing (%s); all other files are complete", path, to_file.failure)


@contextmanager
def _recording_its_end(log: str | Path) -> Iterator[ProgressFile]:
    """Write the start and the end of a job to its progress file; turn an exception into an exit status."""
    progress = ProgressFile(log)
    progress.write("started", host=socket.gethostname(), pid=os.getpid(), slurm_job=os.environ.get("SLURM_JOB_ID"))
    try:
        with interrupted_by_signals():
            yield progress
        progress.write("finished")
    except (Exception, KeyboardInterrupt, Interrupted) as error:  # noqa: BLE001, no caller can handle it
        event, message, status = _ending(error, log)
        logger.log(logging.WARNING if event == "stopped" else logging.ERROR, "%s", message)
        progress.write(event, message=message)
        sys.exit(status)
    finally:
        progress.close()


def _ending(error: BaseException, log: str | Path) -> tuple[str, str, int]:
    """Return the event, the message and the exit status for an exception."""
    if isinstance(error, Stopped):
        return "stopped", str(error), 128 + error.signal
    if isinstance(error, Interrupted):
        return "stopped", f"stopped by {error}; the partial results of this job were discarded", 128 + error.signal
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "interrupted; the partial results of this job were discarded", 130
    if isinstance(error, MemoryError):
        asked = " ".join(str(error).split()) or "requested size unknown"
        message = (
            f"not enough memory on this machine ({asked}); free memory, use fewer hidden_units, a smaller batch_size "
            "or fewer cores, or use a machine with more memory, then run snakemake again"
        )
    elif line := system_message(error) or (str(error) if isinstance(error, HandgradError) else None):
        message = line
    else:
        logger.info("an error in the program", exc_info=error)  # only in the log file
        message = f"{type(error).__name__}: {error} (an error in the program; the traceback is in {log})"
    return "failed", message, 1


def replacing_what_cannot_be_encoded(stream: TextIO) -> TextIO:
    """Make a text stream write characters that its encoding lacks as escapes, and return it."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
