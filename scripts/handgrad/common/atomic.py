"""Write files atomically: a file appears complete, or not at all.

No process ever reads an incomplete file. HDF5 files can therefore be opened without locks, which shared file systems
often do not support.
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
    """Yield a temporary path in the folder of ``path``; on success, rename it to ``path`` in one step.

    The temporary name is unique, so two writers of one file never mix their output: the last one to finish overwrites
    the file. After an exception, the temporary file is deleted and ``path`` is unchanged. The content is on disk
    before the file is renamed, so a crash of the machine leaves either the old file or the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _new_part(path)
    try:
        yield part
        put_in_place(part, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # the error of a full disk names no file
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def partial_file(path: Path) -> Iterator[tuple[Path, BufferedRandom]]:
    """Yield a partial file in the folder of ``path``: its path, and the file opened for appending.

    A later call for the same ``path`` gets the same file, unless the file is empty or was renamed to ``path``. While
    another process uses the file, this function yields a new file instead, and deletes the new file at the end.
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
    """Flush a complete file to disk and rename it to ``path``.

    Some network and FUSE file systems do not support the flush. This is ignored, because the content was already
    written. Some file systems report a full disk only at the flush; this is an error.
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
    """Lock a file; return False if another process has locked it, or has renamed it in the meantime.

    If the file system does not support locks, return True, because Snakemake already locks its working directory.
    """
    try:
        with _if_supported():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(part.stat(), os.fstat(file.fileno()))
    except (BlockingIOError, FileNotFoundError):
        return False
