"""The kinds of tables: types of columns, presentation for people, and files."""

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
from handgrad.tables.checksums import MadeTable, read_checksums, require_unchanged, write_checksums, write_text
from handgrad.tables.columns import Column, html_page, markdown_table, markdown_text

Row = dict[str, Any]

TEXT, NUMBER = "str", "float64"
#: the nullable integer type of pandas: a plain integer column with a missing value would become float
INTEGER = "Int64"


def column_types(kinds: Mapping[str, Any]) -> dict[str, str]:
    """Return the column types for these Python types; integers may be missing."""
    return {name: {str: TEXT, float: NUMBER}.get(kind, INTEGER) for name, kind in kinds.items()}


#: types of the axis columns
AXIS_TYPES = column_types({axis.name: axis.type for axis in fields(Run)})


@dataclass(frozen=True, kw_only=True)
class TableKind:
    """A kind of table of the workflow.

    types: of the columns, in the order of the CSV file. lines: returns the sentences above the table. title: empty if
    only programs read the table. columns: returns the columns for people. marked: returns which rows to highlight.
    note: text below the table.
    """

    name: str
    types: Mapping[str, str]
    lines: Callable[[pd.DataFrame], list[str]]
    title: str = ""
    columns: Callable[[pd.DataFrame], list[Column]] = lambda _: []
    marked: Callable[[pd.DataFrame], Iterable[bool]] = lambda _: ()
    note: str = ""

    def typed(self, rows: pd.DataFrame | Iterable[Row]) -> pd.DataFrame:
        """Return a table with these columns and types; values that rows lack are missing."""
        data = rows if isinstance(rows, pd.DataFrame) else list(rows)
        return pd.DataFrame(data, columns=list(self.types)).astype(self.types)

    def texts(self, table: pd.DataFrame) -> dict[str, str]:
        """Return the content of the files of a table by extension: csv, and with a title also md and html."""
        texts = {"csv": str(table.to_csv(index=False, lineterminator="\n"))}
        if self.title:
            lines, columns = self.lines(table), self.columns(table)
            listed = "".join(f"- {markdown_text(line)}\n" for line in lines)
            texts["md"] = "\n".join(filter(None, [listed, markdown_table(columns), self.note and f"{self.note}\n"]))
            texts["html"] = html_page(self.title, " ".join([*lines, self.note]), columns, self.marked(table))
        return texts

    def write(self, csv: str | Path, table: pd.DataFrame, made_from: Mapping[str, str]) -> None:
        """Write the files of a table with their checksums, and log its lines. made_from: digests of inputs by path."""
        files = {Path(csv).with_suffix(f".{ending}"): text for ending, text in self.texts(table).items()}
        for path, text in files.items():
            write_text(path, text)
        write_checksums(Path(csv), files, made_from, self._code())
        for line in self.lines(table):
            logger.info("%s", line)

    def read(self, path: str | Path) -> MadeTable:
        """Read a table from its files.

        Raises HandgradError if it was changed after it was made, was made by different code, or cannot be read.
        """
        own, made_from = read_checksums(Path(path))
        with reading_result(path):
            data = Path(path).read_bytes()
        sha256 = require_unchanged(path, data, own)
        name, here = self._code()
        if made_from.get(name) != here:
            raise HandgradError(
                f"{path}: was made by different code, found digest {made_from.get(name)}, expected {here}; {REMEDY}"
            )
        return MadeTable(Path(path), self.parse(data, path), sha256, made_from)

    def parse(self, data: bytes, path: str | Path) -> pd.DataFrame:
        """Return the content of a CSV file as a table; an empty cell is a missing value.

        path: named in the HandgradError that is raised if a column is missing or a value has the wrong type.
        """
        try:
            # By default, pandas would read a dataset named "null" or "NA" as a missing value.
            table = pd.read_csv(io.BytesIO(data), dtype=self.types, keep_default_na=False, na_values=[""])
            return table[list(self.types)]
        except (ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise HandgradError(f"{path}: cannot be read as the table {self.name} ({reason}); {REMEDY}") from error

    def _code(self) -> tuple[str, str]:
        rule = f"aggregate_{self.name}"
        return f"the code of {rule}", code_digest(rule)


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of a table as dictionaries of plain Python values by column name."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
