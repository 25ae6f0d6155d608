"""Errors of the operating system as one-line messages: the file, the reason and what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError

_AGAIN = "then run the same command again; finished work is kept"

#: errors that do not depend on the content of a file, and what to do about them
REFUSALS = {
    errno.ENOSPC: "free space on this disk",
    errno.EDQUOT: "free space within your quota, or increase the quota",
    errno.EFBIG: "increase the limit on file sizes (ulimit -f), or use another file system",
    errno.EROFS: "use a folder with write access",
    errno.EACCES: "correct the permissions or the owner of this file or of its parent folders",
    errno.EPERM: "correct the permissions or the owner of this file or of its parent folders",
    errno.EIO: "check the disk or the file server",
    errno.ESTALE: "check the disk or the file server",
    errno.EMFILE: "increase the limit on open files (ulimit -n), or use fewer cores",
    errno.ENFILE: "close other programs, or use fewer cores",
}
#: the temporary name that ``atomic`` gives to a file
_PART = re.compile(r"\.([^/]+)\.[^./]{8}\.part$")


def system_message(error: BaseException) -> str | None:
    """Return the message for an error of the system, or for a HandgradError that it caused; otherwise None.

    The message replaces that of the HandgradError: a reader that cannot open a file cannot know whether it is damaged.
    """
    cause = error.__cause__
    if isinstance(error, HandgradError):
        return refusal(cause) if isinstance(cause, OSError) and cause.errno in REFUSALS else None
    return refusal(error)


def refusal(error: BaseException) -> str | None:
    """Return ``FILE: Permission denied; what to do`` for an error of the system; None for any other error."""
    if not isinstance(error, OSError) or not error.errno:
        return None
    name = " ".join(str(error.filename or "a file").removeprefix(f"{Path.cwd()}/").splitlines())
    remedy = REFUSALS.get(error.errno, "check this file and its parent folders")
    whole = _PART.sub(r"\1", name)
    return f"{whole}: {os.strerror(error.errno)}; {remedy}; {_AGAIN}"


def unreadable(error: OSError, path: object) -> HandgradError:
    """Return the error for a file that the system cannot read. The file itself may be intact."""
    error.filename = error.filename or str(path)  # a disk error names no file
    return HandgradError(refusal(error) or f"{path}: cannot be read ({error})")


@contextmanager
def reading_result(path: str | Path, absent: str = "run snakemake again") -> Iterator[None]:
    """Turn an OSError into a HandgradError while a file of ``results/`` is read.

    absent: what to do if the file does not exist.
    """
    try:
        yield
    except FileNotFoundError:
        raise HandgradError(f"{path}: does not exist; {absent}") from None
    except IsADirectoryError:
        raise HandgradError(f"{path}: is a folder, expected a file; {REMEDY}") from None
    except OSError as error:
        raise unreadable(error, path) from error
