"""The log of a job: every line in its file, warnings and errors on the terminal too."""

import io
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from handgrad.common.errors import HandgradError
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
def job_log(path: str | Path) -> Iterator[None]:
    """Log to a file while a job runs; an error ends the process with status 1.

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
    with _ending_with_a_line(to_file, to_terminal, path):
        yield
    logger.info("done in %.1f s", time.perf_counter() - began)
    for line in unraisable.lines:  # of a job that has ended well all the same
        logger.warning("%s", line)
    to_file.close()
    if to_file.failure:
        logger.warning("%s: lines are missing (%s); all else is whole", path, to_file.failure)


@contextmanager
def _ending_with_a_line(to_file: logging.Handler, to_terminal: logging.Handler, path: str | Path) -> Iterator[None]:
    """Turn an exception into a line and an exit status."""
    try:
        with interrupted_by_signals():
            yield
    except Stopped as stopped:
        logger.warning("%s", stopped)
        sys.exit(128 + stopped.signal)
    except Interrupted as interrupted:
        logger.warning("stopped by %s; nothing of this job was kept", interrupted)
        sys.exit(128 + interrupted.signal)
    except MemoryError as error:
        logger.error(
            "not enough memory on this machine (%s): make room, use fewer hidden_units, a smaller batch_size "
            "or fewer cores, or train where there is more, and run snakemake again",
            " ".join(str(error).split()) or "how much was asked for is not known",
        )
        sys.exit(1)
    except KeyboardInterrupt:
        logger.warning("interrupted; nothing of this job was kept")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001, the last place that sees it
        if line := system_message(error) or (str(error) if isinstance(error, HandgradError) else None):
            logger.error("%s", line)
        else:
            to_file.handle(_record("an error in the program", error))
            said = f"{type(error).__name__}: {error} (an error in the program; all of it: {path})"
            to_terminal.handle(_record(said))
        sys.exit(1)


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


def _record(message: str, error: Exception | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logger.makeRecord(logger.name, logging.ERROR, __file__, 0, message, (), trace)


def replacing_what_cannot_be_encoded(stream: TextIO) -> TextIO:
    """A text stream that writes what its encoding lacks as an escape, in place of an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
