"""What tests ask of a plot: its texts, its legend, and that people can read it."""

import xml.etree.ElementTree as ET
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from handgrad.plots.style import save_figure, style


def save(figure: Figure, path: Path) -> str:
    """Return the SVG of a plot, which must be well-formed and of a readable width."""
    save_figure(path, figure)
    text = path.read_text()
    assert 300 < float(ET.fromstring(text).attrib["width"].removesuffix("pt")) < 1000  # noqa: S314, our own
    return text


def require_readable(figure: Figure) -> None:
    """Fail if anything that is drawn is outside the plot, or a text with a $ is taken for a formula."""
    with style():
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    assert drawn.x0 > -0.02 < drawn.y0
    assert drawn.x1 < width + 0.02
    assert drawn.y1 < height + 0.02
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())


def words(figure: Figure) -> list[str]:
    """Return the texts that are on the plot itself, such as why there is nothing to draw."""
    return [text.get_text() for text in figure.texts]


def titles(figure: Figure) -> list[str]:
    """Return the titles of the panels."""
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def legend_texts(figure: Figure) -> list[str]:
    """Return the labels of the legend."""
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]
