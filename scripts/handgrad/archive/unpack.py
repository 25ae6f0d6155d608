"""Unpacking an archive, which may come from anyone. Only plain files of limited size in its folder are written."""

import functools
import gzip
import itertools
import tarfile
import zlib
from pathlib import Path
from typing import Any

import bagit

from handgrad.archive.members import BAG_FILES
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import size_text

#: Weights hardly compress. An archive may unpack to ALWAYS_ALLOWED bytes plus this many times its size.
MAX_GROWTH, ALWAYS_ALLOWED = 20, 100_000_000
#: maximum bytes of a member, because it is read at once; files with these extensions have no such limit
MAX_TEXT, LARGE = 50_000_000, (".h5", ".html", ".svg")
_BLOCK = 1 << 20
#: compared before bagit reads it, because bagit decodes the other files with the codec that this file names
_BAGIT_TXT = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"


def unpack(path: Path, to: Path) -> Path:
    """Unpack an archive into an empty folder, validate its bag and return the folder of the bag.

    Raises HandgradError if the file is not an archive of handgrad, is damaged or truncated, or if the disk is full.
    """
    limit = ALWAYS_ALLOWED + MAX_GROWTH * path.stat().st_size
    try:
        with gzip.open(path) as packed:
            # count all bytes first, because the headers of a tar file can also be huge
            blocks = iter(functools.partial(packed.read, _BLOCK), b"")
            if sum(map(len, itertools.islice(blocks, limit // _BLOCK + 1))) > limit:
                raise HandgradError(f"unpacks to more than {size_text(limit)}, the limit for an archive of its size")
            packed.seek(0)
            with tarfile.open(fileobj=packed, mode="r|") as tar:
                for member in tar:
                    _require_harmless(member)
                    (to / member.name).parent.mkdir(parents=True, exist_ok=True)
                    content: Any = tar.extractfile(member)  # None only for folders
                    (to / member.name).write_bytes(content.read())
        (bag,) = to.iterdir()
    except (EOFError, ValueError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise HandgradError(f"damaged, truncated, or not an archive of handgrad ({error}); get it again") from error
    except OSError as error:
        raise HandgradError(
            f"cannot be unpacked in {to.parent} ({error}); set TMPDIR to a folder with more free space"
        ) from None
    _require_valid_bag(bag)
    return bag


def _require_harmless(member: tarfile.TarInfo) -> None:
    """Raise HandgradError if a member is not a plain file, is too large, or would be written outside the folder."""
    if not member.isreg() or member.issparse() or member.name.startswith("/") or ".." in member.name.split("/"):
        raise HandgradError(f"{member.name!r}: not a plain file in the folder of the archive")
    if member.size > MAX_TEXT and not member.name.endswith(LARGE):
        raise HandgradError(f"{member.name}: found {size_text(member.size)}, allowed: {size_text(MAX_TEXT)}")


def _require_valid_bag(bag: Path) -> None:
    """Raise HandgradError if a folder is not a valid bag, or has files outside its payload that a bag does not need."""
    if wrong := sorted({path.name for path in bag.iterdir()} ^ {*BAG_FILES, "data"}):
        raise HandgradError(f"not an archive of handgrad; missing or unexpected files: {', '.join(wrong)}")
    if (bag / "bagit.txt").read_bytes() != _BAGIT_TXT:
        raise HandgradError(f"bagit.txt: wrong content, expected {_BAGIT_TXT.decode()!r}")
    try:
        found = bagit.Bag(str(bag))
        found.info.pop("Payload-Oxum", None)  # it holds only totals; the manifest's errors name the file
        found.validate()
    except (bagit.BagError, ValueError) as error:
        raise HandgradError(f"not a valid bag: {str(error).replace(f'{bag}/', '')}") from error
