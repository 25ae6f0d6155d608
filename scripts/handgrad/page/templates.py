"""The Jinja environment of the page templates in ``assets``."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handgrad.common.formatting import counted
from handgrad.experiment.runs import canonical_text

ASSETS = ("scripts/handgrad/page/assets/*",)


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "assets"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(
    counted=counted,
    number="{:,}".format,
    value=lambda value: "all" if value is None else canonical_text(value),
)
