"""Read a table of text: CSV, TSV, or with another separator, gzipped or not.

All columns are text here; ``table_columns`` decides whether they are numbers. Nothing is guessed: a file that is
clearly not written as its options say is refused, with the option to set.
"""

import codecs
import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from handgrad.datasets.inputs import Bytes
from handgrad.formats.containers import Mismatch, read_content
from handgrad.formats.found import Entry

MOST_TEXT = (1 << 31) - 1  # bytes of a text table; Arrow's columns of text have 32-bit offsets
#: a gzip file that expands more than this is refused above SMALL bytes; tables expand up to about 50 times
MOST_EXPANSION = 200
SMALL = 1 << 26  # bytes
MOST_COLUMNS = 200_000
HEAD = 1 << 24  # bytes that are decoded to find the columns; also the longest line
FIRST = 20  # records that show the separator
SEPARATORS = (",", ";", "\t", "|", " ")
ZIP_MAGIC = b"PK\3\4"
YEARS, SCALE = 3, 8  # as many numbers that count (years), or that are in order (wavelengths), are surely names
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
UNSIGNED_INTEGER = re.compile(r"0|[1-9]\d*")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """How a text table is written: the options of a registry entry."""

    separator: str = ","
    decimal: str = "."
    header: bool = True


def text_options(path: Path, entry: Entry) -> TextOptions:
    """Return how an entry says that a table is written. Options that are null have their defaults."""
    header, separator = entry["header"], entry["separator"]
    return TextOptions(
        separator=tab_or_comma(path) if separator is None else separator,
        decimal=entry["decimal"] or ".",
        header=True if header is None else header,
    )


def tab_or_comma(path: Path) -> str:
    """Return the usual separator of a text file with this name."""
    return "\t" if {".tsv", ".tab"} & {suffix.lower() for suffix in path.suffixes[-2:]} else ","


def read_text(path: Path, options: TextOptions) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the names and the columns, as text, of a text file. Raises Mismatch if it is not one table."""
    if not options.separator.isascii() or options.separator in '"\r\n':
        raise Mismatch(path, f"separator {options.separator!r}", "an ASCII character that is no quotation mark")
    limit = min(MOST_TEXT, max(SMALL, MOST_EXPANSION * path.stat().st_size))
    content = read_content(path, limit + 1)
    if len(content) > limit:
        raise Mismatch(path, f"more than {limit} bytes of text", f"at most {limit}; unpack it, or use Parquet")
    head = content[:HEAD].tobytes()
    if head.startswith(ZIP_MAGIC) or b"\0" in head:
        kind = "a zip or Excel file" if head.startswith(ZIP_MAGIC) else "binary data or UTF-16 text"
        raise Mismatch(path, kind, "a table as UTF-8 text or Parquet; a spreadsheet can save it as CSV UTF-8")
    _check_utf8(path, content)
    lines = _lines(head)[: -1 if len(content) > HEAD else None]
    first = next(_records(lines, options.separator), None)
    if first is None:
        raise Mismatch(path, "no text", "a table")
    _check_separator(path, lines, options)
    names = tuple(name.strip() for name in first[1])
    if len(names) > MOST_COLUMNS:
        raise Mismatch(path, f"{len(names)} columns", f"at most {MOST_COLUMNS}")
    columns = _parse(path, content, options, len(names))
    _check_quotes(path, content, columns, options)
    if not options.header:
        _check_no_header(path, columns)
        return tuple(f"column {i}" for i in range(len(names))), columns
    columns = tuple(column.slice(1) for column in columns)
    if len(columns[0]):
        _check_header(path, names, columns, options.separator)
    return names, columns


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8-sig", errors="replace")
    return io.StringIO(text, newline=None).readlines()  # unlike splitlines, no other characters end a line


def _records(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of text that are not empty, and the line from 1 in which each starts."""
    reader = csv.reader(lines, delimiter=separator)
    line = 1
    with contextlib.suppress(csv.Error):  # a text too long for this reader: the callers use the start of the file
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1


def _check_separator(path: Path, lines: Sequence[str], options: TextOptions) -> None:
    """Raise Mismatch if another separator divides the first records into equal numbers of fields, and this does not."""
    separators = (*SEPARATORS, options.separator)
    start = {other: [row for _, row in islice(_records(lines, other), FIRST)] for other in separators}
    widths = {other: {len(row) for row in rows} for other, rows in start.items()}
    found = widths[options.separator]
    if len(found) == 1 and found != {1}:
        return
    for other in SEPARATORS:
        # a space is more often a part of a text, so it counts only if nothing else divides the records
        if len(widths[other]) != 1 or widths[other] == {1} or (other == " " and found != {1}):
            continue
        cells = [cell.strip() for row in start[other][1:] for cell in row]
        decimal = " and decimal: ','" if options.decimal == "." and any(map(DECIMAL_COMMA.fullmatch, cells)) else ""
        expected = f"{options.separator!r}; or set separator: {json.dumps(other)}{decimal}"
        raise Mismatch(path, f"its columns are separated by {other!r}", expected)


