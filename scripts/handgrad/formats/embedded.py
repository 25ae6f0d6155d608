"""Read the datasets that are part of scikit-learn.

sklearn-digits: a gzipped CSV file without a header. A row has the 64 pixels of an image and its label. The first rows
are the training split.

sklearn-table: a CSV file. The first line has the number of examples, the number of features, and the names of the
classes. Every other line has the features of an example and its label.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Array, Column, InputSpec
from handgrad.formats.array_files import Named
from handgrad.formats.array_values import stored_inputs
from handgrad.formats.containers import Mismatch, read_content
from handgrad.formats.found import Entry, Found, Paths
from handgrad.formats.labels import class_numbers

MOST_OF_A_NUMBER = 8  # the largest number of characters of a value in a table, with its separator
DIGITS_SHAPE = (8, 8)
DIGITS = 1437, 360
MOST_OF_A_TABLE = 1 << 20  # bytes
#: what scikit-learn measures of a cell nucleus; the table has the mean, the standard error and the worst of each
NUCLEUS = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points"),
    *("symmetry", "fractal dimension"),
)
#: file -> the names of its features, as scikit-learn gives them
FEATURES = {
    "iris.csv": ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
    "wine_data.csv": (
        *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"),
        *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines"),
        "proline",
    ),
    "breast_cancer.csv": (
        *(f"mean {name}" for name in NUCLEUS),
        *(f"{name} error" for name in NUCLEUS),
        *(f"worst {name}" for name in NUCLEUS),
    ),
}


def read_digits(entry: Entry, paths: Paths) -> Found:
    """Read the images and labels of sklearn-digits. Raises Mismatch."""
    train, test = entry["train"] or DIGITS[0], entry["test"] or DIGITS[1]
    image_shape = tuple(entry["image_shape"] or DIGITS_SHAPE)
    path, shape = paths["table"], (train + test, math.prod(image_shape) + 1)
    content = read_content(path, MOST_OF_A_NUMBER * shape[0] * shape[1])
    try:
        lines = content.tobytes().decode().splitlines()
        # one additional row shows that the table is too long
        table = np.loadtxt(lines, np.uint8, delimiter=",", ndmin=2, max_rows=shape[0] + 1)
    except ValueError as error:
        raise Mismatch(path, f"not a table of small integers ({error})", "a CSV file, gzipped or not") from error
    if table.shape != shape:
        found = f"{len(table)} x {table.shape[1]}" if len(table) <= shape[0] else f"more than {shape[0]} rows"
        raise Mismatch(path, f"holds {found}", f"{shape[0]} x {shape[1]}")
    splits = [Split(rows[:, :-1].copy(), rows[:, -1].copy()) for rows in np.split(table, [train])]
    spec = InputSpec(image_shape=image_shape, max_value=entry["largest"])
    return Found(train=splits[0], test=splits[1], spec=spec)


def read_table(entry: Entry, paths: Paths) -> Found:
    """Read the features and labels of sklearn-table. Raises Mismatch."""
    path, name = paths["table"], entry["files"]["table"]["name"]
    if name not in FEATURES:
        raise Mismatch(path, f"a table called {name}", f"one of {', '.join(FEATURES)}")
    columns = tuple(Column(name=feature) for feature in FEATURES[name])
    text = read_content(path, MOST_OF_A_TABLE).tobytes().decode("utf-8", "replace")
    first, *lines = text.splitlines() or [""]
    counts, classes = first.split(",")[:2], first.split(",")[2:]
    table = _numbers(path, lines)
    if counts != [str(len(table)), str(len(columns))] or table.shape[1] != len(columns) + 1:
        found = f"a table of {table.shape[0]} x {table.shape[1]} values with the first line {first[:80]!r}"
        raise Mismatch(path, found, f"{len(columns)} features and a label, and a first line that agrees")
    (x,), _ = stored_inputs([Named(f"{path}", table[:, :-1])], images=False, largest=None)
    (y,), _ = class_numbers([Named(f"{path}: labels", table[:, -1])], classes)
    spec = InputSpec(columns=columns)
    return Found(train=Split(np.ascontiguousarray(x), y), test=None, spec=spec, class_names=tuple(classes))


def _numbers(path: Path, lines: Sequence[str]) -> Array:
    if not lines:
        raise Mismatch(path, "no examples", "at least one")
    try:
        table: Array = np.loadtxt(lines, np.float64, delimiter=",", ndmin=2)
    except ValueError as error:
        raise Mismatch(path, f"not a table of numbers ({error})", "a CSV file of scikit-learn") from error
    return table
