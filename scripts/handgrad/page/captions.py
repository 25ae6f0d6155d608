"""Rendering the captions in ``workflow/report`` for the page.

The captions are reStructuredText with Jinja. ``snakemake --report`` renders them with an object ``snakemake`` that has
the params of the rule. This module renders the same files with an object that has the same param ``caption``.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from handgrad.common.untracked import Untracked

ASSETS = ("workflow/report/*.rst",)
CAPTIONS = Path(__file__).parents[3] / "workflow" / "report"

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 2,  # warnings and above
    "halt_level": 2,
    "_disable_config": True,  # ignore the docutils.conf of the user
    "initial_header_level": 3,
}
# The settings of Snakemake, except that undefined names are errors. noqa: the output is text, and docutils escapes it.
_JINJA = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701


def caption_html(name: str, context: Mapping[str, Any]) -> str:
    """Return the caption ``workflow/report/<name>.rst`` as HTML, with its list of columns folded.

    context: from ``context.caption_context``. Raises jinja2.UndefinedError if the caption uses an undefined name.
    """
    snakemake = SimpleNamespace(
        params=SimpleNamespace(caption=Untracked(context)), config={"name": context["experiment"]}
    )
    template = _JINJA.from_string((CAPTIONS / f"{name}.rst").read_text(encoding="utf-8"))
    caption, columns, definitions = rst_html(template.render(snakemake=snakemake)).partition("<dl")
    return f"{caption}<details><summary>Columns</summary>{columns}{definitions}</details>" if columns else caption


def rst_html(text: str) -> str:
    """Return reStructuredText as HTML for the body of a page. Raises docutils' SystemMessage if it is malformed."""
    body: str = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)["body"]
    return body
