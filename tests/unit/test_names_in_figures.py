"""Names in figures: any script is drawn by a font that has its letters, or replaced by numbers that are explained."""

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from figures import require_readable, save
from handgrad.datasets.images import Images
from handgrad.plots.confusion import confusion_figure
from handgrad.plots.mistakes import Mistake, mistakes_figure
from handgrad.plots.style import FONT
from handgrad.plots.text import Labels, class_labels

LATIN_CYRILLIC_GREEK = ["Straße", "кошка", "γάτα", "mèo", "$x_1$", "\\frac{1}{2}", "{dataset}", "<b>"]
RIGHT_TO_LEFT = ["قط أسود", "חתול", "نیم\u200cفاصله"]  # noqa: RUF001, Arabic letters
USUAL = [*LATIN_CYRILLIC_GREEK, *RIGHT_TO_LEFT]


def build_font(path: Path, family: str, letters: str, *, outlines: bool = True) -> None:
    """Write a font with these letters: squares, or glyphs without outlines, as emoji in colour have."""
    names = [".notdef", *(f"u{ord(letter):X}" for letter in letters)]
    pen = TTGlyphPen(None)
    if outlines:
        for draw, point in ((pen.moveTo, (0, 0)), (pen.lineTo, (0, 900)), (pen.lineTo, (900, 900))):
            draw(point)
        pen.closePath()
    square = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names[1:], strict=True)})
    font.setupGlyf(dict.fromkeys(names, square))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    font.setupHorizontalHeader(ascent=900, descent=-100)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder: the fonts in it are the installed fonts, besides those of matplotlib."""
    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr("handgrad.plots.fonts.findSystemFonts", lambda: list(map(str, tmp_path.glob("*.ttf"))))
    return tmp_path


def confusion(labels: Labels) -> Figure:
    y = np.arange(len(labels.texts), dtype=np.uint8)
    best = {"dataset": "d", "run": "af_tanh", "faults": 0, "test_size": len(y), "pixels": "unit"}
    return confusion_figure(best, y, y, labels)


def mistakes(labels: Labels) -> Figure:
    best = {"dataset": "d", "run": "af_tanh", "faults": 9, "test_size": 10, "pixels": "unit"}
    found = [Mistake(i, i % len(labels.texts), 0, 0.1) for i in range(9)]
    return mistakes_figure(best, found, Images(np.zeros((9, 4), np.uint8), (2, 2), 255), labels)


@pytest.mark.usefixtures("fonts")
def test_scripts_that_the_usual_font_has_are_drawn_in_it(caplog: pytest.LogCaptureFixture) -> None:
    assert class_labels(USUAL, "mine") == Labels(tuple(USUAL), (FONT,))
    assert not caplog.messages


@pytest.mark.parametrize("name", ["猫", "कुत्ता", "🦊", "a\x07b", "\u200b", "\u202eabc", " "])
@pytest.mark.usefixtures("fonts")
def test_names_that_no_font_can_draw_become_numbers_and_one_line(name: str, caplog: pytest.LogCaptureFixture) -> None:
    labels = class_labels(["dog", name, "fish"], "mine")
    assert labels.texts == ("0", "1", "2")
    (line,) = caplog.messages
    assert "\n" not in line
    assert "mine" in line
    assert "1 of 3 names" in line


@pytest.mark.usefixtures("fonts")
def test_a_figure_with_class_numbers_lists_the_names_it_can_draw(tmp_path: Path) -> None:
    labels = class_labels(["猫", *(f"dog number {i}" for i in range(59)), "狐"], "mine")
    for figure in (confusion(labels), mistakes(labels)):
        note = " ".join(figure.get_supxlabel().split())
        assert "0: ?; 1: dog number 0;" in note
        assert "39: dog number 38; and 21 more" in note
        require_readable(figure)
    assert not confusion(Labels(("a", "b"))).get_supxlabel()


def test_names_are_drawn_by_installed_fonts_that_have_their_letters(
    fonts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_font(fonts / "1.ttf", "Empty Emoji", "🦊猫犬", outlines=False)
    build_font(fonts / "2.ttf", "A Few Letters", "猫")
    build_font(fonts / "3.ttf", "All Letters", "猫犬")
    build_font(fonts / "4.ttf", "Foxes", "🦊")
    (fonts / "damaged.ttf").write_bytes(b"not a font")
    caplog.set_level(logging.INFO, "handgrad")
    names = ["猫 and 犬", "🦊", "dog", "犬" * 30]
    labels = class_labels(names, "mine")
    assert labels == Labels(tuple(names), (FONT, "All Letters", "Foxes"))
    (line,) = caplog.messages
    assert "All Letters, Foxes" in line
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every letter that it draws as a box
        for figure in (confusion(labels), mistakes(labels)):
            require_readable(figure)
            save(figure, fonts / "figure.svg")


def test_a_font_of_noto_sans_is_preferred_and_a_removed_one_skipped(fonts: Path) -> None:
    for number, family in enumerate(("Another", "Noto Sans X", "Noto Sans Removed")):
        build_font(fonts / f"{number}.ttf", family, "猫")
    font_manager.fontManager.addfont(fonts / "2.ttf")
    (fonts / "2.ttf").unlink()
    assert class_labels(["猫"], "mine").families == (FONT, "Noto Sans X")