def _parse(path: Path, content: Bytes, options: TextOptions, width: int) -> tuple[Any, ...]:
    """Return the columns as text, the header included."""
    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "error"

    names = [str(i) for i in range(width)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(content)),
            # one thread, so that the row number of a ragged row is known
            read_options=pa.csv.ReadOptions(use_threads=False, column_names=names, block_size=HEAD),
            parse_options=pa.csv.ParseOptions(
                delimiter=options.separator, newlines_in_values=True, invalid_row_handler=keep
            ),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowException as error:
        if ragged:
            line = line_of(path, options.separator, ragged[0].number - 1)
            found = f"{ragged[0].actual_columns} columns"
            raise Mismatch(f"{path}: line {line}", found, f"{width}, as in the first line") from error
        raise Mismatch(path, f"not a table ({_one_line(error)})", "a table as UTF-8 text") from error
    return tuple(table.columns)


def _check_utf8(path: Path, content: Bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), HEAD):
        try:
            decoder.decode(content[start : start + HEAD].tobytes(), final=start + HEAD >= len(content))
        except UnicodeDecodeError as error:
            line = 1 + int(np.count_nonzero(content[: start + error.start] == ord("\n")))
            raise Mismatch(f"{path}: line {line}", "bytes that are not UTF-8", "text saved as UTF-8") from error


def _check_quotes(path: Path, content: Bytes, columns: Sequence[Any], options: TextOptions) -> None:
    """Raise Mismatch if a quotation mark is never closed. Arrow would take the rest of the file for one cell."""
    quoted = any((content[start : start + HEAD] == ord('"')).any() for start in range(0, len(content), HEAD))
    if not quoted or not any(pc.any(pc.match_substring(column, end)).as_py() for column in columns for end in "\r\n"):
        return
    lines = _lines(content.tobytes())
    started = 1
    reader = csv.reader(lines, delimiter=options.separator, strict=True)
    try:
        for _ in reader:
            started = reader.line_num + 1
    except csv.Error as error:
        raise Mismatch(f"{path}: line {started}", "a quotation mark is not closed", "pairs") from error


def _check_header(path: Path, names: Sequence[str], columns: Sequence[Any], separator: str) -> None:
    """Raise Mismatch if the first line is evidently data, or occurs again, as in files that were joined."""
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    steps = np.diff([float(name) for name in numbers])
    counted = all(map(UNSIGNED_INTEGER.fullmatch, numbers)) and (steps == 1).all()
    counted = counted and (numbers[:1] in (["0"], ["1"]) or len(numbers) >= YEARS)
    scale = len(numbers) >= SCALE and ((steps > 0).all() or (steps < 0).all())
    advice = "names; if the file has no header, set header: false"
    if numbers and not (counted or scale):
        raise Mismatch(f"{path}: line 1", f"the column name {numbers[0]!r}", advice)
    same: Any = None
    for name, column in zip(names, columns, strict=True):
        equal = pc.equal(pc.utf8_trim_whitespace(column), name)
        same = equal if same is None else pc.and_(same, equal)
        if not pc.any(equal).as_py():
            return
    row = pc.index(same, True).as_py()
    if row < 0:
        raise Mismatch(f"{path}: line 1", "each column name is also a value of its column", advice)
    raise Mismatch(f"{path}: line {line_of(path, separator, row + 1)}", "the first line again", f"one line of {advice}")


def _check_no_header(path: Path, columns: Sequence[Any]) -> None:
    """Raise Mismatch if the first line is evidently a header: texts that their columns do not have again."""
    first = [column[0] for column in columns]
    unique = (pc.sum(pc.equal(column, name)).as_py() == 1 for column, name in zip(columns, first, strict=True))
    numbers = any(NUMBER.fullmatch(name.as_py().strip()) for name in first)
    if len(columns[0]) > FIRST and not numbers and all(unique):
        raise Mismatch(f"{path}: line 1", f"{first[0].as_py()!r} above other values", "data; or set header: true")


def line_of(path: Path, separator: str, record: int) -> int:
    """Return the line of a text file, from 1, in which a record starts. Only messages need it, so it reads again."""
    lines = _lines(read_content(path, MOST_TEXT).tobytes())
    return next(islice(_records(lines, separator), record, None), (record + 1, []))[0]


def _one_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0]
