"""Files that appear whole or not at all.

So nobody ever reads a file that somebody writes, and HDF5 files are opened without the locks that shared file
systems often refuse.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success move it into place in one step.

    The temporary name is unique, so two writers of one file never mix their output: the last one to
    finish wins, whole. After an exception the temporary file is gone and ``path`` is as it was. The content
    is on disk before the name is, so that a machine that fails leaves the old file or the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp makes files that only their owner reads; a result is read by whom the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # that of a full disk names no file
        raise
    finally:
        part.unlink(missing_ok=True)
