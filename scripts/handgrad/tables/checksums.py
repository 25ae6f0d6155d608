"""The checksums of a table, of its files and of its inputs.

``sha256sum -c`` reads ``<table>.csv.sha256``, which has one line for the CSV, the Markdown and the HTML file each.
That program ignores lines that begin with #. They hold the digest of each input file (for an HDF5 file its seal, see
``sealed``), the digest of the code that made the table, and the SHA-256 of all lines above.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from handgrad.common.atomic import whole_file
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import reading_result
from handgrad.layout.paths import CHECKSUMS

_LAST = "all lines above"
_LINE = re.compile(r"(# )?([0-9a-f]{16,64})  (.+)")


@dataclass(frozen=True)
class MadeTable:
    """A stored table. sha256: of its CSV file. made_from: digests of its inputs by path, relative to its folder."""

    path: Path
    table: pd.DataFrame
    sha256: str
    made_from: Mapping[str, str]

    def digest(self, path: str | Path) -> str:
        """Return the digest of an input of the table, or an empty string if the file is not an input."""
        return self.made_from.get(_seen_from(self.path, path), "")

    def require_made_from(self, path: str | Path, digest: str) -> None:
        """Raise HandgradError if the table was not made from this file with this digest."""
        if self.digest(path) != digest:
            raise HandgradError(
                f"{self.path}: was made from a different version of {path}; delete {self.path.parent}, then run "
                "snakemake again"
            )

    def located(self, path: str) -> str:
        """Return a path of ``layout.paths`` in the project folder that holds this table.

        With the prefix of a Snakemake module, this is not the current folder.
        """
        return str(self.path.parents[3] / path)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8 atomically."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_checksums(csv: Path, files: Iterable[Path], made_from: Mapping[str, str], code: tuple[str, str]) -> None:
    """Write the checksums of a table. made_from: digests of inputs by path; code: name and digest of the code."""
    lines = [f"{file_sha256(path)}  {path.name}\n" for path in files]
    seen = {_seen_from(csv, path): digest for path, digest in made_from.items()}
    lines += [f"# {digest}  {name}\n" for name, digest in (*seen.items(), code)]
    write_text(csv.with_suffix(f".{CHECKSUMS}"), "".join([*lines, _last_line(lines)]))


def read_checksums(csv: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the digests of a table's files by name, and of its inputs by path relative to its folder.

    Raises HandgradError if the checksum file is missing, damaged or was changed.
    """
    sums = csv.with_suffix(f".{CHECKSUMS}")
    remedy = f"delete {csv}, then run snakemake again"
    with reading_result(sums, absent=remedy):
        lines = sums.read_bytes().decode(errors="replace").splitlines(keepends=True)
    found = [_LINE.fullmatch(line.removesuffix("\n")) for line in lines]
    if not lines or lines[-1] != _last_line(lines[:-1]) or not all(found):
        raise HandgradError(f"{sums}: damaged, or changed after it was written; {remedy}")
    own = {line[3]: line[2] for line in found if line and not line[1]}
    return own, {line[3]: line[2] for line in found if line and line[1]}


def require_unchanged(path: str | Path, data: bytes, own: Mapping[str, str]) -> str:
    """Return the SHA-256 of a table's file. own: the digests of the table's files by name.

    Raises HandgradError if the file was changed after it was made.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if own.get(Path(path).name) != sha256:
        raise HandgradError(
            f"{path}: changed after it was made: its sha256 {sha256[:16]}... differs from its checksum file; {REMEDY}"
        )
    return sha256


def _seen_from(table: str | Path, path: str | Path) -> str:
    """Return the path of a file relative to the folder of a table, on one line."""
    seen = os.path.relpath(path, Path(table).parent)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in seen)


def _last_line(lines: Sequence[str]) -> str:
    return f"# {hashlib.sha256(''.join(lines).encode()).hexdigest()}  {_LAST}\n"
