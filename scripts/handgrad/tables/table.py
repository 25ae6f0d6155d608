"""Tables as CSV for programs, Markdown and HTML for people.

A table is a DataFrame with the columns' plain names and values in full precision. What people see of
it is a list of ``Column``: a title and the texts of the cells.
"""

import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

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

_REMEDY = "correct it, and run snakemake again"
# Columns that may be blank need pandas' Int64: with a blank, a plain integer column turns into floats.
_KINDS: dict[Any, str] = {str: "str", float: "float64"}
_AXIS_TYPES = {axis.name: _KINDS.get(axis.type, "Int64") for axis in fields(Run)}
_INTEGERS = """
    faults faults_min faults_max validation_faults published_faults seeds_fewest_faults seeds_most_faults
    test_size published_test_size seeds finished diverged settings left_out
"""
_NUMBERS = """
    accuracy accuracy_low accuracy_high accuracy_min accuracy_max accuracy_mean accuracy_sd published_accuracy
    faults_mean faults_sd validation_faults_mean difference_percent difference_points
    loss loss_mean loss_sd published_loss p_holm seconds
"""
_TEXTS = "status against_best verdict content_sha256 run best_of chosen_on"
#: the type of each column of a table, except the numbers of gradient checks
TYPES: dict[str, str] = {
    **_AXIS_TYPES,
    **{f"published_{axis}": kind for axis, kind in _AXIS_TYPES.items()},
    **dict.fromkeys(_INTEGERS.split(), "Int64"),
    **dict.fromkeys(_NUMBERS.split(), "float64"),
    **dict.fromkeys(_TEXTS.split(), "str"),
}


def typed(rows: pd.DataFrame | Iterable[Row], columns: Sequence[str]) -> pd.DataFrame:
    """A table of these columns, missing where rows have none, of the types that ``read_table`` gives them."""
    data = rows if isinstance(rows, pd.DataFrame) else list(rows)
    table = pd.DataFrame(data, columns=list(columns))
    return table.astype({name: TYPES[name] for name in columns if name in TYPES})


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, each a mapping from its columns' names to plain Python values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def varying(table: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Those of the columns that hold more than one value."""
    return [name for name in names if len(table[name].unique()) > 1]


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


@dataclass(frozen=True)
class Column:
    """A column as people see it: its title, the texts of its cells, and whether these are numbers.

    keys: what a page sorts a numeric column by where that is not the number that a text begins with. choose:
    whether a page offers the column's values to choose rows by.
    """

    title: str
    texts: Sequence[str]
    numeric: bool = True
    keys: Sequence[float] | None = None
    choose: bool = False


def column(
    title: str, form: str | Callable[..., str], *values: "pd.Series[Any]", missing: str = "", numeric: bool = True
) -> Column:
    """A column with the text ``form`` of the values of each row, ``missing`` where one of them is missing."""
    text = form.format if isinstance(form, str) else form
    rows = zip(*(one.tolist() for one in values), strict=True)
    return Column(title, [missing if any(map(pd.isna, row)) else text(*row) for row in rows], numeric)


def axis_title(name: str) -> str:
    """The title of an axis: the published one if there is one."""
    return TITLES.get(name, name.replace("_", " ").upper())


def plain_column(table: pd.DataFrame, name: str, title: str | None = None) -> Column:
    """Return a column that shows values as names do (``canonical_text``), blank for a missing one.

    Training on all examples, which the table has as a missing train_size, is shown as such.
    """
    missing = "all" if name == "train_size" else ""
    is_text = TYPES.get(name) == "str"
    shown = column(title or axis_title(name), canonical_text, table[name], missing=missing, numeric=not is_text)
    return replace(shown, choose=is_text or name in _AXIS_TYPES)


def percent_column(title: str, fractions: "pd.Series[float]", missing: str = "") -> Column:
    """A column of fractions, shown in percent."""
    return column(title, "{:.2f}%", 100 * fractions, missing=missing)


def range_column(title: str, low: "pd.Series[float]", high: "pd.Series[float]") -> Column:
    """A column of two fractions, shown in percent: from the first to the second."""
    return column(title, "{:.2f} to {:.2f}", 100 * low, 100 * high)


def with_texts(*columns: Column) -> list[Column]:
    """Those of the columns that are not blank in every row."""
    return [one for one in columns if any(one.texts)]


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no markup, HTML, formula or end of a cell in it."""
    text = html.escape(" ".join(text.split()), quote=False)
    text = re.sub(r"[\\`*\[\]|~$]", r"\\\g<0>", text)
    # An underscore within a word is no markup, and escaping it would spoil the names of runs in a terminal.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def markdown_table(columns: Sequence[Column]) -> str:
    """A Markdown table, one line a row, numbers to the right; ends with a newline."""
    rows = zip(*(map(markdown_text, one.texts) for one in columns), strict=True)
    table = pd.DataFrame(list(rows), columns=[markdown_text(one.title) for one in columns])
    alignment = ["right" if one.numeric else "left" for one in columns]
    lines = table.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True)
    return f"{lines}\n"


def html_table(columns: Sequence[Column], marked: Iterable[bool] | None = None) -> str:
    """A table as HTML for the body of a page; rows that are ``marked`` are set off from the others."""
    rows = len(columns[0].texts) if columns else 0
    marks = [False] * rows if marked is None else list(marked)
    return _TABLE.render(columns=columns, marks=marks, titles={TITLES["l2"]: "λ"})


def html_page(title: str, summary: str, columns: Sequence[Column], marked: Iterable[bool] | None = None) -> str:
    """A self-contained page with one table; rows that are ``marked`` are set off from the others."""
    return _PAGE.render(title=title, summary=summary, style=_STYLE, table=html_table(columns, marked))


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

_JINJA = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
_JINJA.globals.update(
    number=Markup(' class="n"'),
    choose=Markup(" data-choose"),
    mark=Markup(' class="marked"'),
    key=Markup(' data-key="%.9g"'),
)

_TABLE = _JINJA.from_string("""\
<table>
<thead><tr>
{%- for column in columns %}
<th scope="col"{{ number if column.numeric }}{{ choose if column.choose }}>
{{- titles.get(column.title, column.title) }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{% for marked in marks %}
{% set i = loop.index0 %}
<tr{{ mark if marked }}>
{%- for column in columns %}
<td{{ number if column.numeric }}{{ key|format(column.keys[i]) if column.keys }}>{{ column.texts[i] }}</td>
{%- endfor %}
</tr>
{% endfor %}
</tbody>
</table>""")

_PAGE = _JINJA.from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<p>{{ summary }}</p>
{{ table|safe }}
</body>
</html>
""")
