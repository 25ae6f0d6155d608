"""Unpacking an archive from anywhere: only plain files with harmless names, of bounded size, are written."""

import errno
import functools
import gzip
import itertools
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import bagit

from handgrad.archive.members import BAG_FILES
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import size_text

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,254}(/[A-Za-z0-9][\w.+-]{0,254})+", re.ASCII)
#: an archive of runs shrinks little: one that grows beyond this many times its size is refused
MAX_GROWTH, ALWAYS_ALLOWED = 20, 100_000_000
#: bytes of a member that is read at once; runs and pages are not
MAX_TEXT, LARGE = 50_000_000, (".h5", ".html", ".svg")
_BLOCK = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
#: compared before bagit reads it, since bagit decodes the other files with whatever codec it names
_BAGIT_TXT = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"


def unpack(path: Path, to: Path) -> Path:
    """Unpack an archive into an empty folder; returns the folder of its bag.

    Raises HandgradError if the file is no archive of handgrad, is damaged or cut off, or if there is no room.
    """
    limit = ALWAYS_ALLOWED + MAX_GROWTH * path.stat().st_size
    try:
        with gzip.open(path) as packed:
            if sum(map(len, itertools.islice(_blocks(packed), limit // _BLOCK + 1))) > limit:
                raise HandgradError(f"unpacks to more than {size_text(limit)}, too much for its size")
            packed.seek(0)
            _unpack_members(packed, to)
            if any(map(any, _blocks(packed))):
                raise HandgradError("something follows the last member")
    except (EOFError, ValueError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise HandgradError(f"not a .tar.gz, cut off or damaged ({error}); get it again") from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise HandgradError(f"no room to unpack it in {to.parent}; set TMPDIR to a larger folder") from None
    return next(to.iterdir())


def _blocks(packed: gzip.GzipFile) -> Iterator[bytes]:
    return iter(functools.partial(packed.read, _BLOCK), b"")


def _unpack_members(packed: gzip.GzipFile, to: Path) -> None:
    seen: set[str] = set()
    folder = ""
    with tarfile.open(fileobj=packed, mode="r|", bufsize=512) as tar:
        for member in tar:
            name = member.name
            if member.type != tarfile.REGTYPE or member.issparse():
                raise HandgradError(f"{name!r} is not a plain file")
            folder = folder or name.partition("/")[0]
            if not _NAME.fullmatch(name) or not name.startswith(f"{folder}/") or name.casefold() in seen:
                raise HandgradError(f"{name!r} is not a name in an archive of handgrad, or is there twice")
            if member.size > MAX_TEXT and not name.endswith(LARGE):
                raise HandgradError(f"{name} has {size_text(member.size)}, allowed: {size_text(MAX_TEXT)}")
            seen.add(name.casefold())
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            with (to / name).open("xb") as file:
                shutil.copyfileobj(tar.extractfile(member), file)  # type: ignore[arg-type] # None for folders alone
    if not seen:
        raise HandgradError("holds nothing")


def require_valid_bag(bag: Path) -> None:
    """Raise HandgradError if a folder is no valid bag, or if files lie beside its payload."""
    names = {path.name for path in bag.iterdir()}
    if "SHA256SUMS" in names and "bagit.txt" not in names:
        raise HandgradError(
            "is of the format before BagIt, which this handgrad does not read; verify it in a clone at the git "
            "revision that its provenance.json names"
        )
    if wrong := sorted(names ^ {*BAG_FILES, "data"}):
        raise HandgradError(f"not a bag of handgrad: missing, or extra: {', '.join(wrong)}")
    if (bag / "bagit.txt").read_bytes() != _BAGIT_TXT:
        raise HandgradError(f"bagit.txt: expected {_BAGIT_TXT.decode()!r}")
    try:
        found = bagit.Bag(str(bag))
        found.info.pop("Payload-Oxum", None)  # counts and sums; the manifest says which file it is
        found.validate()
    except (bagit.BagError, ValueError) as error:
        raise HandgradError(f"not a valid bag: {str(error).replace(f'{bag}/', '')}") from error
