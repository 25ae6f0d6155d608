"""Plot of the test images that a run misclassifies with the highest probability."""

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from handgrad.datasets.images import Images, as_pictures, display_values
from handgrad.plots.style import message_figure, style
from handgrad.plots.text import Labels, add_note, cut, line_letters, run_title
from handgrad.tables.inputs import require_faults
from handgrad.tables.table import Row

Array = NDArray[Any]

_COLUMNS = 6
_CELL, _PICTURE = 1.5, 1.2  # inches: distance between pictures, and width of a picture
_SIZE = 7.5  # font size in points
_LINE = 1.25 * _SIZE / 72  # line height in inches
_MONOSPACED = "DejaVu Sans Mono"  # so that a fixed number of letters fits on a line
_LINE_LETTERS = 22
_LETTERS = 400  # longer class names are truncated


@dataclass(frozen=True)
class Mistake:
    """A misclassified test example. doubt: the sum of the probabilities of all classes except the predicted one."""

    example: int
    true: int
    predicted: int
    doubt: float


def most_confident_mistakes(best: Row, labels: Array, predictions: Array, Y: Array, *, max_count: int) -> list[Mistake]:
    """Return up to ``max_count`` mistakes of a run, ordered by decreasing probability, then by example.

    Y: probabilities, float16 (N, K). Just below 1, float16 has steps of 0.0005; near 0, its steps are far smaller.
    Mistakes are therefore ordered by the doubt, which differs even if the stored probability is 1.
    Raises HandgradError if labels and predictions give a different number of faults than the row of the run.
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
    """Return the probability 1 - doubt in percent, never rounded up to 100 %."""
    for decimals in (1, 2):
        text = f"{100 * (1 - min(doubt, 1)):.{decimals}f}%"
        if not text.startswith("100"):
            return text
    return ">99.99%"


def mistakes_figure(best: Row, mistakes: Sequence[Mistake], images: Images, classes: Labels) -> Figure:
    """Return a plot of the image, true class, predicted class and probability of each mistake, in the given order."""
    if not mistakes:
        return message_figure(run_title(best["run"], f"None of {best['test_size']} test images misclassified"))
    values, white = display_values(images)
    pictures = as_pictures(values, images.image_shape)
    if pictures.ndim > 3:
        pictures = np.asarray(np.round(pictures * (255 / white)), np.uint8)
    texts = [_lines(mistake, classes.texts) for mistake in mistakes]
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
                axes.imshow(picture, cmap="gray", vmin=0, vmax=white, interpolation="none")
                axes.set_xlabel(text, fontsize=_SIZE, family=[_MONOSPACED, *classes.families])
        add_note(figure, classes)
    return figure


def _counts(best: Row, shown: int) -> str:
    faults = best["faults"]
    if shown == faults:
        return "The only mistake" if faults == 1 else f"All {faults} mistakes"
    return f"The {shown} most confident of {faults} mistakes"


def _lines(mistake: Mistake, class_names: Sequence[str]) -> str:
    texts = (
        f"true: {cut(class_names[mistake.true], _LETTERS)}",
        f"predicted: {cut(class_names[mistake.predicted], _LETTERS)}",
        f"{percent(mistake.doubt)}, no. {mistake.example}",
    )
    return "\n".join(textwrap.fill(text, line_letters(text, _LINE_LETTERS)) for text in texts)
