"""Fonts for names in any script: the font of all plots, then installed fonts with the letters that it lacks.

Matplotlib joins letters and orders right-to-left text itself (since version 3.11), so a font only needs the letters.
No other font comes with the workflow: fonts for all scripts are larger than all its packages together, and most systems
have them.
"""

import unicodedata
from collections.abc import Iterable
from contextlib import suppress

import matplotlib as mpl
from matplotlib.font_manager import (
    FontEntry,
    FontPath,
    FontProperties,
    findfont,
    findSystemFonts,
    fontManager,
    get_font,
)
from matplotlib.ft2font import FT2Font

from handgrad.plots.style import FONT

_JOINERS = "\u200c\u200d\u200e\u200f"  # invisible, but they change how the letters next to them are written
_REGULAR = 400  # the weight of a font that is neither light nor bold


def families_for(texts: Iterable[str]) -> tuple[str, ...] | None:
    """Return the font families to draw these texts: FONT, then families with the letters that it lacks.

    Return None if a text has no visible letter, or a letter that no installed font can draw.
    """
    names = list(texts)
    letters = set().union(*names)
    if not all(map(_is_visible, names)) or not all(map(_is_text, letters)):
        return None
    missing = letters - _letters_of(get_font(findfont(FontProperties(family=FONT))), letters)
    families, others = [FONT], _installed(missing) if missing else {}
    while missing:
        best = max(others, key=lambda name: len(others[name] & missing), default=FONT)
        if not others.get(best, set()) & missing:
            return None
        families.append(best)
        missing -= others[best]
    return tuple(families)


def _is_visible(text: str) -> bool:
    return not text or any(unicodedata.category(letter)[0] not in "CMZ" for letter in text)


def _is_text(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return letter in _JOINERS or kind == "Zs" or kind[0] not in "CZ"


def _letters_of(font: FT2Font, letters: Iterable[str]) -> set[str]:
    """Return which letters a font can draw."""
    return {letter for letter in letters if font.get_char_index(ord(letter)) and _has_outline(font, letter)}


def _has_outline(font: FT2Font, letter: str) -> bool:
    """Return whether plots can draw a letter that a font has. Many emoji are pictures without an outline."""
    if unicodedata.category(letter)[0] in "CMZ":
        return True
    font.set_size(10, 72)
    font.load_char(ord(letter))
    return len(font.get_path()[0]) > 0


def _installed(letters: set[str]) -> dict[str, set[str]]:
    """Return which of these letters each installed family can draw, Noto Sans families first."""
    _find_new_fonts()
    found: dict[str, set[str]] = {}
    for entry in sorted(fontManager.ttflist, key=_rank):
        # matplotlib's own fonts are for formulas, except FONT
        if entry.name not in found and not entry.fname.startswith(mpl.get_data_path()):
            with suppress(OSError, RuntimeError):  # removed, damaged, or without outlines
                found[entry.name] = _letters_of(get_font(FontPath(entry.fname, entry.index)), letters)
    return found


def _find_new_fonts() -> None:
    """Add the fonts that were installed after matplotlib made its list of fonts."""
    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        with suppress(OSError, RuntimeError):
            fontManager.addfont(path)


def _rank(entry: FontEntry) -> tuple[bool, str, bool, int, str]:
    weight = entry.weight if isinstance(entry.weight, int) else _REGULAR
    return (
        not entry.name.startswith("Noto Sans"),
        entry.name,
        entry.style != "normal",
        abs(weight - _REGULAR),
        entry.fname,
    )
