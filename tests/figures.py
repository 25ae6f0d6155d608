"""Helpers for tests of plots: texts, legends and a check that a plot is readable."""

import xml.etree.ElementTree as ET
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from handgrad.plots.style import save_figure, style


def save(figure: Figure, path: Path) -> str:
    """Save a plot, require that its SVG is well-formed and has a readable width, and return the SVG."""
    save_figure(path, figure)
    text = path.read_text()
    assert 300 < float(ET.fromstring(text).attrib["width"].removesuffix("pt")) < 1000  # noqa: S314, our own
    return text


def require_readable(figure: Figure) -> None:
    """Fail if something is drawn outside the plot, or if matplotlib reads a $ in a text as a formula."""
    with style():
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    assert drawn.x0 > -0.02 < drawn.y0
    assert drawn.x1 < width + 0.02
    assert drawn.y1 < height + 0.02
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())


def words(figure: Figure) -> list[str]:
    """Return the texts on the figure itself, such as its title or a message."""
    return [text.get_text() for text in figure.texts]


def titles(figure: Figure) -> list[str]:
    """Return the titles of the panels."""
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def legend_texts(figure: Figure) -> list[str]:
    """Return the labels of the legend."""
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]
