"""Read gzip and tar files of unknown origin, within limits that the format of the dataset sets.

Nothing is unpacked to disk. What is read never depends on a size that a file declares for itself.
"""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # bytes read at a time, so that no second copy of the pixels is ever held
DEFLATE_RATIO = 1032  # deflate makes content smaller by this factor at most
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)  # what damaged gzip and tar files raise
GZIP_MAGIC = b"\x1f\x8b"

#: types of tar members without content, whatever size they declare
_EMPTY = (*(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE), tarfile.DIRTYPE, tarfile.FIFOTYPE)
#: types of tar members that say something about the next one
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_MOST_OF_A_HEADER = 1 << 16  # bytes
_PAX_PATH = re.compile(rb"(?:^|\n)\d+ path=([^\n]*)\n")
_PAX_SIZES = re.compile(rb"(?:^|\n)\d+ (?:size|GNU\.sparse\.\w+)=")


class Mismatch(Exception):
    """A file has the size and sha256 of the registry, but not the content that the registry describes."""

    def __init__(self, where: object, found: str, expected: str) -> None:
        super().__init__(f"{where}: {found}, expected {expected}")


def fill(file: gzip.GzipFile | IO[bytes], values: NDArray[np.uint8]) -> int:
    """Read into ``values`` until it is full or the file ends; the number of bytes read."""
    view = values.data.cast("B")
    filled = 0
    while block := file.read(min(BLOCK, len(view) - filled)):
        view[filled : filled + len(block)] = block
        filled += len(block)
    return filled


def require_room(path: Path, size: int) -> None:
    """Raises Mismatch if no gzip file of this length can hold ``size`` bytes; nothing is allocated for it."""
    most = DEFLATE_RATIO * path.stat().st_size
    if size > most:
        raise Mismatch(path, f"a gzip file of its length holds at most {most} bytes", f"{size}")


def gunzip(path: Path, most: int) -> bytes:
    """The content of a file, gzipped or not, which may be ``most`` bytes. Raises Mismatch, and DAMAGE."""
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    with gzip.open(path) if zipped else path.open("rb") as content:
        found = content.read(most + 1)
    if len(found) > most:
        raise Mismatch(path, f"holds more than {most} bytes", f"at most {most}")
    return found


class TarMembers:
    """The members of a gzipped tar file in one pass, to its very end, so that its checksum is verified.

    At most ``most`` bytes are decompressed. Iteration raises Mismatch, and what DAMAGE lists. tarfile's own
    iteration is not used, since it follows the sizes in pax and sparse headers backwards, or without end.
    """

    def __init__(self, path: Path, file: gzip.GzipFile, most: int) -> None:
        self._path = path
        self._file = file
        self._most = self._left = most
        self._unread = 0  # bytes of the current member, with its padding

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Each member but those that describe the next one; ``fill`` reads what is in it."""
        name = None
        while any(block := self._read(tarfile.BLOCKSIZE)):
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            describes = member.type in (*_PAX, *_LONG)
            size, most = 0 if member.type in _EMPTY else member.size, _MOST_OF_A_HEADER if describes else self._left
            if member.type == tarfile.GNUTYPE_SPARSE or not 0 <= size <= most:
                self._refuse(f"{member.name!r} is sparse or declares {size} bytes", f"a whole file of 0 to {most}")
            self._unread = size + -size % tarfile.BLOCKSIZE
            if describes:
                name = self._described(member, size) or name
            else:
                member.name, name = name or member.name, None
                yield member
            while self._unread:
                self._unread -= len(block := self._read(min(BLOCK, self._unread)))
                if not block:
                    self._refuse(f"ends {self._unread} bytes before the end of a member", "a whole tar.gz")
        while block := self._read(BLOCK):  # zeros may fill the last record
            if any(block):
                self._refuse("holds bytes after the end of its tar", "none, or zeros")

    def fill(self, values: NDArray[np.uint8]) -> None:
        """Fill ``values`` with what the current member holds. Raises Mismatch if the archive ends before."""
        found = fill(self._file, values)
        self._left -= found
        self._unread -= found
        if found < values.size:
            self._refuse(f"ends after {found} bytes of a member of {values.size}", "a whole tar.gz")

    def _described(self, member: tarfile.TarInfo, size: int) -> str:
        """The name that a pax or GNU header gives to the next member, or none."""
        content = self._read(size)
        self._unread -= len(content)
        if member.type in _LONG:
            name = content.partition(b"\0")[0] if member.type == tarfile.GNUTYPE_LONGNAME else b""
        else:
            path = _PAX_PATH.search(content)
            if _PAX_SIZES.search(content) or (path and member.type == tarfile.XGLTYPE):
                self._refuse(f"{member.name!r} changes the sizes or the names of members", "a pax header that does not")
            name = path[1] if path else b""
        return name.decode("utf-8", "surrogateescape")

    def _read(self, size: int) -> bytes:
        if not self._left:
            self._refuse(f"holds {self._most} bytes or more", "fewer")
        found = self._file.read(min(size, self._left))
        self._left -= len(found)
        return found

    def _refuse(self, found: str, expected: str) -> NoReturn:
        raise Mismatch(self._path, found, expected)


@contextmanager
def tar_members(path: Path, most: int) -> Iterator[TarMembers]:
    """Open a gzipped tar file. Raises Mismatch, also for what DAMAGE lists."""
    try:
        with gzip.open(path) as file:
            yield TarMembers(path, file, most)
    except DAMAGE as error:
        raise Mismatch(path, f"broken tar.gz ({error})", "a whole one") from error
