"""List the files of a folder or of a zip file, and read them. Nothing is unpacked to disk.

``common.folders`` says which files are ignored, and how names are normalized.
"""

import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from handgrad.common.folders import IMAGE_ENDINGS, Parts, ending, is_ignored, normalized, walk_folder
from handgrad.formats.containers import Mismatch

MAX_FILE_BYTES = 1 << 28  # of one file; limits the memory that a compressed member can take
COMPLETE = "a complete zip file without a password"
UTF8_NAME = 0x800  # a flag of a zip member

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # control characters, and bytes that are not UTF-8


@dataclass(frozen=True)
class FileTree:
    """The files of a folder or zip file, sorted by the parts of their paths, each with a function that reads it.

    folders: all folders, also empty ones.
    """

    path: Path
    files: Mapping[Parts, Callable[[], bytes]]
    folders: frozenset[Parts]

    @property
    def images(self) -> list[Parts]:
        """Return the files that have the ending of an image, sorted."""
        return [parts for parts in self.files if ending(parts[-1]) in IMAGE_ENDINGS]


@contextmanager
def open_tree(path: Path) -> Iterator[FileTree]:
    """List the files of a folder or of a zip file.

    Raises Mismatch if it is neither, or if a name is not safe, and HandgradError as ``walk_folder``.
    """
    if path.is_dir():
        yield _tree(path, ((parts, partial(read_file, file) if file else None) for parts, file in walk_folder(path)))
        return
    with _damage(path, "neither a folder nor a zip file"):
        archive = zipfile.ZipFile(path)
    with archive:
        yield _tree(path, _members(path, archive))


def read_file(path: Path) -> bytes:
    """Return the content of a file. Raises Mismatch if it is too large."""
    with path.open("rb") as file:
        return _limited(path, file.read(MAX_FILE_BYTES + 1))


def _limited(where: object, content: bytes) -> bytes:
    if len(content) > MAX_FILE_BYTES:
        raise Mismatch(where, f"more than {MAX_FILE_BYTES:,} bytes", "a smaller file")
    return content


def _tree(path: Path, items: Iterator[tuple[Parts, Callable[[], bytes] | None]]) -> FileTree:
    """Return a tree from its items: the parts of a path, and the function that reads it; None for a folder."""
    files: dict[Parts, Callable[[], bytes]] = {}
    folders: set[Parts] = set()
    for raw, read in items:
        name = "/".join(raw)
        if ".." in raw:
            raise Mismatch(path, f"the name {name!a}", "names inside this file")
        if any(map(is_ignored, raw)):
            continue
        if _UNSAFE.search(name):
            raise Mismatch(path, f"the name {name!a}", "names in UTF-8, without control characters")
        parts = normalized(raw)
        if read is None:
            folders.add(parts)
        elif parts in files:
            raise Mismatch(f"{path}: {name}", "two files of this name", "one")
        else:
            files[parts] = read
            folders.update(parts[:end] for end in range(1, len(parts)))
    return FileTree(path, {parts: files[parts] for parts in sorted(files)}, frozenset(folders))


def _members(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[Parts, Callable[[], bytes] | None]]:
    """Yield the parts of each member and the function that reads it, or None for a folder."""
    for info in archive.infolist():
        name = _member_name(info).replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if parts:
            yield parts, None if name.endswith("/") else partial(_read_member, path, archive, info)


def _member_name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member. Some programs, such as that of macOS, write UTF-8 without saying so."""
    if info.flag_bits & UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    where = f"{path}: {_member_name(info)}"
    # the other methods do not limit how much memory they take
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Mismatch(where, f"compression method {info.compress_type}", "stored or deflated, as usual in zip files")
    with _damage(where, "cannot be read"), archive.open(info) as file:
        return _limited(where, file.read(MAX_FILE_BYTES + 1))


@contextmanager
def _damage(where: object, found: str) -> Iterator[None]:
    """Turn the exceptions that damaged, malicious or encrypted zip files raise into a Mismatch."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EINVAL:  # a wrong position in the file
            raise
        raise Mismatch(where, found, COMPLETE) from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError) as error:
        raise Mismatch(
            where, f"{found} ({' '.join(str(error).split())})", "a complete zip file without a password"
        ) from error
