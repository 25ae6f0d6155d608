"""The tables that the workflow makes, each with the checksums of its files and of what it was made from.

``<table>.csv.sha256`` is for ``sha256sum -c``: a line for the CSV, the Markdown and the HTML file. Lines that
begin with #, which that program ignores, hold the digest of each file that the table was made from (of an
HDF5 file its seal, see ``sealed``), the digest of the code that made it, and the sha256 of all lines before.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.system_errors import reading_result
from handgrad.tables.table import parse_table, write_table, write_text

SUFFIX = ".sha256"
_LAST = "all lines above"
_CODE = "the code of aggregate_{}"
_LINE = re.compile(r"(# )?([0-9a-f]{16,64})  (.+)")


class Text(NamedTuple):
    """A file for people: its path and its content."""

    path: str | Path
    text: str


@dataclass(frozen=True)
class MadeTable:
    """A table as it was made. sha256: of its CSV file. made_from: digests by path, seen from its folder."""

    path: Path
    table: pd.DataFrame
    sha256: str
    made_from: Mapping[str, str]

    def require_made_from(self, path: str | Path, digest: str) -> None:
        """Raise HandgradError if the table was not made from this file as it is now."""
        if self.made_from.get(_seen_from(self.path, path)) != digest:
            raise HandgradError(
                f"{self.path}: was made from another {path} than is there now; delete {self.path.parent}, and run "
                "snakemake again"
            )

    def files(self) -> dict[str, str]:
        """Return the digests of the files that the table was made from, by their paths."""
        code = _CODE.format(self.path.stem)
        files = ((os.path.normpath(self.path.parent / seen), digest) for seen, digest in self.made_from.items())
        return {path: digest for path, digest in files if Path(path).name != code}


def write_made_table(csv: str | Path, table: pd.DataFrame, *texts: Text, made_from: Mapping[str, str]) -> None:
    """Write a table as CSV, what people see of it, and the checksums. made_from: digests by path."""
    write_table(csv, table)
    for path, text in texts:
        write_text(path, text)
    lines = [f"{file_sha256(path)}  {Path(path).name}\n" for path in (csv, *(path for path, _ in texts))]
    lines += [f"# {digest}  {_seen_from(csv, path)}\n" for path, digest in made_from.items()]
    lines.append(f"# {_code_digest(csv)}  {_CODE.format(Path(csv).stem)}\n")
    write_text(f"{csv}{SUFFIX}", "".join([*lines, _last_line(lines)]))


def _code_digest(csv: str | Path) -> str:
    return code_digest(f"aggregate_{Path(csv).stem}")


def _seen_from(table: str | Path, path: str | Path) -> str:
    """The path of a file, seen from a table's folder, on one line."""
    seen = os.path.relpath(path, Path(table).parent)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in seen)


def _last_line(lines: Sequence[str]) -> str:
    return f"# {hashlib.sha256(''.join(lines).encode()).hexdigest()}  {_LAST}\n"


def read_made_table(path: str | Path, columns: Sequence[str]) -> MadeTable:
    """Read these columns of a table of the workflow.

    Raises HandgradError if it was changed after it was made, was made by other code, or cannot be read.
    """
    own, made_from = _read_sums(path)
    with reading_result(path):
        data = Path(path).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    if own.get(Path(path).name) != sha256:
        raise HandgradError(
            f"{path}: changed after it was made: its sha256 is {sha256[:16]}..., which is not that in "
            f"{Path(path).name}{SUFFIX}; {REMEDY}"
        )
    if (code := made_from.get(_CODE.format(Path(path).stem))) != (here := _code_digest(path)):
        raise HandgradError(f"{path}: was made by other code (digest {code}, here {here}); {REMEDY}")
    return MadeTable(Path(path), parse_table(data, path, columns, REMEDY), sha256, made_from)


def _read_sums(path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """The digests of a table's own files, and of what it was made from, by path."""
    sums = Path(f"{path}{SUFFIX}")
    remedy = f"delete {path}, and run snakemake again"
    with reading_result(sums, absent=remedy):
        lines = sums.read_bytes().decode(errors="replace").splitlines(keepends=True)
    found = [_LINE.fullmatch(line.removesuffix("\n")) for line in lines]
    if not lines or lines[-1] != _last_line(lines[:-1]) or not all(found):
        raise HandgradError(f"{sums}: damaged, or changed after it was written; {remedy}")
    entries = [(bool(line[1]), line[3], line[2]) for line in found if line]
    own, made_from = ({n: d for source, n, d in entries if source is kind} for kind in (False, True))
    return own, made_from
