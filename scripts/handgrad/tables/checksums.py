"""The checksums of a table: of its own files, and of what it was made from.

``<table>.csv.sha256`` is for ``sha256sum -c``: a line for the CSV, the Markdown and the HTML file. Lines that
begin with #, which that program ignores, hold the digest of each file that the table was made from (of an
HDF5 file its seal, see ``sealed``), the digest of the code that made it, and the sha256 of all lines before.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import reading_result
from handgrad.layout.paths import CHECKSUMS

_LAST = "all lines above"
_LINE = re.compile(r"(# )?([0-9a-f]{16,64})  (.+)")


@dataclass(frozen=True)
class MadeTable:
    """A table as it was made. sha256: of its CSV file. made_from: digests by path, seen from its folder."""

    path: Path
    table: pd.DataFrame
    sha256: str
    made_from: Mapping[str, str]

    def digest(self, path: str | Path) -> str:
        """Return the digest of a file that the table was made from; of any other file an empty text."""
        return self.made_from.get(_seen_from(self.path, path), "")

    def require_made_from(self, path: str | Path, digest: str) -> None:
        """Raise HandgradError if the table was not made from this file as it is now."""
        if self.digest(path) != digest:
            raise HandgradError(
                f"{self.path}: was made from another {path} than is there now; delete {self.path.parent}, and run "
                "snakemake again"
            )

    def located(self, path: str) -> str:
        """Return a path of ``layout.paths`` in the folder whose results hold this table.

        That is another folder than this one where a module has a prefix.
        """
        return str(self.path.parents[3] / path)


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8; the file appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_checksums(csv: Path, files: Iterable[Path], made_from: Mapping[str, str], code: tuple[str, str]) -> None:
    """Write the checksums of a table. made_from: digests by path; code: what the code is called, and its digest."""
    lines = [f"{file_sha256(path)}  {path.name}\n" for path in files]
    seen = {_seen_from(csv, path): digest for path, digest in made_from.items()}
    lines += [f"# {digest}  {name}\n" for name, digest in (*seen.items(), code)]
    write_text(csv.with_suffix(f".{CHECKSUMS}"), "".join([*lines, _last_line(lines)]))


def read_checksums(csv: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the digests of a table's own files by name, and of what it was made from by path, as seen from there.

    Raises HandgradError if the file of checksums is absent, or is not as it was written.
    """
    sums = csv.with_suffix(f".{CHECKSUMS}")
    remedy = f"delete {csv}, and run snakemake again"
    with reading_result(sums, absent=remedy):
        lines = sums.read_bytes().decode(errors="replace").splitlines(keepends=True)
    found = [_LINE.fullmatch(line.removesuffix("\n")) for line in lines]
    if not lines or lines[-1] != _last_line(lines[:-1]) or not all(found):
        raise HandgradError(f"{sums}: damaged, or changed after it was written; {remedy}")
    own = {line[3]: line[2] for line in found if line and not line[1]}
    return own, {line[3]: line[2] for line in found if line and line[1]}


def _seen_from(table: str | Path, path: str | Path) -> str:
    """The path of a file, seen from a table's folder, on one line."""
    seen = os.path.relpath(path, Path(table).parent)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in seen)


def _last_line(lines: Sequence[str]) -> str:
    return f"# {hashlib.sha256(''.join(lines).encode()).hexdigest()}  {_LAST}\n"
