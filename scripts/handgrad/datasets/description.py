"""Describe a dataset for people: in text, and as a picture with examples of each class."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from handgrad.common.atomic import whole_file
from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.images import as_pictures
from handgrad.datasets.inputs import Array
from handgrad.datasets.warnings import data_warnings

_CLASSES = 20  # the largest number of classes that are listed
_COLUMNS = 12  # the largest number of input columns that are listed
EXAMPLES = 10  # of each class in the picture
_GAP = 2  # pixels between two examples
_HEIGHT = 48  # the height to which small images are enlarged


def describe(data: Dataset) -> Iterator[str]:
    """Yield the lines of a description: sizes, inputs, classes with counts, and warnings."""
    drawn = " (drawn from the same files)" if data.test.rows is not None else ""
    yield f"examples: {len(data.train.y):,} training, {len(data.test.y):,} test{drawn}"
    yield f"inputs: {_inputs(data)}"
    yield from _columns(data)
    yield f"classes: {data.classes} (training, test examples)"
    counts = [np.bincount(split.y, minlength=data.classes) for split in (data.train, data.test)]
    for label in range(min(data.classes, _CLASSES)):
        yield f"  {label}  {data.class_names[label]}  {counts[0][label]:,}, {counts[1][label]:,}"
    if data.classes > _CLASSES:
        yield f"  and {data.classes - _CLASSES} more"
    for warning in (*data.notes, *data_warnings(data)):
        yield f"warning: {warning}"


def _inputs(data: Dataset) -> str:
    low, high = (f"{f([f(split.x) for split in (data.train, data.test)]):g}" for f in (np.min, np.max))
    shape = data.spec.image_shape
    kind = f"images of {' x '.join(map(str, shape))} values" if shape else f"{data.inputs:,} features"
    stored = "uint8" if data.train.x.dtype == np.uint8 else "float32"
    return f"{kind}, {stored}, from {low} to {high}"


def _columns(data: Dataset) -> Iterator[str]:
    columns = data.spec.columns
    for column in columns[:_COLUMNS]:
        kind = f"categories {', '.join(column.categories[:_COLUMNS])}" if column.categories else "numbers"
        filled = "" if column.fill is None else f", missing values become {column.fill:g}"
        yield f"  {column.name}: {kind}{filled}"
    if len(columns) > _COLUMNS:
        yield f"  and {len(columns) - _COLUMNS} more"


def write_contact_sheet(path: Path, data: Dataset) -> None:
    """Write a PNG with one row for each class, which shows the first training images of the class.

    Raises ValueError if the inputs are not images.
    """
    if data.spec.image_shape is None:
        raise ValueError("found features, expected images")
    rows = [_row(data.train, label, data.spec.image_shape, _white(data)) for label in range(data.classes)]
    height, width, *channels = rows[0].shape
    sheet = np.full((len(rows) * (height + _GAP), width, *channels), 255, np.uint8)
    for number, row in enumerate(rows):
        sheet[number * (height + _GAP) :][:height] = row
    image = Image.fromarray(sheet)
    factor = max(1, round(_HEIGHT / height))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    with whole_file(path) as part:
        image.save(part, "PNG")


def _white(data: Dataset) -> tuple[float, float]:
    """Return the values that are shown black and white."""
    if data.spec.max_value is not None:
        return 0.0, float(data.spec.max_value)
    return float(data.train.x.min()), float(data.train.x.max())


def _row(split: Split, label: int, image_shape: Sequence[int], range_: tuple[float, float]) -> Array:
    """Return EXAMPLES images of a class side by side, uint8; places without an image are white."""
    low, high = range_
    x = split.x[np.flatnonzero(split.y == label)[:EXAMPLES]]
    shades = (x.astype(np.float64) - low) * (255 / ((high - low) or 1))
    pictures = as_pictures(shades.round().clip(0, 255).astype(np.uint8), image_shape)
    height, width, *channels = pictures.shape[1:]
    row = np.full((height, EXAMPLES * (width + _GAP), *channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        row[:, number * (width + _GAP) :][:, :width] = picture
    return row
