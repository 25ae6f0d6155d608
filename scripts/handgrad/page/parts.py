"""Pieces of a page in one file, without a request: tables that sort and filter, figures, captions, facts."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from handgrad.page.captions import caption_html, rst_html
from handgrad.plots.figure_files import read_figure
from handgrad.tables.columns import Column, html_table

ASSETS = ("scripts/handgrad/page/assets/page.*",)
PARTS = Path(__file__).parent / "assets"

_JINJA = Environment(
    loader=FileSystemLoader(PARTS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title, and pieces of HTML."""

    id: str
    title: str
    parts: Sequence[Markup]


def page(name: str, lead: Sequence[str], sections: Sequence[Section]) -> str:
    """A page of this name, as HTML; lead: what a reader must know first, a line each."""
    return _JINJA.get_template("page.html").render(
        name=name,
        lead=lead,
        sections=sections,
        css=Markup((PARTS / "page.css").read_text(encoding="utf-8")),  # noqa: S704, our own file
        js=Markup((PARTS / "page.js").read_text(encoding="utf-8")),  # noqa: S704, our own file
    )


def table_part(columns: Sequence[Column], marked: Iterable[bool] | None = None) -> Markup:
    """A table that sorts and filters; rows that are ``marked`` are set off."""
    table = Markup(html_table(columns, marked))  # noqa: S704, html_table escapes
    return Markup('<div class="scroll" tabindex="0">{}</div>').format(table)


def caption_part(name: str, context: Mapping[str, Any]) -> Markup:
    """The caption ``workflow/report/<name>.rst``; context: see ``context.caption_context``."""
    caption = Markup(caption_html(name, context))  # noqa: S704, docutils escapes
    return Markup('<div class="caption">{}</div>').format(caption)


def list_part(texts: Sequence[str]) -> Markup:
    """A list of paragraphs in reStructuredText."""
    html = rst_html("\n\n".join(f"- {text}" for text in texts))
    return Markup('<div class="caption">{}</div>').format(Markup(html))  # noqa: S704, docutils escapes


def text_part(text: str) -> Markup:
    """A paragraph of plain text."""
    return Markup("<p>{}</p>").format(text)


def warning_part(text: str) -> Markup:
    """A paragraph of plain text that nobody should miss."""
    return Markup('<p class="warning"><strong>Warning:</strong> {}</p>').format(text)


def heading_part(text: str) -> Markup:
    """A title within a section."""
    return Markup("<h3>{}</h3>").format(text)


def figure_part(path: str | Path, title: str, caption: Markup) -> Markup:
    """An SVG figure, as part of the page, under its title and above its caption.

    Raises HandgradError if the figure was changed after it was drawn.
    """
    data = base64.b64encode(read_figure(path)).decode("ascii")
    return Markup(
        '<figure><h3>{title}</h3><img alt="{title}" src="data:image/svg+xml;base64,{data}">'
        "<figcaption>{caption}</figcaption></figure>"
    ).format(title=title, data=data, caption=caption)


def facts_part(facts: Mapping[str, Any]) -> Markup:
    """A list of facts, each under its name."""
    items = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(*fact) for fact in facts.items())
    return Markup("<dl>{}</dl>").format(items)


def code_part(text: str, title: str) -> Markup:
    """Text as it stands, such as YAML."""
    return Markup('<pre tabindex="0" aria-label="{}">{}</pre>').format(title, text)
