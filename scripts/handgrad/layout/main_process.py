"""What the main process of a workflow takes care of, and no job does."""

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

#: the folders that jobs write to, and with them those that Snakemake writes to
RESULTS_AND_DOWNLOADS = (Path("results"), Path("resources"))
WRITTEN = (Path(".snakemake"), *RESULTS_AND_DOWNLOADS)
#: nanoseconds; a millisecond keeps apart what Snakemake compares as floating point
STEP = 1_000_000
#: what Snakemake is called with to look at results and not to make any, which may be somebody else's
LOOKS = frozenset({"--summary", "-S", "--detailed-summary", "-D", "--dag", "--rulegraph", "--filegraph"})


def prepare_main_process(arguments: Sequence[str], *, dry: bool, files: Iterable[str]) -> None:
    """From now on, a closed terminal ends this process and its jobs in an orderly way.

    On a full disk, the handlers of Snakemake's log print no traceback for each line that they cannot write. A
    terminal shows what its encoding lacks as an escape, so that no line is lost there. Raises HandgradError or OSError
    if Snakemake, called with these arguments, could not work in this folder, or not read one of the files.
    """
    logging.raiseExceptions = False
    for stream in (sys.stdout, sys.stderr):
        replacing_what_cannot_be_encoded(stream)
    if threading.current_thread() is threading.main_thread():  # Python allows signal handlers nowhere else
        end_tree_at_hangup()
    require_path(Path.cwd())
    require_path(PROJECT)
    require_writable(arguments, dry=dry)
    require_readable(files)


def end_tree_at_hangup() -> None:
    """From now on, the first SIGHUP ends this process as Ctrl-C does, and reaches all jobs.

    A terminal that is closed sends SIGHUP to each process that runs in it; ``kill -HUP`` does not.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:  # from the shell as well: the second must not end what the first has begun
            return
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.send_signal(number)
        raise SystemExit(128 + number)

    handle((signal.SIGHUP,), end)


@functools.cache
def warn_once(logger: logging.Logger, text: str) -> None:
    """Warn, but not again with the same words: a module is parsed anew for each ``use rule``."""
    logger.warning(text)


def require_path(folder: Path) -> None:
    """Raise HandgradError if Snakemake cannot run scripts in a folder with such a path."""
    if "{" in str(folder) or "}" in str(folder):
        raise HandgradError(
            f"{folder}: its path has a brace, in which Snakemake looks for a wildcard, so no script "
            "would run; rename the folder, or move the project to another one"
        )


def require_writable(arguments: Sequence[str], *, dry: bool) -> None:
    """Raise OSError if Snakemake, called with these arguments, cannot write where it must.

    It would else end with a traceback, or after the jobs that come before.
    """
    looks = dry or not LOOKS.isdisjoint(arguments)
    for folder in WRITTEN:
        written = not looks or folder == WRITTEN[0]
        there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        # as deep as the logs of a rule's jobs on a dataset
        inside = [path for pattern in ("*/", "*/*/", "*/*/*/") for path in sorted(folder.glob(pattern)) if written]
        for path in (there, *inside):
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "", str(path))
            if not os.access(path, os.R_OK | os.X_OK | (os.W_OK if written else 0)):
                raise PermissionError(errno.EACCES, "", str(path))


def require_readable(files: Iterable[str]) -> None:
    """Raise OSError if one of these files is there and cannot be read.

    Snakemake would end with a traceback, since it compares the checksums of small files.
    """
    for file in filter(os.path.exists, files):
        if not os.access(file, os.R_OK):
            raise PermissionError(errno.EACCES, "", file)


def date_now(paths: Iterable[str | Path]) -> list[Path]:
    """Date the files that are in the future to now, in the order of their dates, and return them.

    Another machine's clock, or a copy, may have dated them. Snakemake removes what a job made if one of its inputs is
    newer, so nothing could be made from such a file until its date has passed. Raises HandgradError, one line, if the
    dates cannot be set.
    """
    now = time.time_ns()
    there = [path for path in map(Path, paths) if path.exists()]
    found = {path: modified for path in there if (modified := path.stat().st_mtime_ns) > now}
    order = sorted(set(found.values()), reverse=True)
    for path, modified in found.items():
        date = now - STEP * order.index(modified)
        try:
            os.utime(path, ns=(date, date))
        except OSError as error:
            hours = (modified - now) / 3.6e12
            raise HandgradError(
                f"{path}: dated {hours:.1f} hours in the future, so Snakemake removes what is made from it, "
                f"and the date cannot be set ({error.strerror}); let the file's owner touch it, or copy the "
                "folder and work in the copy"
            ) from error
    return sorted(found)
