"""The test images that a run takes for a wrong class with the highest probability, as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.images import Images, as_pictures
from handgrad.plots.style import message_figure, style
from handgrad.plots.text import cut, wrap_text
from handgrad.tables.inputs import require_faults
from handgrad.tables.table import Row

Array = NDArray[Any]

_COLUMNS = 6
_CELL, _PICTURE, _MARGIN = 1.42, 1.2, 0.12  # inches: from picture to picture, width of one, around all
_WIDTH = _COLUMNS * _CELL + 2 * _MARGIN
_SIZE, _TITLE_SIZE = 8, 9  # points
_LETTERS = 400  # of a class's name
_LINE = 1.3 / 72  # inches of height, for each point of size
_BELOW: Any = {"ha": "center", "va": "top", "fontsize": _SIZE}


@dataclass(frozen=True)
class Mistake:
    """A test example that was taken for a wrong class, and the probability given to all other classes."""

    example: int
    true: int
    predicted: int
    doubt: float


def most_confident_mistakes(best: Row, labels: Array, predictions: Array, Y: Array, *, max_count: int) -> list[Mistake]:
    """Up to ``max_count`` mistakes of a run, the highest probability first, then in the order of the examples.

    Y, N x K, are stored as float16: just below 1 in steps of 0.0005, near 0 in far smaller ones. So
    the doubt is compared, the sum over all other classes, which differs even where the probability is 1.
    Raises HandgradError if labels and predictions do not give the faults that the row of the run has.
    """
    require_faults(best, labels, predictions)
    wrong = np.flatnonzero(labels != predictions)
    others = Y[wrong].astype(np.float64)
    others[np.arange(len(wrong)), predictions[wrong]] = 0
    doubts = others.sum(axis=1)
    return [
        Mistake(int(wrong[i]), int(labels[wrong[i]]), int(predictions[wrong[i]]), float(doubts[i]))
        for i in np.argsort(doubts, kind="stable")[:max_count]
    ]


def percent(doubt: float) -> str:
    """The probability that a doubt leaves, in percent, never rounded up to certainty."""
    for decimals in (1, 2):
        text = f"{100 * (1 - min(doubt, 1)):.{decimals}f}%"
        if not text.startswith("100"):
            return text
    return ">99.99%"


def mistakes_figure(best: Row, mistakes: Sequence[Mistake], images: Images, class_names: Sequence[str]) -> Figure:
    """Each mistake's image with true class, predicted class and its probability, in the order given."""
    name = wrap_text(best["run"], width=72 * (_WIDTH - 2 * _MARGIN), size=_TITLE_SIZE)
    if not mistakes:
        return message_figure("\n".join([*name, f"No fault in {best['test_size']} test images"]))
    title = [*name, f"{_counts(best, len(mistakes))} in {best['test_size']} test images"]
    texts = [_lines(mistake, class_names) for mistake in mistakes]
    pictures = as_pictures(images.x, images.image_shape)
    high = _PICTURE * min(pictures.shape[1] / pictures.shape[2], 2)
    top = 2 * _MARGIN + _TITLE_SIZE * _LINE * len(title)
    corners, bottom = _corners(texts, high, top)
    with style():
        figure = Figure(figsize=(_WIDTH, bottom))
        place = 1 - _MARGIN / bottom
        figure.text(0.5, place, "\n".join(title), ha="center", va="top", fontsize=_TITLE_SIZE)
        for (x, y), picture, text in zip(corners, pictures, texts, strict=True):
            box = (x / _WIDTH, 1 - (y + high) / bottom, _PICTURE / _WIDTH, high / bottom)
            _show(figure, box, picture, images.max_value, "\n".join(text))
    return figure


def _counts(best: Row, shown: int) -> str:
    faults = best["faults"]
    if shown == faults:
        return "The only fault" if faults == 1 else f"All {faults} faults"
    return f"The {shown} most confident of {faults} faults"


def _lines(mistake: Mistake, class_names: Sequence[str]) -> list[str]:
    texts = (
        f"true: {cut(class_names[mistake.true], _LETTERS)}",
        f"predicted: {cut(class_names[mistake.predicted], _LETTERS)}",
        f"{percent(mistake.doubt)}, no. {mistake.example}",
    )
    return [line for text in texts for line in wrap_text(text, width=72 * (_CELL - 0.1), size=_SIZE)]


def _corners(texts: Sequence[Sequence[str]], high: float, top: float) -> tuple[list[tuple[float, float]], float]:
    """The upper left corner of each picture and the height of the figure, inches from the left and the top.

    Each row of pictures has room for the longest text below it; a single row is centred.
    """
    left = (_WIDTH - min(len(texts), _COLUMNS) * _CELL + _CELL - _PICTURE) / 2
    corners = []
    for start in range(0, len(texts), _COLUMNS):
        row = texts[start : start + _COLUMNS]
        corners += [(left + i * _CELL, top) for i in range(len(row))]
        top += high + _SIZE * _LINE * max(map(len, row)) + 0.2
    return corners, top


def _show(figure: Figure, box: tuple[float, float, float, float], picture: Array, largest: int, text: str) -> None:
    axes = figure.add_axes(box)
    shades = picture if picture.ndim == 2 else np.round(picture * (255 / largest)).astype(np.uint8)
    axes.imshow(shades, cmap="gray", vmin=0, vmax=largest, interpolation="none")
    axes.set_axis_off()
    axes.text(0.5, -0.05 / box[3] / figure.get_figheight(), text, transform=axes.transAxes, **_BELOW)
