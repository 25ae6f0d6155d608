"""The log of a job: every line in its file, warnings and errors on the terminal too, its state as data beside it."""

import io
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from handgrad.common.errors import HandgradError
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import Interrupted, Stopped, interrupted_by_signals
from handgrad.common.system_errors import refusal, system_message

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

logger = logging.getLogger("handgrad")


class _LogFile(logging.FileHandler):
    """A log whose disk may fill up: the job goes on, and ``failure`` says why lines are missing."""

    failure: BaseException | None = None

    def handleError(self, _: logging.LogRecord) -> None:
        self.failure = self.failure or sys.exc_info()[1]

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:
            self.failure = self.failure or error


class _Terminal(logging.StreamHandler[TextIO]):
    """A terminal that may be gone: what it does not take is dropped."""

    def handleError(self, _: logging.LogRecord) -> None:
        pass


@contextmanager
def job_log(path: str | Path) -> Iterator[ProgressFile]:
    """Log to a file while a job runs; yields its progress file. An error ends the process with status 1.

    A HandgradError, and what the operating system refuses, is one line, in the file and on the terminal. Any
    other exception is a fault of the program: its traceback goes to the file, its last line and the file's
    name to the terminal. Work that a signal has stopped ends with the status that shells give to it, 128 and
    the signal's number.
    """
    to_terminal = _Terminal(replacing_what_cannot_be_encoded(sys.stderr))
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers = [to_terminal]
    logger.setLevel(logging.INFO)
    unraisable = _Unraisable()
    sys.unraisablehook, sys.excepthook = unraisable.ignored, unraisable.printed
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
    for line in unraisable.lines:  # of a job that has ended well all the same
        logger.warning("%s", line)
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


class _Unraisable:
    """Logs what HDF5 reports for each of its objects on a full disk, after the error of the job itself.

    Cython prints an error that it cannot raise twice: as one that nobody caught, and as one ignored.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def ignored(self, args: "UnraisableHookArgs", /) -> None:
        if not self._taken(args.exc_value):
            sys.__unraisablehook__(args)

    def printed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None, /) -> None:
        if not self._taken(error):
            sys.__excepthook__(kind, error, trace)

    def _taken(self, error: BaseException | None) -> bool:
        line = refusal(error) if error else None
        if line and line not in self.lines:
            self.lines.append(line)
            logger.info("%s", line)
        return bool(line)


def replacing_what_cannot_be_encoded(stream: TextIO) -> TextIO:
    """Return a text stream that writes what its encoding lacks as an escape, in place of an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
