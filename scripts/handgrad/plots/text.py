"""Texts of plots of any length and script: cut, in lines, or as numbers."""

import logging
import unicodedata
from collections.abc import Sequence
from textwrap import wrap

from matplotlib.font_manager import FontProperties, findfont, get_font

from handgrad.plots.style import FONT

RUN_LETTERS = 80  # of a run's name on a line

logger = logging.getLogger("handgrad")


def class_labels(names: Sequence[str], dataset: str) -> list[str]:
    """The names of a dataset's classes as figures show them: all as numbers if one cannot be drawn.

    The font lacks many scripts. Matplotlib joins no letters and writes from left to right alone, so names in
    Arabic or Hebrew would be wrong though the font has their letters.
    """
    font = get_font(findfont(FontProperties(family=FONT)))

    def drawable(letter: str) -> bool:
        left_to_right = unicodedata.bidirectional(letter) not in ("R", "AL")
        return unicodedata.category(letter)[0] != "C" and left_to_right and font.get_char_index(ord(letter)) != 0

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


def run_title(run: str, *lines: str) -> str:
    """A title: the name of a run, cut after an underscore where it is long, and what is said of it."""
    return "\n".join([*(line.replace("_ ", "_") for line in wrap(run.replace("_", "_ "), RUN_LETTERS)), *lines])
