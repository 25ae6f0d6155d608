"""Tables for people, in Markdown and HTML. A column is a title and the texts of its cells."""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from handgrad.experiment.published import SETTINGS
from handgrad.experiment.runs import AXES, canonical_text

#: titles of the axes of the published table, in the order of its columns
TITLES = dict(zip(SETTINGS, ("DATASET", "AF", "HU", "LR", "BS", "EP", "lambda"), strict=True))


@dataclass(frozen=True)
class Column:
    """A column for people. numeric: its cells begin with numbers. choose: the page filters rows by its values."""

    title: str
    texts: Sequence[str]
    numeric: bool = True
    choose: bool = False


def column(
    title: str, form: str | Callable[..., str], *values: "pd.Series[Any]", missing: str = "", numeric: bool = True
) -> Column:
    """Return a column that formats the values of each row with ``form``. missing: the text if a value is missing."""
    text = form.format if isinstance(form, str) else form
    rows = zip(*(one.tolist() for one in values), strict=True)
    return Column(title, [missing if any(map(pd.isna, row)) else text(*row) for row in rows], numeric)


def axis_title(name: str) -> str:
    """Return the title of an axis: the published title if it exists, otherwise its name."""
    return TITLES.get(name, name.replace("_", " ").upper())


def plain_column(table: pd.DataFrame, name: str, title: str | None = None) -> Column:
    """Return a column that formats values as run names do (``canonical_text``).

    A missing value is blank. A missing train_size means all examples, so it is shown as "all".
    """
    missing = "all" if name == "train_size" else ""
    numeric = pd.api.types.is_numeric_dtype(table[name])
    shown = column(title or axis_title(name), canonical_text, table[name], missing=missing, numeric=numeric)
    return replace(shown, choose=not numeric or name in AXES)


def percent_column(title: str, fractions: "pd.Series[float]", missing: str = "") -> Column:
    """Return a column that shows fractions in percent."""
    return column(title, "{:.2f}%", 100 * fractions, missing=missing)


def range_column(title: str, low: "pd.Series[float]", high: "pd.Series[float]") -> Column:
    """Return a column that shows two fractions in percent, as "low to high"."""
    return column(title, "{:.2f} to {:.2f}", 100 * low, 100 * high)


def with_texts(*columns: Column) -> list[Column]:
    """Return the columns that are not blank in every row."""
    return [one for one in columns if any(one.texts)]


def markdown_text(text: str) -> str:
    """Return a text on one line, escaped so that Markdown shows it literally, also in a cell of a table."""
    text = html.escape(" ".join(text.split()), quote=False)
    text = re.sub(r"[\\`*\[\]|~$]", r"\\\g<0>", text)
    # An underscore within a word is not markup. Without escapes, run names can be copied from a terminal.
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def markdown_table(columns: Sequence[Column]) -> str:
    """Return a Markdown table with one line for each row and numbers aligned to the right."""
    rows = zip(*(map(markdown_text, one.texts) for one in columns), strict=True)
    table = pd.DataFrame(list(rows), columns=[markdown_text(one.title) for one in columns])
    alignment = ["right" if one.numeric else "left" for one in columns]
    lines = table.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True)
    return f"{lines}\n"


def html_table(columns: Sequence[Column], marked: Iterable[bool] = ()) -> str:
    """Return an HTML table for the body of a page, with ``marked`` rows highlighted."""
    return _TABLE.render(columns=columns, rows=range(len(columns[0].texts)), marks=list(marked))


def html_page(title: str, summary: str, columns: Sequence[Column], marked: Iterable[bool] = ()) -> str:
    """Return a self-contained HTML page with one table, with ``marked`` rows highlighted."""
    return _PAGE.render(title=title, summary=summary, style=_STYLE, table=html_table(columns, marked))


_STYLE = """
body { margin: 1rem; color: #1a1a1a; background: #fff; font: 15px/1.4 system-ui, sans-serif; }
p { margin: 0 0 .75rem; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #eef1f4; border-bottom: 2px solid #8a949e; text-align: left; }
th, td { padding: .3rem .7rem; white-space: nowrap; }
td { border-bottom: 1px solid #e3e7eb; }
.n, td { text-align: right; }
td.t { text-align: left; }
tbody tr:hover td { background: #f4f8fb; }
.marked td { background: #fdf3e1; font-style: italic; }
@media print { th { position: static; } body { margin: 0; font-size: 9pt; } }
"""

_JINJA = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
_JINJA.globals.update(number=Markup(' class="n"'), choose=Markup(" data-choose"), mark=Markup(' class="marked"'))
_JINJA.globals.update(text=Markup(" class=t"))

# Thousands of rows must stay small: HTML needs no end tags of cells and rows, and cells of numbers need no class.
_TABLE = _JINJA.from_string("""\
<table>
<thead><tr>
{%- for column in columns %}
<th scope="col"{{ number if column.numeric }}{{ choose if column.choose }}>
{{- column.title|replace("lambda", "λ") }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{% for i in rows %}
<tr{{ mark if marks and marks[i] }}>
{%- for column in columns %}
<td{{ text if not column.numeric }}>{{ column.texts[i] }}
{%- endfor %}

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
