"""The Jinja environment of the page templates in ``assets``."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from handgrad.common.formatting import counted
from handgrad.experiment.runs import canonical_text

ASSETS = ("scripts/handgrad/page/assets/*",)
FOLDER = Path(__file__).parent / "assets"

TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def asset(name: str) -> Markup:
    """Return the text of a file in ``assets`` that is no template: a script or a style sheet of ours."""
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704, it is not user input


TEMPLATES.globals.update(asset=asset)
TEMPLATES.filters.update(
    counted=counted,
    number="{:,}".format,
    value=lambda value: "all" if value is None else canonical_text(value),
)
