"""What the operating system refuses, as one line for people: the file, the reason and what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError

_AGAIN = "then give the same command again, which keeps what is finished"
_PERMISSION = f"change its permissions, its owner, or those of a folder on its path; {_AGAIN}"
_IN_THE_WAY = f"move away what is there in place of a folder; {_AGAIN}"

#: errors that say nothing about what a file holds, and what a person can do
REFUSALS = {
    errno.ENOSPC: f"make room there; {_AGAIN}",
    errno.EDQUOT: f"make room within your quota, or get a larger one; {_AGAIN}",
    errno.EFBIG: f"raise the limit on the size of files (ulimit -f), or use another file system; {_AGAIN}",
    errno.EROFS: f"mount it for writing, or work in a folder that can be written to; {_AGAIN}",
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EIO: f"check the disk or its file server; {_AGAIN}",
    errno.ESTALE: f"check the file server; {_AGAIN}",
    errno.EMFILE: f"raise the limit on open files (ulimit -n), or use fewer cores; {_AGAIN}",
    errno.ENFILE: f"close other programs, or use fewer cores; {_AGAIN}",
}
#: further ones, where it is a file or a folder that is not what it should be
_OTHERS = {
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.EISDIR: f"move away the folder that is there in place of a file; {_AGAIN}",
    errno.ELOOP: f"remove the link that leads to itself; {_AGAIN}",
}
#: how HDF5 names, within a message, the number of an error and the file
_NUMBER = re.compile(r"\berrno = (\d+)")
_NAME = re.compile(r"\b(?:file)?name = '([^']+)'")
#: what ``atomic`` calls a file until it is whole
_PART = re.compile(r"\.([^/]+)\.[^./]{8}\.part$")


def system_message(error: BaseException) -> str | None:
    """The line for an error of the system, or for an error of ours that such a one has caused; else None.

    A reader that cannot open a file cannot know whether it is whole, so what it says of it does not count.
    """
    cause = error.__cause__
    if isinstance(error, HandgradError):
        refused = isinstance(cause, OSError | RuntimeError) and _number(cause) in REFUSALS
        return refusal(cause) if cause and refused else None
    return refusal(error)


def refusal(error: BaseException) -> str | None:
    """The line for an error of the system: ``FILE: Permission denied; what to do``; None for other errors."""
    number = _number(error)
    if not number:
        return None
    remedy = (REFUSALS | _OTHERS).get(number, f"check it; {_AGAIN}")
    return f"{_file(error)}: {os.strerror(number)}; {remedy}"


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


def _file(error: BaseException) -> str:
    named = getattr(error, "filename", None) or (_NAME.search(str(error)) or ["", "a file"])[1]
    name = os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else str(named)
    return _PART.sub(r"\1", " ".join(name.removeprefix(f"{Path.cwd()}/").splitlines()))


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _NUMBER.search(str(error)) if isinstance(error, OSError | RuntimeError) else None
    return int(found[1]) if found else None
