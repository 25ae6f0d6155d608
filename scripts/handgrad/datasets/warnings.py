"""Warnings about unusual datasets. Such a dataset is still used for training."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.datasets.data import ImageData, Split

DOMINANT = 0.8  # a warning is given if one class has at least this share of a split
CONSTANT = 0.9  # a warning is given if at least this share of inputs never changes; blank borders stay below
_NAMED = 5  # the largest number of classes that a warning names


def data_warnings(data: ImageData) -> list[str]:
    """Return a sentence for each unusual property of labels and inputs."""
    of_labels = [
        *_of_labels("training", data.train, data.class_names),
        *_of_labels("test", data.test, data.class_names),
    ]
    return [*of_labels, *_of_inputs(data)]


def _of_labels(name: str, split: Split, class_names: Sequence[str]) -> Iterator[str]:
    counts = np.bincount(split.y, minlength=len(class_names))
    classes = [f"{label} ({class_names[label]!r})" for label in range(len(class_names))]
    n, share, dominant = len(split.y), counts.max() / len(split.y), classes[counts.argmax()]
    absent = [classes[label] for label in np.flatnonzero(counts == 0)]
    if share == 1:
        yield f"all {n:,} {name} images are of class {dominant}, so accuracy has no meaning; check the label files"
        return
    if share >= DOMINANT:
        yield f"{share:.1%} of {n:,} {name} images are of class {dominant}, so always predicting it is that accurate"
    if absent:
        names = ", ".join([*absent[:_NAMED], *["..."] * (len(absent) > _NAMED)])
        yield f"{len(absent)} of {len(classes)} classes have no {name} image: {names}"


def _of_inputs(data: ImageData) -> Iterator[str]:
    x = data.train.x
    constant = int((x.min(axis=0) == x.max(axis=0)).sum()) if len(x) > 1 else 0
    if constant >= CONSTANT * data.inputs:
        yield f"{constant:,} of {data.inputs:,} inputs have the same value in all {len(x):,} training images"
    known = set(_digests(data.train))
    shared = sum(digest in known for digest in _digests(data.test))
    if shared:
        yield f"{shared:,} of {len(data.test.y):,} test images are also training images"


def _digests(split: Split) -> list[bytes]:
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in split.x]
