"""Read the files of a dataset, and compare them with its registry entry.

``FORMATS`` has a reader for each format. ``ROLES`` in ``registry`` names the files that a format needs. A reader gets
the completed entry, and the paths of its files with verified size and sha256. Nothing is unpacked to disk, and nothing
is unpickled.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import unreadable
from handgrad.datasets.data import Dataset, Split
from handgrad.datasets.inputs import Array
from handgrad.datasets.source_files import source_files
from handgrad.experiment.registry import data_digest
from handgrad.formats import arrays, cifar, embedded, idx, image_folder, table
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Entry, Found, Paths, Reader
from handgrad.formats.splits import draw_test

#: of an input; beyond, 1/range or a difference would leave the range of float32
SMALLEST_RANGE, LARGEST_RANGE = 1e-30, 1e30

FORMATS: dict[str, Reader] = {
    "idx": idx.read,
    "cifar-binary": cifar.read,
    "arrays": arrays.read,
    "image-folder": image_folder.read,
    "sklearn-digits": embedded.read_digits,
    "sklearn-table": embedded.read_table,
    "table": table.read,
}


def read_dataset(entry: Entry, given: Paths, name: str) -> Dataset:
    """Verify the files of a dataset with its registry entry, and read them. given: see ``source_files``.

    Raises HandgradError, one line, if the size, the sha256 or the content of a file does not match the entry.
    """
    try:
        paths = source_files(entry, given, name)
        data = find_dataset(entry, paths)
        for mismatch in fact_mismatches(name, entry, data):
            raise mismatch
    except Mismatch as error:
        raise HandgradError(f"{error}; {_remedy(entry, name)}") from error
    except OSError as error:
        raise unreadable(error, f"the files of {name}") from error
    return data


def _remedy(entry: Entry, name: str) -> str:
    if entry["local_dir"] is None:
        return f"its size and sha256 match the registry, so correct the entry datasets.{name}"
    return f"correct the data or the entry datasets.{name}, then run `handgrad data add --update {name}`"


def find_dataset(entry: Entry, paths: Paths) -> Dataset:
    """Read files without comparing them with the facts of an entry. A missing test split is drawn.

    Raises Mismatch if the files do not have the format, and HandgradError if no test split can be drawn.
    """
    found = FORMATS[entry["format"]](entry, paths)
    train, test = _splits(found, entry["test"])
    return Dataset(
        train=train,
        test=test,
        spec=found.spec,
        class_names=_class_names(entry["class_names"], found.class_names, train, test),
        sources={entry["files"][role]["name"]: entry["files"][role]["sha256"] for role in paths},
        digest=data_digest(entry),
        notes=found.notes,
    )


def _class_names(given: Sequence[str] | None, found: Sequence[str] | None, *splits: Split) -> tuple[str, ...]:
    """Return the names of the classes: those of the entry, those in the files, or numbers.

    The entry may give new names to the classes of the files. Raises Mismatch if it has a name of the files in another
    place, because the two then have a different order.
    """
    number = {name: label for label, name in enumerate(found or ())}
    if any(number.get(name, label) != label for label, name in enumerate(given or ())):
        raise Mismatch("class_names", ", ".join(given or ()), f"{', '.join(found or ())}, as in the files")
    classes = 1 + int(max(split.y.max(initial=0) for split in splits))
    return tuple(given or found or map(str, range(classes)))


def _splits(found: Found, test: float | None) -> tuple[Split, Split]:
    if found.test is not None:
        return found.train, found.test
    if test is None:
        raise HandgradError("test: missing, and the files have no test split; set the share to draw, such as 0.2")
    whole = found.train
    train, drawn = (Split(whole.x[rows], whole.y[rows], rows) for rows in draw_test(whole.y, test))
    return train, drawn


def fact_mismatches(name: str, entry: Entry, data: Dataset) -> Iterator[Mismatch]:
    """Yield the differences between the facts of an entry and its data."""
    facts = {
        "train": len(data.train.y),
        "test": len(data.test.y),
        "image_shape": data.spec.image_shape and list(data.spec.image_shape),
        "inputs": None if data.spec.image_shape else data.inputs,
    }
    for key, value in facts.items():
        given = entry[key]
        if given is not None and given != value and not isinstance(given, float):
            yield Mismatch(f"{name}: {key}", f"{value}", f"{given}")
    for part, split in (("training", data.train), ("test", data.test)):
        if not len(split.y):
            yield Mismatch(f"{name}: {part} split", "no example", "at least one")
            continue
        yield from _too_large(f"{name}: {part} example", "the label", split.y, data.classes - 1)
        if data.spec.max_value is not None:
            yield from _too_large(f"{name}: {part} example", "a pixel of", split.x.max(axis=1), data.spec.max_value)
        elif not np.isfinite(split.x).all():
            yield Mismatch(f"{name}: {part} split", "an input that is not a finite number", "finite numbers")
        else:
            yield from _extreme_ranges(f"{name}: {part} split", split.x, data.spec.names)


def _extreme_ranges(where: str, x: Array, names: Sequence[str]) -> Iterator[Mismatch]:
    """Yield the first input whose scaling would leave the range of float32."""
    ranges = x.max(axis=0).astype(np.float64) - x.min(axis=0)
    unfit = (ranges > LARGEST_RANGE) | ((ranges > 0) & (ranges < SMALLEST_RANGE))
    for column in np.flatnonzero(unfit)[:1]:
        title = names[column] if names else f"number {column}"
        expected = f"0, or {SMALLEST_RANGE:.0e} to {LARGEST_RANGE:.0e}; use another unit"
        yield Mismatch(f"{where}: the input {title}", f"a range of {ranges[column]:.3g}", expected)


def _too_large(where: str, kind: str, values: Array, most: int) -> Iterator[Mismatch]:
    if values.max() > most:
        example = int(np.argmax(values > most))
        yield Mismatch(f"{where} {example}", f"{kind} {values[example]}", f"0 to {most}")
