"""Read gzip and tar files from untrusted sources.

Nothing is unpacked to disk. The registry limits how much is read; sizes that a file declares are not trusted.
"""

import gzip
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 20  # bytes read at a time, so that memory never holds a second copy of the pixels
DEFLATE_RATIO = 1032  # the largest compression factor of deflate
GZIP_MAGIC = b"\x1f\x8b"
#: how much an archive may hold in addition to the members that are read, such as a readme or names of classes
OTHER_MEMBERS = 1 << 24  # bytes
#: the exceptions that damaged or malicious gzip and tar files raise
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, ValueError, OverflowError, RecursionError)


class Mismatch(Exception):
    """The size and sha256 of a file match the registry, but its content does not match the entry."""

    def __init__(self, where: object, found: str, expected: str) -> None:
        super().__init__(f"{where}: {found}, expected {expected}")
        self.found, self.expected = found, expected


class MissingMember(Mismatch):
    """An archive does not have a member."""


def read_content(path: Path, max_bytes: int) -> NDArray[np.uint8]:
    """Return the content of a file, decompressed if it is a gzip file, up to ``max_bytes`` bytes.

    The checksum of a gzip file is verified if its content has fewer bytes. Raises Mismatch if the file is damaged.
    """
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    values = np.empty(min(max_bytes, DEFLATE_RATIO * path.stat().st_size), np.uint8)
    filled = 0
    try:
        with gzip.open(path) if zipped else path.open("rb") as content:
            while block := content.read(min(BLOCK, len(values) - filled)):
                values[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
                filled += len(block)
    except DAMAGE as error:
        raise Mismatch(path, f"damaged gzip ({error})", "a complete gzip file") from error
    return values[:filled]


def read_members(path: Path, sizes: Mapping[str, int], most: Mapping[str, int] | None = None) -> dict[str, bytes]:
    """Return the content of members of a gzipped tar file.

    sizes: the expected size of each member in bytes. most: the largest size of members of unknown size.

    The whole archive is read once as a stream, so that its checksum is verified. Raises Mismatch if the archive is
    damaged, if a member is missing, duplicate or of a different size, or if there is too much other content.
    """
    found: dict[str, bytes] = {}
    most = {**sizes, **(most or {})}
    try:
        with gzip.open(path) as file:
            stream: Any = _Stream(path, file, sum(sizes.values()) + OTHER_MEMBERS)
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    if member.name in most:
                        size = sizes.get(member.name, min(member.size, most[member.name]))
                        _require_plain(path, member, size, again=member.name in found)
                        content = tar.extractfile(member)
                        found[member.name] = content.read() if content else b""
            while block := stream.read(BLOCK):
                if block.strip(b"\0"):  # zeros may pad the last record
                    raise Mismatch(path, "holds bytes after the end of its tar archive", "none, or only zeros")
    except DAMAGE as error:
        raise Mismatch(path, f"damaged tar.gz ({error})", "a complete tar.gz file") from error
    for name in most:
        if name not in found:
            raise MissingMember(path, f"no member {name}", "one member of this name")
    return found


def _require_plain(path: Path, member: tarfile.TarInfo, size: int, *, again: bool) -> None:
    plain = member.isreg() and not member.issparse()
    if again or not plain or member.size != size:
        kind = "a second member of this name" if again else "a file" if plain else "not a regular file, but a member"
        raise Mismatch(f"{path}: {member.name}", f"{kind} of {member.size} bytes", f"one file of {size} bytes")


class _Stream:
    """The stream that tarfile reads. It limits the number of bytes, and the number of reads at the end of the file.

    Without the second limit, a declared size of 2**60 bytes would make tarfile read at the end forever.
    """

    def __init__(self, path: Path, file: gzip.GzipFile, max_bytes: int) -> None:
        self._path, self._file, self._max_bytes = path, file, max_bytes
        self._left, self._ends = max_bytes, 0

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        self._ends += not block
        if self._left < 0:
            raise Mismatch(self._path, f"holds more than {self._max_bytes} bytes", f"at most {self._max_bytes}")
        if self._ends > 5:
            raise EOFError("ends before the end of a member")
        return block
