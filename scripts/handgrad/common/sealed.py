"""HDF5 files that contain the sha256 of their content, so that HDF5 never parses a damaged file.

The first 512 bytes of a file are a user block, which HDF5 ignores. It holds one line with the sha256 of the rest of the
file, followed by zeros. Before a reader opens the file, it compares this sha256 with the content.
"""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py

from handgrad.common.atomic import whole_file
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.system_errors import reading_result

BLOCK = 512
MAGIC = b"handgrad-sealed-1 sha256 "


@dataclass(frozen=True)
class Sealed:
    """An open file with a verified checksum. seal: the sha256 in its user block."""

    file: h5py.File
    seal: str


@contextmanager
def sealed_file(path: str | Path, libver: str | None = None) -> Iterator[h5py.File]:
    """Yield an HDF5 file in memory; on success, seal it and write it to the path in one step.

    HDF5 itself does not write to the disk: on a full disk, it reports an error for each object and crashes at exit.
    """
    memory = io.BytesIO()
    with h5py.File(memory, "w", locking=False, userblock_size=BLOCK, libver=libver) as file:
        yield file
    # If the disk is full, Python 3.12 crashes when it removes a buffer that is still in use.
    with memory.getbuffer() as buffer, buffer[BLOCK:] as content, whole_file(path) as part, part.open("wb") as written:
        written.writelines((_block(hashlib.sha256(content).hexdigest()), content))


def _block(sha256: str) -> bytes:
    return (MAGIC + sha256.encode() + b"\n").ljust(BLOCK, b"\0")


@contextmanager
def open_sealed(path: str | Path) -> Iterator[Sealed]:
    """Verify the checksum of an HDF5 file that ``sealed_file`` wrote, and open it for reading.

    Raises HandgradError if the file cannot be read, has no seal, or was changed.
    """
    with _open(path) as file:
        with reading_result(path):
            found = file.read(BLOCK)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if found != _block(sha256):
            reason = (
                "changed after it was written"
                if found.startswith(MAGIC)
                else "written by a different version or program"
            )
            raise HandgradError(f"{path}: its checksum does not match its content (damaged, or {reason}); {REMEDY}")
        # Opened by its path, because HDF5 reads three times slower through a Python file object.
        with h5py.File(path, "r", locking=False) as content:
            if not os.path.samestat(os.fstat(file.fileno()), Path(path).stat()):
                raise HandgradError(f"{path}: was replaced while it was read; run snakemake again")
            yield Sealed(content, sha256)


def _open(path: str | Path) -> io.BufferedReader:
    with reading_result(path):
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise HandgradError(f"{path}: is not a file; {REMEDY}")
        return Path(path).open("rb")
