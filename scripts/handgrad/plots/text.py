"""Texts of plots, which may have any length and script: truncation, wrapping and replacement by numbers."""

import logging
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from handgrad.plots.fonts import families_for
from handgrad.plots.style import FONT
from handgrad.tables.columns import plain_column

RUN_LETTERS = 80  # maximum letters of a run name on a line
_WORDS = {
    "hidden_units": "M {}",
    "learning_rate": "η {}",
    "batch_size": "B {}",
    "epochs": "{} epochs",
    "l2": "λ {}",
    "momentum": "µ {}",
    "train_size": "{} examples",
    "validation_size": "{} held out",
}
_NOTE_LETTERS = 100  # maximum letters on a line of the note below a figure
_LISTED = 40  # maximum names in this note
_NAME_LETTERS = 20  # longer names are truncated in this note
_NOTE_SIZE = 7.5  # font size in points
_NOTE_LINE = 1.3 * _NOTE_SIZE / 72  # line height in inches

logger = logging.getLogger("handgrad")


@dataclass(frozen=True)
class Labels:
    """Names as figures show them, with the font families that have their letters.

    note: lines that explain numbers that replace names; empty if there are none.
    """

    texts: tuple[str, ...]
    families: tuple[str, ...] = (FONT,)
    note: tuple[str, ...] = ()


def class_labels(names: Sequence[str], dataset: str) -> Labels:
    """Return class names for figures. If a name cannot be drawn, return numbers for all classes, and a note.

    The log gets one line if other fonts are used, or if numbers replace names.
    """
    families = families_for(names)
    if families:
        if len(families) > 1:
            logger.info("%s: figures show class names in the fonts %s", dataset, ", ".join(families))
        return Labels(tuple(names), families)
    known = {number: families_for([name]) for number, name in enumerate(names)}
    unknown = [number for number, found in known.items() if not found]
    logger.warning(
        "%s: no installed font can draw the name of class %d, %r (%d of %d names), so figures show class numbers; "
        "install a font of this script, for example of the Noto fonts, then delete the figures and run snakemake again",
        *(dataset, unknown[0], cut(names[unknown[0]], 40), len(unknown), len(names)),
    )
    used = dict.fromkeys(family for found in known.values() for family in found or ())
    return Labels(tuple(map(str, known)), tuple(used) or (FONT,), _note(names, unknown))


def input_labels(names: Sequence[str], shown: Sequence[int], dataset: str) -> Labels:
    """Return the names of the inputs with these numbers, for figures. names: of all inputs, or empty.

    An input without a name, or with a name that cannot be drawn, is called "input 12". The log then has one line.
    """
    found = {number: families_for([names[number]]) for number in shown} if names else {}
    unknown = [number for number, families in found.items() if not families]
    if unknown:
        logger.warning(
            "%s: no installed font can draw the name of input %d, %r (%d of %d names), so figures show its number; "
            "install a font of this script, for example of the Noto fonts",
            *(dataset, unknown[0], cut(names[unknown[0]], 40), len(unknown), len(shown)),
        )
    texts = tuple(names[number] if found.get(number) else f"input {number}" for number in shown)
    return Labels(texts, families_for(texts) or (FONT,))


def _note(names: Sequence[str], unknown: Sequence[int]) -> tuple[str, ...]:
    texts = ["?" if number in unknown else cut(name, _NAME_LETTERS) for number, name in enumerate(names)]
    listed = "; ".join(f"{number}: {text}" for number, text in enumerate(texts[:_LISTED]))
    rest = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    note = f"Classes: {listed}{rest}. A ? is a name with letters that no installed font has; the page lists it."
    return tuple(textwrap.wrap(note, line_letters(note, _NOTE_LETTERS)))


def add_note(figure: Figure, labels: Labels) -> None:
    """Write the note of labels below a figure, and make room for it."""
    if labels.note:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + len(labels.note) * _NOTE_LINE)
        figure.supxlabel("\n".join(labels.note), fontsize=_NOTE_SIZE, family=labels.families)


def line_letters(text: str, letters: int) -> int:
    """Return how many letters of a text fit on a line for this many Latin letters: half as many if some are wide."""
    return letters // 2 if any(unicodedata.east_asian_width(letter) in "WF" for letter in text) else letters


def row_names(rows: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """Return the values of these axes in each row as text, with the symbols of the axes."""
    parts = [map(_WORDS.get(axis, "{}").format, plain_column(rows, axis).texts) for axis in axes]
    return ["  ".join(row) for row in zip(*parts, strict=True)]


def cut(name: str, letters: int) -> str:
    """Return a name, truncated to at most this number of letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def cut_middle(name: str, letters: int) -> str:
    """Return a name, truncated in the middle to at most this number of letters, so that its end stays readable."""
    half = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:half]}…{name[-half:]}"


def run_title(run: str, *lines: str) -> str:
    """Return a title: the name of a run, wrapped after underscores, and then these lines."""
    return "\n".join(
        [*(line.replace("_ ", "_") for line in textwrap.wrap(run.replace("_", "_ "), RUN_LETTERS)), *lines]
    )
