"""Tables as CSV for programs, Markdown and HTML for people.

A table is a DataFrame with the columns' plain names and values in full precision. What people see of
it is a list of ``Column``: a title and the text of a cell.
"""

import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import Run, canonical_text

Row = dict[str, Any]

#: the published titles of the axes that the published table has, in its order
TITLES = {
    "dataset": "DATASET",
    "activation": "AF",
    "hidden_units": "HU",
    "learning_rate": "LR",
    "batch_size": "BS",
    "epochs": "EP",
    "l2": "lambda",
}

# Columns that may be blank need pandas' Int64: with a blank, a plain integer column turns into floats.
_KINDS: dict[Any, str] = {str: "str", float: "float64"}
_REMEDY = "correct it, and run snakemake again"
_AXIS_TYPES = {axis.name: _KINDS.get(axis.type, "Int64") for axis in fields(Run)}
TYPES = {
    **_AXIS_TYPES,
    **dict.fromkeys(("faults", "validation_faults", "published_faults"), "Int64"),
    **dict.fromkeys(("test_size", "published_test_size"), "Int64"),
    **dict.fromkeys(("seeds", "finished", "diverged", "faults_min", "faults_max"), "Int64"),
    **dict.fromkeys(("seeds_fewest_faults", "seeds_most_faults", "left_out"), "Int64"),
    **dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high", "loss", "p_holm", "seconds"), "float64"),
    **{f"{figure}_{what}": "float64" for figure in ("accuracy", "faults", "loss") for what in ("mean", "sd")},
    **dict.fromkeys(("published_loss", "difference_percent"), "float64"),
    **{f"published_{axis}": kind for axis, kind in _AXIS_TYPES.items()},
    **dict.fromkeys(("published_accuracy", "accuracy_min", "accuracy_max"), "float64"),
    **dict.fromkeys(("validation_faults_mean", "difference_points"), "float64"),
    **dict.fromkeys(("settings",), "Int64"),
    **dict.fromkeys(("status", "against_best", "verdict", "content_sha256", "run", "rule"), "str"),
    **dict.fromkeys(("best_of", "chosen_on"), "str"),
    "jobs": "Int64",
}


@dataclass(frozen=True)
class Column:
    """A column as people see it: its title, the text of a row's cell, and whether that is a number.

    key: what a page sorts a numeric column by where that is not the number that its text begins with. choose:
    whether a page offers the column's values to choose rows by.
    """

    title: str
    text: Callable[[Row], str]
    numeric: bool = True
    key: Callable[[Row], float] | None = None
    choose: bool = False


def plain_column(name: str, title: str | None = None) -> Column:
    """A column that shows values as they stand in names (``canonical_text``), blank for none."""

    def text(row: Row) -> str:
        return "" if pd.isna(row[name]) else canonical_text(row[name])

    is_text = TYPES[name] == "str"
    return Column(title or TITLES[name], text, numeric=not is_text, choose=is_text or name in _AXIS_TYPES)


def format_column(name: str, title: str, form: str, *, unit: str = "") -> Column:
    """A column of numbers in a format such as ``.2f``, each followed by its unit, blank for none."""

    def text(row: Row) -> str:
        return "" if pd.isna(row[name]) else f"{row[name]:{form}}{unit}"

    return Column(title, text)


def typed(rows: Iterable[Row], columns: Sequence[str]) -> pd.DataFrame:
    """A table from rows, its columns in this order and of the types that ``read_table`` gives them."""
    table = pd.DataFrame(list(rows), columns=list(columns))
    return table.astype({name: TYPES[name] for name in columns if name in TYPES})


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, each a mapping from its columns' names to plain Python values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def read_table(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read these columns of a CSV file of the user, such as the published table; a blank is a missing value.

    Raises HandgradError if the file cannot be read, lacks a column or has a value of the wrong kind.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise HandgradError(f"{path}: cannot be read as a table ({error.strerror}); {_REMEDY}") from error
    return parse_table(data, path, columns, _REMEDY)


