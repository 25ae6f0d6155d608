"""What the operating system refuses, as one line for people: the file, the reason and what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError

_AGAIN = "then give the same command again, which keeps what is finished"

#: errors that say nothing about what a file holds, and what a person can do
REFUSALS = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room within your quota, or get a larger one",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or use another file system",
    errno.EROFS: "work in a folder that can be written to",
    errno.EACCES: "change its permissions, its owner, or those of a folder on its path",
    errno.EPERM: "change its permissions, its owner, or those of a folder on its path",
    errno.EIO: "check the disk or its file server",
    errno.ESTALE: "check the disk or its file server",
    errno.EMFILE: "raise the limit on open files (ulimit -n), or use fewer cores",
    errno.ENFILE: "close other programs, or use fewer cores",
}
#: what ``atomic`` calls a file until it is whole
_PART = re.compile(r"\.([^/]+)\.[^./]{8}\.part$")


def system_message(error: BaseException) -> str | None:
    """The line for an error of the system, or for an error of ours that such a one has caused; else None.

    A reader that cannot open a file cannot know whether it is whole, so what it says of it does not count.
    """
    cause = error.__cause__
    if isinstance(error, HandgradError):
        return refusal(cause) if isinstance(cause, OSError) and cause.errno in REFUSALS else None
    return refusal(error)


def refusal(error: BaseException) -> str | None:
    """The line for an error of the system: ``FILE: Permission denied; what to do``; None for other errors."""
    if not isinstance(error, OSError) or not error.errno:
        return None
    name = " ".join(str(error.filename or "a file").removeprefix(f"{Path.cwd()}/").splitlines())
    remedy = REFUSALS.get(error.errno, "check it and the folders on its path")
    whole = _PART.sub(r"\1", name)
    return f"{whole}: {os.strerror(error.errno)}; {remedy}; {_AGAIN}"


def unreadable(error: OSError, path: object) -> HandgradError:
    """The error to raise where the system does not let a file be read, which may be good."""
    error.filename = error.filename or str(path)  # an error of the disk names no file
    return HandgradError(refusal(error) or f"{path}: cannot be read ({error})")


@contextmanager
def reading_result(path: str | Path, absent: str = "run snakemake again") -> Iterator[None]:
    """Turn an OSError into a HandgradError while a file of ``results/`` is read.

    absent: what to do if the file is not there.
    """
    try:
        yield
    except FileNotFoundError:
        raise HandgradError(f"{path}: is not there; {absent}") from None
    except IsADirectoryError:
        raise HandgradError(f"{path}: is a folder, expected a file; {REMEDY}") from None
    except OSError as error:
        raise unreadable(error, path) from error
