"""Text cut into lines that have room, for names whose length nobody knows beforehand."""

import re

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from handgrad.plot_style import FONT


def text_width(text: str, size: float) -> float:
    """The width of a line of text in points, with every character as it is."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(family=FONT, size=size), ismath=False
    )
    return float(width)


def text_lines(text: str, *, width: float, size: float) -> list[str]:
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
