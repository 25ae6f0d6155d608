"""List the files of a folder that count as data, and compute its checksum.

Hidden files, and files that operating systems add, are ignored. Names are normalized to Unicode NFC, so that a folder
has the same names on every system. Links are followed.
"""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256

Parts = tuple[str, ...]  # the parts of a relative path, for example ("train", "cat", "1.png")

#: a file is data if its name has one of these endings, in upper or lower case: folders hold images
IMAGE_ENDINGS = frozenset(
    {".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_IGNORED = frozenset({"__macosx", "@eadir", "desktop.ini", "ehthumbs.db", "icon\r", "thumbs.db"})


def is_ignored(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or was added by an operating system."""
    return name.startswith(".") or name.lower() in _IGNORED


def ending(name: str) -> str:
    """Return the ending of a file name in lower case, with its dot."""
    return Path(name).suffix.lower()


def normalized(parts: Parts) -> Parts:
    """Return the parts of a path in Unicode NFC."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def walk_folder(
    folder: Path, parts: Parts = (), outer: frozenset[Path] = frozenset()
) -> Iterator[tuple[Parts, Path | None]]:
    """Yield the parts of each file and its path, and the parts of each folder and None, without ignored ones.

    Raises HandgradError for a loop of links, a broken link or a device. parts, outer: where the recursion is.
    """
    real = folder.resolve()
    if real in outer:
        raise HandgradError(f"{folder}: is a link to {real}, which contains it; remove this link")
    with os.scandir(folder) as items:
        for item in items:
            if is_ignored(item.name):
                continue
            path, below = folder / item.name, (*parts, item.name)
            if item.is_dir():
                yield below, None
                yield from walk_folder(path, below, outer | {real})
            elif item.is_file():
                yield below, path
            else:
                raise HandgradError(f"{path}: is a broken link or a device, expected a file; remove it")


def tree_files(folder: Path) -> list[tuple[str, Path]]:
    """Return the relative name and the path of each image file of a folder, sorted by the parts of the names.

    Names have ``/`` between their parts and are in Unicode NFC, so that they are equal on every system.
    """
    files = ((normalized(parts), path) for parts, path in walk_folder(folder) if path)
    return [("/".join(parts), path) for parts, path in sorted(files) if ending(parts[-1]) in IMAGE_ENDINGS]


def size_and_sha256(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the sha256 of a file or of a folder.

    The size of a folder is the sum over ``tree_files``. Its digest is the sha256 of a line ``size sha256 name`` for
    each of them.
    """
    if not path.is_dir():
        return path.stat().st_size, file_sha256(path)
    total, digest = 0, hashlib.sha256()
    for name, file in tree_files(path):
        size = file.stat().st_size
        total += size
        digest.update(f"{size} {file_sha256(file)} {name}\n".encode(errors="surrogateescape"))
    return total, digest.hexdigest()
