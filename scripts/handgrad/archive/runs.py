"""The runs of an archive, from anywhere: each is what it says, or a line tells what it is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.common.errors import HandgradError
from handgrad.common.sealed import open_sealed
from handgrad.experiment.runs import Run
from handgrad.storage.run_reader import Summary, summary_of
from handgrad.storage.run_writer import content_sha256
from handgrad.training.loop import Epoch

Array = NDArray[Any]

_HISTORY = frozenset(f"history/{figure.name}" for figure in fields(Epoch))
_WEIGHTS = frozenset(("weights/W1", "weights/W2"))
_TEST = frozenset(("test/predictions", "test/probabilities"))
_MOST_ATTRIBUTES = 100  # a run has 28


class Strange(Exception):
    """What a file holds that no run file of this workflow does."""


@dataclass(frozen=True)
class Made:
    """What a run must come from: digests of code and data, labels of the test images, number of classes, and
    the content_sha256 of the data."""

    code: str
    data: str
    labels: Array
    classes: int
    content: str


def run_mistakes(path: Path, run: Run, made: Made) -> Iterator[str]:
    """What is wrong with a run file: lines without the file's name.

    It must be the run, of the code and data that are told, with the content that its digest says and with
    predictions that have as many faults as its history tells.
    """
    try:
        with open_sealed(path) as sealed:
            arrays = read_plain(sealed.file, path.stat().st_size)
            found = list(_mistakes(arrays, summary_of(path, sealed), run, made))
        yield from found
    except HandgradError as error:
        yield str(error).removeprefix(f"{path}: ").partition("; delete")[0]
    except Exception as error:  # noqa: BLE001, it may hold anything, and h5py raises anything
        yield f"not a run file of this workflow ({' '.join(str(error).split())})"


def _mistakes(arrays: Mapping[str, Array], summary: Summary, run: Run, made: Made) -> Iterator[str]:
    found = summary.attributes
    compared = {
        "the run": (f"{summary.run.dataset}/{summary.run.name}", f"{run.dataset}/{run.name}"),
        "code_digest": (found.get("code_digest"), made.code),
        "data_digest": (found.get("data_digest"), made.data),
        "data_content": (found.get("data_content"), made.content),
        "test_examples": (summary.test_size, len(made.labels)),
        "content_sha256": (summary.content_sha256, content_sha256(arrays, found)),
        "its arrays": (_names(arrays), _names(_expected(summary))),
        "its epochs": (_epochs(summary), f"{run.epochs} ({summary.status})"),
    }
    wrong = {what: pair for what, pair in compared.items() if pair[0] != pair[1]}
    for what, (is_, must) in wrong.items():
        yield f"{what} is {is_}, expected {must}"
    if not wrong and summary.status == "finished":
        yield from _answers(summary, arrays, made)


def _epochs(summary: Summary) -> str:
    """How many epochs a run has passed and how it ended; one that diverged has no need of all of them."""
    passed = len(summary.history["test_loss"])
    if summary.status == "diverged" and passed <= summary.run.epochs:
        passed = summary.run.epochs
    known = summary.status in ("finished", "diverged")
    return f"{passed} ({summary.status if known else 'neither finished nor diverged'})"


def _names(names: Any) -> str:
    return ", ".join(sorted(names))


def _expected(summary: Summary) -> frozenset[str]:
    return _WEIGHTS | _HISTORY | (_TEST if summary.status == "finished" else frozenset())


def _answers(summary: Summary, arrays: Mapping[str, Array], made: Made) -> Iterator[str]:
    """Whether predictions, probabilities, labels and history agree."""
    predictions, probabilities = arrays["test/predictions"], arrays["test/probabilities"]
    N = len(made.labels)
    if predictions.dtype != np.uint8:
        yield f"test/predictions is {predictions.dtype}, expected uint8"
        return
    if predictions.shape != (N,) or probabilities.shape != (N, made.classes):
        yield (
            f"test/predictions and test/probabilities have the shapes {predictions.shape} and "
            f"{probabilities.shape}, expected {(N,)} and {(N, made.classes)}"
        )
        return
    if N and int(predictions.max()) >= made.classes:
        yield f"test/predictions has the class {predictions.max()}, expected 0 to {made.classes - 1}"
        return
    chosen = probabilities[np.arange(N), predictions]
    if (other := int((chosen != probabilities.max(axis=1)).sum())) > 0:
        yield f"test/probabilities has another largest class than test/predictions for {other} images"
    if (faults := int((predictions != made.labels).sum())) != summary.faults:
        yield f"its predictions give {faults} faults on the test labels, its history has {summary.faults}"


def read_plain(file: h5py.File, most: int) -> dict[str, Array]:
    """The arrays of a run file by name, ``<group>/<array>``, if it is as plain as ``write_run`` makes it.

    Raises Strange at what could read another file, or take more memory than the file has bytes (most): links,
    arrays that are virtual, external, packed or of other names, and attributes that are many or no one value.
    """
    _require_plain_attributes(file.attrs)
    arrays = {}
    for group in file:
        inner = _member(file, group)
        for name in inner if isinstance(inner, h5py.Group) else ("",):
            if f"{group}/{name}" not in _HISTORY | _WEIGHTS | _TEST:
                raise Strange(f"holds {group}/{name}, which no run does")
            arrays[f"{group}/{name}"] = _plain(f"{group}/{name}", _member(inner, name), most)
    return arrays


def _require_plain_attributes(attributes: Any) -> None:
    if len(attributes) > _MOST_ATTRIBUTES:
        raise Strange(f"has {len(attributes)} attributes")
    for name in attributes:
        if attributes.get_id(name).shape not in ((), None):
            raise Strange(f"the attribute {name} is not one value")


def _member(group: h5py.Group, name: str) -> Any:
    if type(group.get(name, getlink=True)) is not h5py.HardLink:
        raise Strange(f"{name} is a link")
    return group[name]


def _plain(name: str, array: Any, most: int) -> Array:
    if not isinstance(array, h5py.Dataset) or array.dtype.kind not in "fiu" or array.shape is None:
        raise Strange(f"{name} is not an array of numbers")
    layout = array.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
        raise Strange(f"{name} is not stored as it is")
    if array.nbytes > most:
        raise Strange(f"{name} is larger than its file")
    content: Array = array[()]
    return content
