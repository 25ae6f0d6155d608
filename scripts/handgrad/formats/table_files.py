"""Read the columns of a table from a text file (CSV, TSV, gzipped or not) or a Parquet file.

Columns of a text file are text here; ``table_columns`` decides whether they are numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from handgrad.formats.containers import Mismatch
from handgrad.formats.table_text import MOST_COLUMNS, TextOptions, line_of, read_text

MOST_CELLS = 1 << 29  # 2 GiB of float32


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of equal length, at least one row. names: unique, except that several may be empty.

    options: None for Parquet. categorical: the columns that Parquet declares as categories (dictionaries).
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[Any, ...]
    options: TextOptions | None
    categorical: frozenset[int] = frozenset()

    @property
    def rows(self) -> int:
        """Return the number of rows, without the header."""
        return len(self.columns[0])

    def title(self, column: int) -> str:
        """Return how messages call a column."""
        if self.options and not self.options.header:
            return self.names[column]
        return f"column {shown(self.names[column])}" if self.names[column] else f"column {column} (without a name)"

    def where(self, column: int, row: int | None = None) -> str:
        """Return the place of a cell for a message: its line in a text file, its row from 1 in Parquet."""
        place = "" if row is None else f", {self.place(row)}"
        return f"{self.path}: {self.title(column)}{place}"

    def place(self, row: int) -> str:
        """Return the place of a row."""
        if self.options is None:
            return f"row {row + 1}"
        return f"line {line_of(self.path, self.options.separator, row + self.options.header)}"

    def select(self, names: Sequence[str]) -> "Table":
        """Return the table with these columns in this order. Raises Mismatch if one is missing."""
        for name in names:
            if name not in self.names:
                raise Mismatch(self.path, f"no column {name!r}", f"a column of this name; found {listed(self.names)}")
        chosen = [self.names.index(name) for name in names]
        return replace(
            self,
            names=tuple(names),
            columns=tuple(self.columns[column] for column in chosen),
            categorical=frozenset(i for i, column in enumerate(chosen) if column in self.categorical),
        )


def shown(value: object) -> str:
    """Return a value of a table for a message, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def listed(texts: Sequence[str]) -> str:
    """Return texts for a message, at most ten of them."""
    return ", ".join(map(shown, texts[:10])) + (f" and {len(texts) - 10} more" if len(texts) > 10 else "")


def read_table(path: Path, options: TextOptions) -> Table:
    """Return the table in a file. Raises Mismatch, with the line where possible, if it is not one table of UTF-8 text
    or Parquet, or if a name occurs twice."""
    with path.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
    if parquet:
        table = _read_parquet(path)
    else:
        names, columns = read_text(path, options)
        table = Table(path=path, names=names, columns=columns, options=options)
    if table.rows == 0:
        raise Mismatch(path, "a table without rows", "at least one row")
    seen: set[str] = set()
    for name in filter(None, table.names):
        if name in seen:
            raise Mismatch(path, f"two columns are called {shown(name)}", "different names")
        seen.add(name)
    return table


def _check_size(path: Path, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise Mismatch(path, f"{rows} rows x {columns} columns", f"at most {MOST_COLUMNS} columns, {MOST_CELLS} cells")


def _read_parquet(path: Path) -> Table:
    try:
        schema = pa.parquet.read_schema(path)
        # As a dictionary, a text that repeats is in memory once, however often a small file repeats it.
        kinds = zip(schema.names, schema.types, strict=True)
        text = [name for name, kind in kinds if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
        with pa.parquet.ParquetFile(path, read_dictionary=text) as file:
            _check_size(path, file.metadata.num_rows, file.metadata.num_columns)
            table = file.read(use_threads=False)
        table.validate(full=True)  # the text is UTF-8
        # Arrow restores dictionaries of text only; pandas also says which numbers are categories
        facts = (schema.pandas_metadata or {}).get("columns", ())
        categorical = {fact["name"] for fact in facts if fact["pandas_type"] == "categorical"}
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Mismatch(path, f"damaged Parquet ({reason})", "a complete Parquet file") from error
    return Table(
        path=path,
        names=tuple(name.strip() for name in schema.names),
        columns=tuple(table.columns),
        options=None,
        categorical=frozenset(
            number
            for number, field in enumerate(schema)
            if pa.types.is_dictionary(field.type) or field.name in categorical
        ),
    )
