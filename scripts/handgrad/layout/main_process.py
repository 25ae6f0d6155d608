"""Checks and settings of the main process of a workflow; jobs skip them."""

import errno
import functools
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.logs import replacing_what_cannot_be_encoded
from handgrad.common.signals import handle

#: the folders to which jobs write; WRITTEN adds the folder of Snakemake
RESULTS_AND_DOWNLOADS = (Path("results"), Path("resources"))
WRITTEN = (Path(".snakemake"), *RESULTS_AND_DOWNLOADS)
#: nanoseconds between two dates; Snakemake compares dates as floating point, so smaller steps could be lost
STEP = 1_000_000
#: options with which Snakemake only reads results; the results may belong to another user
LOOKS = frozenset({"--summary", "-S", "--detailed-summary", "-D", "--dag", "--rulegraph", "--filegraph"})


def prepare_main_process(arguments: Sequence[str], *, dry: bool, files: Iterable[str]) -> None:
    """Prepare the main process: set up logging and the SIGHUP handler, then check folders and files.

    On a full disk, Snakemake's log handlers print no traceback. The terminal shows characters outside its encoding as
    escapes. If the terminal is closed, this process and its jobs stop cleanly.
    arguments: the command line of Snakemake. dry: whether it is a dry run. files: results that Snakemake reads.
    Raises HandgradError or OSError if Snakemake cannot work in this folder or cannot read a file.
    """
    logging.raiseExceptions = False
    for stream in (sys.stdout, sys.stderr):
        replacing_what_cannot_be_encoded(stream)
    if threading.current_thread() is threading.main_thread():  # Python requires this for signal handlers
        end_tree_at_hangup()
    require_path(Path.cwd())
    require_path(PROJECT)
    require_writable(arguments, dry=dry)
    require_readable(files)


def end_tree_at_hangup() -> None:
    """Install a handler: the first SIGHUP goes to all jobs and then ends this process, like Ctrl-C.

    A closed terminal sends SIGHUP to all its processes. ``kill -HUP`` sends it only to one.
    """
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:  # the shell may send a second SIGHUP, which must not interrupt the first handler
            return
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.send_signal(number)
        raise SystemExit(128 + number)

    handle((signal.SIGHUP,), end)


@functools.cache
def warn_once(logger: logging.Logger, text: str) -> None:
    """Log a warning once. Snakemake parses a module again for each ``use rule``."""
    logger.warning(text)


def require_path(folder: Path) -> None:
    """Raise HandgradError if the path of a folder contains a brace; Snakemake cannot run scripts there."""
    if "{" in str(folder) or "}" in str(folder):
        raise HandgradError(
            f"{folder}: the path contains a brace, which Snakemake reads as a wildcard, so scripts cannot run; "
            "rename the folder, or move the project to another folder"
        )


def require_writable(arguments: Sequence[str], *, dry: bool) -> None:
    """Raise OSError if Snakemake, with these arguments, cannot write to its folders.

    Without this check, Snakemake would fail with a traceback, possibly after other jobs have finished.
    """
    looks = dry or not LOOKS.isdisjoint(arguments)
    for folder in WRITTEN:
        written = not looks or folder == WRITTEN[0]
        existing = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        # the deepest folders are those of searches: results/<experiment>/search/<block>/<dataset>/<rung>/
        patterns = ("*/" * depth for depth in range(1, 6))
        inside = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if written]
        for path in (existing, *inside):
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "", str(path))
            if not os.access(path, os.R_OK | os.X_OK | (os.W_OK if written else 0)):
                raise PermissionError(errno.EACCES, "", str(path))


def require_readable(files: Iterable[str]) -> None:
    """Raise OSError if one of these files exists and cannot be read.

    Snakemake reads small files to compare checksums. Without this check, it would fail with a traceback.
    """
    for file in filter(os.path.exists, files):
        if not os.access(file, os.R_OK):
            raise PermissionError(errno.EACCES, "", file)


def date_now(paths: Iterable[str | Path]) -> list[Path]:
    """Set modification times in the future to now, keep their order, and return the changed files.

    The clock of another machine, or a copy, may cause such times. Snakemake deletes the output of a job if an input is
    newer. Jobs with such an input would therefore fail until that time. Raises HandgradError if the modification time
    cannot be set.
    """
    now = time.time_ns()
    existing = [path for path in map(Path, paths) if path.exists()]
    found = {path: modified for path in existing if (modified := path.stat().st_mtime_ns) > now}
    order = sorted(set(found.values()), reverse=True)
    for path, modified in found.items():
        date = now - STEP * order.index(modified)
        try:
            os.utime(path, ns=(date, date))
        except OSError as error:
            hours = (modified - now) / 3.6e12
            raise HandgradError(
                f"{path}: dated {hours:.1f} hours in the future, so Snakemake deletes files made from it, and the date "
                f"cannot be changed ({error.strerror}); ask the owner of the file to run touch on it, or work in a "
                "copy of the folder"
            ) from error
    return sorted(found)
