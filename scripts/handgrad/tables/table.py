"""What a table of the workflow is: the types of its columns, what people see of it, and its files."""

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.logs import logger
from handgrad.common.system_errors import reading_result
from handgrad.experiment.runs import Run
from handgrad.tables.checksums import MadeTable, read_checksums, write_checksums, write_text
from handgrad.tables.columns import Column, html_page, markdown_table, markdown_text

Row = dict[str, Any]

TEXT, NUMBER = "str", "float64"
#: pandas' Int64, since with a blank a plain integer column turns into floats
INTEGER = "Int64"


def column_types(kinds: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of columns whose values are of these Python types; an integer may be missing."""
    return {name: {str: TEXT, float: NUMBER}.get(kind, INTEGER) for name, kind in kinds.items()}


#: of the columns that say how a run is trained
AXIS_TYPES = column_types({axis.name: axis.type for axis in fields(Run)})


@dataclass(frozen=True, kw_only=True)
class TableKind:
    """One table of the workflow.

    types: of its columns, in the order of the CSV file. lines: what to know of such a table first, a sentence each. A
    table without a title is for programs alone. Of the others, columns: what people see; marked: rows that are set off;
    note: what else to know.
    """

    name: str
    types: Mapping[str, str]
    lines: Callable[[pd.DataFrame], list[str]]
    title: str = ""
    columns: Callable[[pd.DataFrame], list[Column]] = lambda _: []
    marked: Callable[[pd.DataFrame], Iterable[bool]] = lambda _: ()
    note: str = ""

    def typed(self, rows: pd.DataFrame | Iterable[Row]) -> pd.DataFrame:
        """Return a table of these columns and types, missing where rows have no such value."""
        data = rows if isinstance(rows, pd.DataFrame) else list(rows)
        return pd.DataFrame(data, columns=list(self.types)).astype(self.types)

    def texts(self, table: pd.DataFrame) -> dict[str, str]:
        """Return the content of the files of a table, by ending: csv, and for people md and html."""
        texts = {"csv": str(table.to_csv(index=False, lineterminator="\n"))}
        if self.title:
            lines, columns = self.lines(table), self.columns(table)
            listed = "".join(f"- {markdown_text(line)}\n" for line in lines)
            texts["md"] = "\n".join(filter(None, [listed, markdown_table(columns), self.note and f"{self.note}\n"]))
            texts["html"] = html_page(self.title, " ".join([*lines, self.note]), columns, self.marked(table))
        return texts

    def write(self, csv: str | Path, table: pd.DataFrame, made_from: Mapping[str, str]) -> None:
        """Write the files of a table with their checksums, and log its lines. made_from: digests by path."""
        files = {Path(csv).with_suffix(f".{ending}"): text for ending, text in self.texts(table).items()}
        for path, text in files.items():
            write_text(path, text)
        write_checksums(Path(csv), files, made_from, self._code())
        for line in self.lines(table):
            logger.info("%s", line)

    def read(self, path: str | Path) -> MadeTable:
        """Read a table that was written.

        Raises HandgradError if it was changed after it was made, was made by other code, or cannot be read.
        """
        own, made_from = read_checksums(Path(path))
        with reading_result(path):
            data = Path(path).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if own.get(Path(path).name) != sha256:
            raise HandgradError(
                f"{path}: changed after it was made: its sha256 is {sha256[:16]}..., which is not that in its "
                f"file of checksums; {REMEDY}"
            )
        name, here = self._code()
        if made_from.get(name) != here:
            raise HandgradError(f"{path}: was made by other code (digest {made_from.get(name)}, here {here}); {REMEDY}")
        return MadeTable(Path(path), self.parse(data, path), sha256, made_from)

    def parse(self, data: bytes, path: str | Path) -> pd.DataFrame:
        """Return the content of a CSV file as a table; a blank is a missing value.

        path: for the HandgradError that is raised if it lacks a column or has a value of the wrong kind.
        """
        try:
            # Left to itself, pandas takes a dataset called "null" or "NA" for a blank.
            table = pd.read_csv(io.BytesIO(data), dtype=self.types, keep_default_na=False, na_values=[""])
            return table[list(self.types)]
        except (ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise HandgradError(f"{path}: cannot be read as the table {self.name} ({reason}); {REMEDY}") from error

    def _code(self) -> tuple[str, str]:
        rule = f"aggregate_{self.name}"
        return f"the code of {rule}", code_digest(rule)


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, each a mapping from its columns' names to plain Python values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
