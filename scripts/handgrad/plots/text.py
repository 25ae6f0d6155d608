"""Texts of plots, which may have any length and script: truncation, wrapping and replacement by numbers."""

import logging
import unicodedata
from collections.abc import Sequence
from textwrap import wrap

from matplotlib.font_manager import FontProperties, findfont, get_font

from handgrad.plots.style import FONT

RUN_LETTERS = 80  # maximum letters of a run name on a line

logger = logging.getLogger("handgrad")


def class_labels(names: Sequence[str], dataset: str) -> list[str]:
    """Return class names for figures. If one name cannot be drawn, return numbers for all classes and log a warning.

    The font lacks many scripts. It has Arabic and Hebrew letters, but matplotlib does not join letters and writes only
    from left to right, so these names would be wrong.
    """
    font = get_font(findfont(FontProperties(family=FONT)))

    def drawable(letter: str) -> bool:
        left_to_right = unicodedata.bidirectional(letter) not in ("R", "AL")
        return unicodedata.category(letter)[0] != "C" and left_to_right and font.get_char_index(ord(letter)) != 0

    for number, name in enumerate(names):
        if not all(map(drawable, name)):
            logger.warning(
                "%s: the name of class %d, %r, cannot be drawn in the font %s, so figures show class numbers; for the "
                "names, see the page or datasets.%s.class_names",
                *(dataset, number, cut(name, 40), FONT, dataset),
            )
            return [str(label) for label in range(len(names))]
    return list(names)


def cut(name: str, letters: int) -> str:
    """Return a name, truncated to at most this number of letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def run_title(run: str, *lines: str) -> str:
    """Return a title: the name of a run, wrapped after underscores, and then these lines."""
    return "\n".join([*(line.replace("_ ", "_") for line in wrap(run.replace("_", "_ "), RUN_LETTERS)), *lines])
