"""The test images that a run takes for a wrong class with the highest probability, as pictures."""

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.images import Images, as_pictures
from handgrad.plots.style import FONT, message_figure, style
from handgrad.plots.text import cut, run_title
from handgrad.tables.inputs import require_faults
from handgrad.tables.table import Row

Array = NDArray[Any]

_COLUMNS = 6
_CELL, _PICTURE = 1.5, 1.2  # inches: from picture to picture, and width of one
_SIZE = 7.5  # points
_LINE = 1.25 * _SIZE / 72  # inches of height
_FONTS = ["DejaVu Sans Mono", FONT]  # letters of one width, so that lines of so many have room
_LINE_LETTERS = 22
_LETTERS = 400  # of a class's name


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
    if not mistakes:
        return message_figure(run_title(best["run"], f"No fault in {best['test_size']} test images"))
    pictures = as_pictures(images.x, images.image_shape)
    if pictures.ndim > 3:
        pictures = np.round(pictures * (255 / images.max_value)).astype(np.uint8)
    texts = [_lines(mistake, class_names) for mistake in mistakes]
    rows = [texts[i : i + _COLUMNS] for i in range(0, len(texts), _COLUMNS)]
    high = _PICTURE * min(pictures.shape[1] / pictures.shape[2], 2)
    below = sum(max(text.count("\n") + 1 for text in row) * _LINE for row in rows)
    with style():
        figure = Figure(figsize=(_COLUMNS * _CELL, (high + 0.32) * len(rows) + below + 0.7))
        title = f"{_counts(best, len(mistakes))} in {best['test_size']} test images"
        figure.suptitle(run_title(best["run"], title), fontsize=9)
        places = figure.subplots(len(rows), _COLUMNS, squeeze=False).flat
        for axes, picture, text in itertools.zip_longest(places, pictures, texts):
            axes.set(xticks=[], yticks=[], anchor="S")
            axes.spines[:].set_visible(False)
            if text:
                axes.imshow(picture, cmap="gray", vmin=0, vmax=images.max_value, interpolation="none")
                axes.set_xlabel(text, fontsize=_SIZE, family=_FONTS)
    return figure


def _counts(best: Row, shown: int) -> str:
    faults = best["faults"]
    if shown == faults:
        return "The only fault" if faults == 1 else f"All {faults} faults"
    return f"The {shown} most confident of {faults} faults"


def _lines(mistake: Mistake, class_names: Sequence[str]) -> str:
    texts = (
        f"true: {cut(class_names[mistake.true], _LETTERS)}",
        f"predicted: {cut(class_names[mistake.predicted], _LETTERS)}",
        f"{percent(mistake.doubt)}, no. {mistake.example}",
    )
    return "\n".join(textwrap.fill(text, _LINE_LETTERS) for text in texts)
