"""Read gzip and tar files of unknown origin, within limits that the format of the dataset sets.

Nothing is unpacked to disk. What is read never depends on a size that a file declares for itself.
"""

import gzip
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # bytes read at a time, so that no second copy of the pixels is ever held
DEFLATE_RATIO = 1032  # deflate makes content smaller by this factor at most
GZIP_MAGIC = b"\x1f\x8b"
#: what an archive may hold beside the members that are read: readme, names of classes, files of the user's system
OTHER_MEMBERS = 1 << 24  # bytes
#: what damaged or hostile gzip and tar files raise
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, ValueError, OverflowError, RecursionError)


class Mismatch(Exception):
    """A file has the size and sha256 of the registry, but not the content that the registry describes."""

    def __init__(self, where: object, found: str, expected: str) -> None:
        super().__init__(f"{where}: {found}, expected {expected}")


def read_content(path: Path, most: int) -> NDArray[np.uint8]:
    """Return what a file holds, gzipped or not, but no more than ``most`` bytes of it.

    A gzip file that ends before is verified by its checksum. Raises Mismatch if it is damaged.
    """
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    values = np.empty(min(most, DEFLATE_RATIO * path.stat().st_size), np.uint8)
    filled = 0
    try:
        with gzip.open(path) if zipped else path.open("rb") as content:
            while block := content.read(min(BLOCK, len(values) - filled)):
                values[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
                filled += len(block)
    except DAMAGE as error:
        raise Mismatch(path, f"broken gzip ({error})", "a whole gzip file") from error
    return values[:filled]


def read_members(path: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return what these members of a gzipped tar file hold, each of which must have this size.

    The archive is read once, to its very end, so that its checksum is verified; tarfile never goes back in a stream.
    Raises Mismatch if it is damaged, has not each member once, or holds much else.
    """
    found: dict[str, bytes] = {}
    try:
        with gzip.open(path) as file:
            stream: Any = _Stream(path, file, sum(sizes.values()) + OTHER_MEMBERS)
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    if member.name in sizes:
                        _require_plain(path, member, sizes[member.name], again=member.name in found)
                        content = tar.extractfile(member)
                        found[member.name] = content.read() if content else b""
            while block := stream.read(BLOCK):
                if block.strip(b"\0"):  # zeros may fill the last record
                    raise Mismatch(path, "holds bytes after the end of its tar", "none, or zeros")
    except DAMAGE as error:
        raise Mismatch(path, f"broken tar.gz ({error})", "a whole one") from error
    for name in sizes:
        if name not in found:
            raise Mismatch(path, f"no member {name}", "one")
    return found


def _require_plain(path: Path, member: tarfile.TarInfo, size: int, *, again: bool) -> None:
    plain = member.isreg() and not member.issparse()
    if again or not plain or member.size != size:
        kind = "a second one of this name" if again else "a file" if plain else "no plain file"
        raise Mismatch(f"{path}: {member.name}", f"{kind} of {member.size} bytes", f"one file of {size}")


class _Stream:
    """A file as tarfile reads it: so many bytes at most, and its end only a few times.

    Without the latter tarfile looks for a member of 2**60 bytes without end.
    """

    def __init__(self, path: Path, file: gzip.GzipFile, most: int) -> None:
        self._path, self._file, self._most = path, file, most
        self._left, self._ends = most, 0

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        self._ends += not block
        if self._left < 0:
            raise Mismatch(self._path, f"holds more than {self._most} bytes", "fewer")
        if self._ends > 5:
            raise EOFError("ends before the end of a member")
        return block
