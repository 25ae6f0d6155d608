"""Texts of plots of any length and script: cut, in lines, or as numbers."""

import logging
import re
import unicodedata
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from handgrad.plots.style import FONT

logger = logging.getLogger("handgrad")


def class_labels(names: Sequence[str], dataset: str) -> list[str]:
    """The names of a dataset's classes as figures show them: all as numbers if one cannot be drawn.

    The font lacks many scripts. Matplotlib joins no letters and writes from left to right alone, so names in
    Arabic or Hebrew would be wrong though the font has their letters.
    """
    font = get_font(findfont(FontProperties(family=FONT)))

    def drawable(letter: str) -> bool:
        ordinary = unicodedata.category(letter)[0] != "C" and unicodedata.bidirectional(letter) not in (
            "R",
            "AL",
        )
        return ordinary and font.get_char_index(ord(letter)) != 0

    for number, name in enumerate(names):
        if not all(map(drawable, name)):
            logger.warning(
                "%s: class %d, %r, cannot be drawn in the font %s, so figures have class numbers; names are "
                "on the page and in datasets.%s.class_names",
                *(dataset, number, cut(name, 40), FONT, dataset),
            )
            return [str(label) for label in range(len(names))]
    return list(names)


def cut(name: str, letters: int) -> str:
    """Return a name, cut to this number of letters at most."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def text_width(text: str, size: float) -> float:
    """The width of a line of text in points, with every character as it is."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(family=FONT, size=size), ismath=False)
    return float(width)


def wrap_text(text: str, *, width: float, size: float) -> list[str]:
    """Lines no wider than ``width`` points: cut at a space or after an underscore, else where a line is full.

    Nothing is left out but the spaces at which lines end.
    """
    lines = [""]
    for word in re.findall(r"[^ _]*[ _]+|[^ _]+", text):
        pieces = [word] if text_width(word.rstrip(" "), size) <= width else list(word)
        for piece in pieces:
            if lines[-1] and text_width((lines[-1] + piece).rstrip(" "), size) > width:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip(" ") for line in lines]
