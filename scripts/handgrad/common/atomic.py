"""Files that appear whole or not at all.

So nobody ever reads a file that somebody writes, and HDF5 files are opened without the locks that shared file
systems often refuse.
"""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

_NOT_SUPPORTED = (
    *(errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL),
    *(errno.ENOLCK, errno.ENOTTY),
)


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success move it into place in one step.

    The temporary name is unique, so two writers of one file never mix their output: the last one to
    finish wins, whole. After an exception the temporary file is gone and ``path`` is as it was. The content
    is on disk before the name is, so that a machine that fails leaves the old file or the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _new_part(path)
    try:
        yield part
        put_in_place(part, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # that of a full disk names no file
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def partial_file(path: Path) -> Iterator[tuple[Path, BufferedRandom]]:
    """Yield the path of a file beside ``path``, and the file, open to append to what earlier calls left.

    It is kept, unless it is empty or was put in place. While another process has it, a new file is yielded,
    which is not kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.partial")
    with part.open("a+b") as file:
        if _is_ours(part, file):
            file.seek(0)
            try:
                yield part, file
            finally:
                if not file.tell():
                    part.unlink(missing_ok=True)
            return
    part = _new_part(path)
    try:
        with part.open("a+b") as file:
            yield part, file
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Give a file that was written whole its name.

    File systems without a way to flush a file (some network and FUSE shares) refuse that, which does no harm: the
    content was written. A full disk, which some report only now, is an error.
    """
    with part.open("rb") as written, _if_supported():
        os.fsync(written.fileno())
    part.replace(path)


@contextmanager
def _if_supported() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise


def _new_part(path: Path) -> Path:
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    part.touch(exist_ok=False)
    return part


def _is_ours(part: Path, file: BufferedRandom) -> bool:
    """Lock a file; False if another process has locked it, or has put it in place meanwhile.

    Where there are no locks nobody else is expected, since Snakemake locks its folder.
    """
    try:
        with _if_supported():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(part.stat(), os.fstat(file.fileno()))
    except (BlockingIOError, FileNotFoundError):
        return False
