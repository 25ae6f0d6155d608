"""Captions: the files of ``workflow/report``, for pages that are not Snakemake's own report.

They are written once, in reStructuredText with Jinja, for ``snakemake --report``, which gives them an object
``snakemake`` with the params of the rule. Here they get one that has the same param ``caption``.
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
    "report_level": 2,  # from warnings on
    "halt_level": 2,
    "_disable_config": True,  # whatever the user's own docutils.conf says
    "initial_header_level": 3,
}
# As Snakemake has it, but for what is not defined. noqa: it makes text, which docutils escapes.
_JINJA = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701


def caption_html(name: str, context: Mapping[str, Any]) -> str:
    """Return the caption ``workflow/report/<name>.rst`` as HTML; context: see ``context.caption_context``.

    Raises jinja2.UndefinedError if the caption names what the context does not have.
    """
    snakemake = SimpleNamespace(
        params=SimpleNamespace(caption=Untracked(context)), config={"name": context["experiment"]}
    )
    template = _JINJA.from_string((CAPTIONS / f"{name}.rst").read_text(encoding="utf-8"))
    return rst_html(template.render(snakemake=snakemake))


def rst_html(text: str) -> str:
    """reStructuredText as HTML for the body of a page. Raises docutils' SystemMessage if it is malformed."""
    body: str = publish_parts(text, writer="html5", settings_overrides=_SETTINGS)["body"]
    return body
