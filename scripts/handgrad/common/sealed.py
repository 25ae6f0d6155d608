"""HDF5 files that carry the sha256 of their content, so that HDF5 never parses a damaged one.

The first 512 bytes of a file are a user block, which HDF5 passes over: one line with the sha256 of all that
follows, then zeros. A reader compares both before it opens the file.
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
    """An open file that is as it was written. seal: the sha256 that its user block holds."""

    file: h5py.File
    seal: str


@contextmanager
def sealed_file(path: str | Path, libver: str | None = None) -> Iterator[h5py.File]:
    """Yield an HDF5 file to write to, in memory; then it appears at the path whole and sealed, or not at all.

    On a full disk HDF5 would report an error for each of its objects, and crash as the process ends.
    """
    memory = io.BytesIO()
    with h5py.File(memory, "w", locking=False, userblock_size=BLOCK, libver=libver) as file:
        yield file
    content = memory.getbuffer()[BLOCK:]
    with whole_file(path) as part, part.open("wb") as written:
        written.writelines((_block(hashlib.sha256(content).hexdigest()), content))


def _block(sha256: str) -> bytes:
    return (MAGIC + sha256.encode() + b"\n").ljust(BLOCK, b"\0")


@contextmanager
def open_sealed(path: str | Path) -> Iterator[Sealed]:
    """Compare all of an HDF5 file that ``sealed_file`` wrote with its seal, and open it for reading.

    Raises HandgradError if it cannot be read, has no seal, or is not what was written.
    """
    with _open(path) as file:
        with reading_result(path):
            found = file.read(BLOCK)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if found != _block(sha256):
            reason = "changed after it was written" if found.startswith(MAGIC) else "of another version or program"
            raise HandgradError(f"{path}: damaged, or {reason}: its checksum is not that of its content; {REMEDY}")
        # By its path, since HDF5 reads three times slower through a Python file.
        with h5py.File(path, "r", locking=False) as content:
            if not os.path.samestat(os.fstat(file.fileno()), Path(path).stat()):
                raise HandgradError(f"{path}: was replaced while it was read; run snakemake again")
            yield Sealed(content, sha256)


def _open(path: str | Path) -> io.BufferedReader:
    with reading_result(path):
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise HandgradError(f"{path}: is not a file; {REMEDY}")
        return Path(path).open("rb")
