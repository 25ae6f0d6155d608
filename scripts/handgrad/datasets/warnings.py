"""Warnings about unusual datasets. Such a dataset is still used for training."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import Array

DOMINANT = 0.8  # a warning is given if one class has at least this share of a split
IMBALANCE = 100  # ... if the largest class of a split has more than this many times the examples of the smallest
CONSTANT = 0.9  # ... if at least this share of the pixels never changes; blank borders are smaller
BLANK = 0.01  # ... if at least this share of the images has only one colour
_PIXELS = (100, 255)  # the largest value of pixels is between these numbers; labels are usually smaller
_OFTEN = 0.005  # share of the examples that each label has in a column that may have the labels
SMOOTHER = 0.85  # channels are probably last, if images are smoother by this factor when they are read that way
_CHANNELS = 4  # the largest usual number of channels
NOISE = 0.95  # images are like noise, if neighbours differ by this share of the difference of distant pixels
_SAMPLE = 200  # images that are looked at
_FEW = 20  # fewer images, or images with fewer rows or columns than _SMALL, may look like noise by chance
_SMALL = 6
_NAMED = 5  # the largest number of classes or columns that a warning names


def data_warnings(data: Dataset) -> list[str]:
    """Return a sentence for each unusual property of labels and inputs."""
    looks = _of_features if data.spec.image_shape is None else _of_images
    return [
        *_of_labels("training", data.train, data.class_names),
        *_of_labels("test", data.test, data.class_names),
        *looks(data),
        *_of_both_splits(data),
    ]


def _of_labels(name: str, split: Split, class_names: Sequence[str]) -> Iterator[str]:
    counts = np.bincount(split.y, minlength=len(class_names))
    classes = [f"{label} ({class_names[label]!r})" for label in range(len(class_names))]
    n, share, dominant = len(split.y), counts.max() / len(split.y), classes[counts.argmax()]
    absent = np.flatnonzero(counts == 0)
    if share == 1:
        yield f"all {n:,} {name} examples are of class {dominant}, so accuracy has no meaning; check the labels"
        return
    if share >= DOMINANT:
        yield f"{share:.1%} of {n:,} {name} examples are of class {dominant}, so always predicting it is that accurate"
    rarest = int(np.where(counts > 0, counts, n).argmin())
    if share < DOMINANT and counts.max() > IMBALANCE * counts[rarest]:
        yield (
            f"class {dominant} has {counts.max():,} {name} examples, and class {classes[rarest]} has "
            f"{counts[rarest]:,}, so accuracy says little about rare classes"
        )
    if len(absent):
        named = _some(classes[label] for label in absent)
        yield f"{len(absent)} of {len(classes)} classes have no {name} example: {named}"


def _of_features(data: Dataset) -> Iterator[str]:
    x = data.train.x
    names = [repr(name) for name in data.spec.names] or [str(number) for number in range(data.inputs)]
    constant = _constant(x)
    if len(constant):
        named = _some(names[i] for i in constant)
        yield f"constant in all training examples: {len(constant)} of {data.inputs:,} inputs ({named})"
    if _labels_look_like_pixels(data):
        found = _some(names[i] for i in np.flatnonzero([_is_count(column) for column in x.T]))
        hint = f"; inputs that look like labels: {found}" if found else ""
        yield f"labels look like a pixel of an image, as all inputs do, so check which column has the labels{hint}"


def _labels_look_like_pixels(data: Dataset) -> bool:
    """Return whether inputs are pixels, and labels are also pixels of an edge of the image: 0 in most examples."""
    x, counts = data.train.x, np.bincount(data.train.y, minlength=data.classes)
    pixels = x.min() >= 0 and _PIXELS[0] <= x.max() <= _PIXELS[1] and not (x != np.round(x)).any()
    labels = [int(name) if name.isascii() and name.isdecimal() else -1 for name in data.class_names]
    dark = labels[counts.argmax()] == 0 and 2 * counts.max() > counts.sum() and min(labels) == 0
    return bool(pixels and dark and (_PIXELS[0] <= max(labels) <= _PIXELS[1] or counts.max() == counts.sum()))


def _is_count(column: Array) -> bool:
    """Return whether a column has several consecutive integers from 0 or 1, and each of them often, as labels do."""
    values, counts = np.unique(column, return_counts=True)
    return len(values) > 1 and bool(
        values[0] in (0, 1) and values[-1] - values[0] == len(values) - 1 and counts.min() >= _OFTEN * len(column)
    )


def _of_images(data: Dataset) -> Iterator[str]:
    x, n = data.train.x, len(data.train.x)
    constant = len(_constant(x))
    if constant >= CONSTANT * data.inputs:
        yield f"{constant:,} of {data.inputs:,} inputs have the same value in all {n:,} training examples"
    elif (blank := int((x.min(axis=1) == x.max(axis=1)).sum())) >= BLANK * n and data.inputs > 1:
        yield f"{blank:,} of {n:,} training examples are images of one colour"
    channels, height, width = (1, *(data.spec.image_shape or ()))[-3:]
    sample = x[:: -(-n // _SAMPLE)].astype(np.float64)
    pictures = np.moveaxis(sample.reshape(-1, channels, height, width), 1, -1)
    rough = _roughness(pictures)
    if last := _channels_last(sample, (channels, height, width), rough):
        yield (
            f"channels look last: images are probably {' x '.join(map(str, last))} (height, width, channels) instead "
            f"of {channels} x {height} x {width} (channels, height, width)"
        )
    elif len(sample) >= _FEW and min(height, width) >= _SMALL and rough > NOISE * _contrast(pictures) > 0:
        yield "images look like noise: neighbouring pixels differ as much as distant ones, so check the image shape"


def _channels_last(sample: Array, shape: tuple[int, int, int], rough: float) -> tuple[int, int, int] | None:
    """Return the shape (height, width, channels) if images have it instead of this shape; None if they do not seem to.

    rough: the roughness of images of this shape.
    """
    channels, height, width = shape
    if channels > _CHANNELS:
        return shape if width <= _CHANNELS < height else None
    last = height, width, channels
    return last if channels > 1 and _roughness(sample.reshape(-1, *last)) < SMOOTHER * rough else None


def _of_both_splits(data: Dataset) -> Iterator[str]:
    known = set(_digests(data.train))
    shared = sum(digest in known for digest in _digests(data.test))
    if shared:
        yield f"{shared:,} of {len(data.test.y):,} test examples are also training examples"


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join([*found[:_NAMED], *["..."] * (len(found) > _NAMED)])


def _constant(x: Array) -> Array:
    """Return the inputs that have the same value in all examples, if there are several examples."""
    return np.flatnonzero(x.min(axis=0) == x.max(axis=0)) if len(x) > 1 else np.array([], np.intp)


def _roughness(pictures: Array) -> float:
    """Return the mean difference of neighbouring pixels. pictures: (n, height, width, channels)."""
    steps = [np.abs(np.diff(pictures, axis=axis)) for axis in (1, 2)]
    return float(np.mean([step.mean() for step in steps if step.size] or [0]))


def _contrast(pictures: Array) -> float:
    """Return the mean difference of pixels that are half an image apart."""
    _, height, width, _ = pictures.shape
    return float(np.abs(pictures - np.roll(pictures, (height // 2, width // 2), (1, 2))).mean())


def _digests(split: Split) -> list[bytes]:
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in split.x]