def parse_table(data: bytes, path: str | Path, columns: Sequence[str], remedy: str) -> pd.DataFrame:
    """These columns of the content of a CSV file. path, remedy: for the errors, as ``read_table`` raises."""
    try:
        # Left to itself, pandas takes a dataset called "null" or "NA" for a blank.
        table = pd.read_csv(io.BytesIO(data), dtype=TYPES, keep_default_na=False, na_values=[""])
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise HandgradError(f"{path}: cannot be read as a table ({reason}); {remedy}") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise HandgradError(f"{path}: has no column {', '.join(missing)}, expected {', '.join(columns)}; {remedy}")
    return table[list(columns)]


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table as CSV: floats as ``repr`` writes them, blank for a missing value."""
    with whole_file(path) as part:
        table.to_csv(part, index=False, lineterminator="\n")


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8; the file appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no markup, HTML, formula or end of a cell in it."""
    text = html.escape(" ".join(text.split()), quote=False)
    text = re.sub(r"[\\`*\[\]|~$]", r"\\\g<0>", text)
    # An underscore within a word is no markup, and escaping it would spoil the names of runs in a terminal.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def markdown_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A Markdown table, one line a row, numbers to the right; ends with a newline."""
    titles = [markdown_text(column.title) for column in columns]
    cells = [[markdown_text(column.text(row)) for column in columns] for row in rows]
    alignment = ["right" if column.numeric else "left" for column in columns]
    table = pd.DataFrame(cells, columns=titles)
    lines = table.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True)
    return f"{lines}\n"


def html_page(
    title: str, summary: str, columns: Sequence[Column], rows: Sequence[Row], marked: Callable[[Row], bool]
) -> str:
    """A self-contained page with one table; rows for which ``marked`` holds are set off from the others."""
    return _PAGE.format(
        title=html.escape(title),
        summary=html.escape(summary),
        style=_STYLE,
        table=html_table(columns, rows, marked),
    )


def html_table(columns: Sequence[Column], rows: Sequence[Row], marked: Callable[[Row], bool]) -> str:
    """A table as HTML for the body of a page; rows for which ``marked`` holds are set off from the others."""
    head = "".join(map(_html_head, columns))
    body = "\n".join(_html_row(columns, row, marked(row)) for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_head(column: Column) -> str:
    choose = " data-choose" if column.choose else ""
    return f'<th scope="col"{_side(column)}{choose}>{_html_title(column)}</th>'


def _html_row(columns: Sequence[Column], row: Row, marked: bool) -> str:
    cells = (f"<td{_side(column)}{_key(column, row)}>{html.escape(column.text(row))}</td>" for column in columns)
    return f"<tr{_MARK if marked else ''}>{''.join(cells)}</tr>"


def _key(column: Column, row: Row) -> str:
    return f' data-key="{column.key(row):.9g}"' if column.key else ""


def _side(column: Column) -> str:
    return _NUMBER if column.numeric else ""


def _html_title(column: Column) -> str:
    return "λ" if column.title == TITLES["l2"] else html.escape(column.title)


_NUMBER = ' class="n"'
_MARK = ' class="marked"'

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<p>{summary}</p>
{table}
</body>
</html>
"""

_STYLE = """
body { margin: 1rem; color: #1a1a1a; background: #fff; font: 15px/1.4 system-ui, sans-serif; }
p { margin: 0 0 .75rem; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #eef1f4; border-bottom: 2px solid #8a949e; text-align: left; }
th, td { padding: .3rem .7rem; white-space: nowrap; }
td { border-bottom: 1px solid #e3e7eb; }
.n { text-align: right; }
tbody tr:hover td { background: #f4f8fb; }
.marked td { background: #fdf3e1; font-style: italic; }
@media print { th { position: static; } body { margin: 0; font-size: 9pt; } }
"""
