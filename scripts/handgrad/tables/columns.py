"""Tables as people see them, in Markdown and HTML: columns, each a title and the texts of its cells."""

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

#: the published titles of the axes that the published table has, in its order
TITLES = dict(zip(SETTINGS, ("DATASET", "AF", "HU", "LR", "BS", "EP", "lambda"), strict=True))


@dataclass(frozen=True)
class Column:
    """A column as people see it: its title, the texts of its cells, and whether these begin with numbers.

    choose: whether a page offers the column's values to choose rows by.
    """

    title: str
    texts: Sequence[str]
    numeric: bool = True
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
    numeric = pd.api.types.is_numeric_dtype(table[name])
    shown = column(title or axis_title(name), canonical_text, table[name], missing=missing, numeric=numeric)
    return replace(shown, choose=not numeric or name in AXES)


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


def html_table(columns: Sequence[Column], marked: Iterable[bool] = ()) -> str:
    """A table as HTML for the body of a page; rows that are ``marked`` are set off from the others."""
    return _TABLE.render(columns=columns, rows=range(len(columns[0].texts)), marks=list(marked))


def html_page(title: str, summary: str, columns: Sequence[Column], marked: Iterable[bool] = ()) -> str:
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
_JINJA.globals.update(number=Markup(' class="n"'), choose=Markup(" data-choose"), mark=Markup(' class="marked"'))

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
<td{{ number if column.numeric }}>{{ column.texts[i] }}</td>
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
