"""Sphinx builds the documentation from these pages: ``make docs``."""

import sys
import tomllib
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxTranslator

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "scripts")]

project = "handgrad"
author = "The handgrad developers"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "readability", "sphinx.ext.apidoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = True
#: references to other projects need a network
nitpick_ignore_regex = [("py:.*", r"(?!handgrad).*"), ("py:.*", r".*\._\w+")]

#: written at each build; Git ignores it
apidoc_modules = [
    {
        "path": "../scripts/handgrad",
        "destination": "reference/library",
        "exclude_patterns": ["**/cli"],
        "automodule_options": {"members", "undoc-members"},
    }
]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

myst_enable_extensions = ["dollarmath", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "handgrad"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["search.js"]
html_favicon = "_static/icon.svg"


def write_inline_math(translator: SphinxTranslator, node: nodes.math) -> None:
    """Write a formula as MathML, which browsers show without a script or a network."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def write_display_math(translator: SphinxTranslator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Let Sphinx write formulas as MathML."""
    app.add_html_math_renderer("mathml", (write_inline_math, None), (write_display_math, None))
