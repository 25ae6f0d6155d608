"""Unpacking an archive from anywhere: only plain files within its folder, of bounded size, are written."""

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

#: an archive of runs shrinks little: one that grows beyond this many times its size is refused
MAX_GROWTH, ALWAYS_ALLOWED = 20, 100_000_000
#: bytes of a member that is read at once; runs and pages are not
MAX_TEXT, LARGE = 50_000_000, (".h5", ".html", ".svg")
_BLOCK = 1 << 20
#: compared before bagit reads it, since bagit decodes the other files with whatever codec it names
_BAGIT_TXT = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"


def unpack(path: Path, to: Path) -> Path:
    """Unpack an archive into an empty folder; returns the folder of its bag, which is valid.

    Raises HandgradError if the file is no archive of handgrad, is damaged or cut off, or if there is no room.
    """
    limit = ALWAYS_ALLOWED + MAX_GROWTH * path.stat().st_size
    try:
        with gzip.open(path) as packed:
            # all of it first: headers of a tar file alone may be huge
            blocks = iter(functools.partial(packed.read, _BLOCK), b"")
            if sum(map(len, itertools.islice(blocks, limit // _BLOCK + 1))) > limit:
                raise HandgradError(f"unpacks to more than {size_text(limit)}, too much for its size")
            packed.seek(0)
            with tarfile.open(fileobj=packed, mode="r|") as tar:
                for member in tar:
                    _require_harmless(member)
                    (to / member.name).parent.mkdir(parents=True, exist_ok=True)
                    content: Any = tar.extractfile(member)  # None for folders alone
                    (to / member.name).write_bytes(content.read())
        (bag,) = to.iterdir()
    except (EOFError, ValueError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise HandgradError(f"not an archive of handgrad, cut off or damaged ({error}); get it again") from error
    except OSError as error:
        raise HandgradError(f"cannot be unpacked in {to.parent} ({error}); TMPDIR may name a larger folder") from None
    _require_valid_bag(bag)
    return bag


def _require_harmless(member: tarfile.TarInfo) -> None:
    """Raise HandgradError unless a member is a plain file of a sensible size, to be written into its folder."""
    if not member.isreg() or member.issparse() or member.name.startswith("/") or ".." in member.name.split("/"):
        raise HandgradError(f"{member.name!r} is not a plain file in a folder of the archive")
    if member.size > MAX_TEXT and not member.name.endswith(LARGE):
        raise HandgradError(f"{member.name} has {size_text(member.size)}, allowed: {size_text(MAX_TEXT)}")


def _require_valid_bag(bag: Path) -> None:
    """Raise HandgradError if a folder is no valid bag, or if files lie beside its payload."""
    if wrong := sorted({path.name for path in bag.iterdir()} ^ {*BAG_FILES, "data"}):
        raise HandgradError(f"not a bag of handgrad: missing, or extra: {', '.join(wrong)}")
    if (bag / "bagit.txt").read_bytes() != _BAGIT_TXT:
        raise HandgradError(f"bagit.txt: expected {_BAGIT_TXT.decode()!r}")
    try:
        found = bagit.Bag(str(bag))
        found.info.pop("Payload-Oxum", None)  # counts and sums; the manifest says which file it is
        found.validate()
    except (bagit.BagError, ValueError) as error:
        raise HandgradError(f"not a valid bag: {str(error).replace(f'{bag}/', '')}") from error
