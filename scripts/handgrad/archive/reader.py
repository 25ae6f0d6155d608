"""Unpacking an archive from anywhere: only plain files with harmless names, of bounded size, are written.

What is wrong with a member is a line; what makes the rest unreadable is an error.
"""

import errno
import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from handgrad.archive.pack import SUMS, parse_sums
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import size_text

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,254}(/[A-Za-z0-9][\w.+-]{0,254})+", re.ASCII)
_BLOCK = 1 << 20
#: an archive of runs shrinks little: one that grows beyond this many times its size is refused
MOST_GROWTH, ALWAYS_ALLOWED = 20, 100_000_000
#: what only writing ends with
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.DIRTYPE: "a folder",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


@dataclass
class Unpacked:
    """Where the members of an archive lie, the sha256 of each by its name, and what is wrong with them."""

    name: str
    folder: Path
    sums: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it is longer than allowed."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.left, self.most = stream, most, most

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(_BLOCK if size < 0 else size)
        self.left -= len(data)
        if self.left < 0:
            raise HandgradError(
                f"unpacks to more than {size_text(self.most)}, which no archive of its size does; not read on"
            )
        return data


def unpack(path: Path, to: Path) -> Unpacked:
    """Unpack an archive into an empty folder and hold its members against its manifest.

    Raises HandgradError if the file is no such archive, or is cut off; OSError if the folder is full.
    """
    try:
        most = ALWAYS_ALLOWED + MOST_GROWTH * path.stat().st_size
        with gzip.open(path) as packed:
            stream = _Bounded(packed, most)  # type: ignore[arg-type]
            unpacked = _unpack_members(stream, to)
            unpacked.mistakes += _end_mistakes(stream)
    except (EOFError, zlib.error, tarfile.TarError) as error:
        raise HandgradError(f"{path}: cut off or damaged ({error}); get it again") from error
    except gzip.BadGzipFile as error:
        raise HandgradError(f"{path}: not a .tar.gz, or damaged ({error}); get it again") from error
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in NO_ROOM:
            raise  # it is the folder that is full, and nothing is the matter with the archive
        raise HandgradError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    except HandgradError as error:
        raise HandgradError(f"{path}: {error}") from error
    unpacked.mistakes += _manifest_mistakes(unpacked)
    return unpacked


def _unpack_members(stream: _Bounded, to: Path) -> Unpacked:
    unpacked = Unpacked("", to)
    seen: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r|", bufsize=512) as tar:
        for member in tar:
            if wrong := list(_name_mistakes(member, unpacked.name, seen)):
                unpacked.mistakes += [f"{member.name!r}: {line}" for line in wrong[:1]]
                continue
            seen.add(member.name.casefold())
            unpacked.name, _, inner = member.name.partition("/")
            content = tar.extractfile(member)
            assert content is not None  # since it is a plain file
            unpacked.sums[inner] = _write(content, to / inner)
    return unpacked


def _name_mistakes(member: tarfile.TarInfo, name: str, seen: set[str]) -> Iterator[str]:
    """Why a member is not unpacked, which it is if there is no reason; the first one tells enough."""
    if member.type != tarfile.REGTYPE or member.sparse is not None:
        yield f"is {_KINDS.get(member.type, 'of a special kind')}, expected a plain file"
    if not _NAME.fullmatch(member.name):
        yield "not a name in an archive of handgrad, which leads downwards from one folder; not unpacked"
    if name and not member.name.startswith(f"{name}/"):
        yield f"lies outside the folder {name}/ of the members before it"
    if member.name.casefold() in seen:
        yield "stands there twice"


def _end_mistakes(stream: _Bounded) -> Iterator[str]:
    """What is wrong with what is left of an archive after its members."""
    if any(any(block) for block in iter(stream.read, b"")):
        yield "something follows the last member, expected nothing"


def _write(content: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for block in _blocks(content):
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: content.read(_BLOCK), b"")


def _manifest_mistakes(unpacked: Unpacked) -> Iterator[str]:
    """What is missing, what is not listed, and what has another sha256 than is listed."""
    if SUMS not in unpacked.sums:
        yield f"{SUMS}: missing, so nothing can be held against it"
        return
    listed, wrong = parse_sums((unpacked.folder / SUMS).read_text(encoding="utf-8", errors="replace"))
    found = {name: digest for name, digest in unpacked.sums.items() if name != SUMS}
    yield from (f"{SUMS}: {line[:200]!r} is no line of a manifest, or stands twice" for line in wrong)
    yield from (f"{name}: missing, {SUMS} lists it" for name in listed if name not in found)
    yield from (f"{name}: extra, {SUMS} does not list it" for name in found if name not in listed)
    for name, digest in found.items():
        if listed.get(name, digest) != digest:
            yield f"{name}: its sha256 is {digest}, {SUMS} has {listed[name]}"
