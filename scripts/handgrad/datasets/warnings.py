"""What is strange about a dataset that can be read: it is trained on all the same, and this is said."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.datasets.data import ImageData, Split

DOMINANT = 0.8  # the share of a split from which on one class decides the accuracy
CONSTANT = 0.9  # the share of inputs that are the same in all images; blank borders of images stay below
_NAMED = 5  # classes that a warning names
_LETTERS = 30  # of a class's name


def data_warnings(data: ImageData) -> list[str]:
    """A sentence for each thing that is strange in labels and inputs; none for an ordinary dataset."""
    return [*_of_labels(data), *_of_inputs(data)]


def _of_labels(data: ImageData) -> Iterator[str]:
    for split, y in (("training", data.train.y), ("test", data.test.y)):
        counts = np.bincount(y, minlength=data.classes)
        most = int(counts.argmax())
        share, name = counts[most] / len(y), _class(most, data.class_names)
        if counts[most] == len(y):
            yield (
                f"all {len(y):,} {split} images are of class {name}: accuracy says nothing; check that the "
                "label files hold the labels"
            )
        elif share >= DOMINANT:
            yield (
                f"{100 * share:.1f}% of {len(y):,} {split} images are of class {name}, so always predicting "
                f"it is {100 * share:.1f}% accurate there"
            )
        absent = [_class(int(label), data.class_names) for label in np.flatnonzero(counts == 0)]
        if absent and counts[most] < len(y):
            names = ", ".join([*absent[:_NAMED], *["..."] * (len(absent) > _NAMED)])
            yield f"{len(absent)} of {data.classes} classes have no {split} image: {names}"


def _of_inputs(data: ImageData) -> Iterator[str]:
    x = data.train.x
    constant = int((x.min(axis=0) == x.max(axis=0)).sum()) if len(x) > 1 else 0
    if constant >= CONSTANT * data.inputs:
        yield f"{constant:,} of {data.inputs:,} inputs are the same in all {len(x):,} training images"
    shared = _in_both(data.train, data.test)
    if shared:
        yield f"{shared:,} of {len(data.test.y):,} test images are training images too"


def _in_both(train: Split, test: Split) -> int:
    """How many test images are also training images, value for value."""
    known = set(_digests(train))
    return sum(digest in known for digest in _digests(test))


def _digests(split: Split) -> list[bytes]:
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in split.x]


def _class(label: int, names: Sequence[str]) -> str:
    name = names[label]
    return f"{label} ({name if len(name) <= _LETTERS else f'{name[:_LETTERS]}...'!r})"
