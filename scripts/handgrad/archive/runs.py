"""Reading the runs of an archive, which may come from anyone, with strict checks."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.archive.labels import Labels
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import open_sealed
from handgrad.datasets.scaling import ARRAYS
from handgrad.experiment.runs import Run
from handgrad.storage.run_reader import Summary, summary_of
from handgrad.storage.run_writer import content_sha256
from handgrad.training.results import Epoch

Array = NDArray[Any]

_TRAINED = frozenset({"weights/W1", "weights/W2", *(f"history/{figure.name}" for figure in fields(Epoch))})
_TEST = frozenset({"test/predictions", "test/probabilities"})
_SCALING = frozenset(f"scaling/{name}" for name in ARRAYS)


def read_run(path: Path, run: Run | None, labels: Labels, code: str) -> Summary:
    """Read and check a run of an archive.

    run: the expected run; None in a slot of a search, whose ranking decides. code: digest of the code that trained it.
    Raises HandgradError if it is a different run, does not match its code or data, was changed, or is inconsistent.
    Raises other errors if the file is not a run file.
    """
    with open_sealed(path) as sealed:
        arrays = _plain_arrays(sealed.file, path.stat().st_size)
        summary = summary_of(path, sealed)
    scaling = {name: arrays.pop(name) for name in _SCALING & arrays.keys()}
    for name, array in scaling.items():
        if array.shape != (arrays["weights/W1"].shape[1] - 1,) or not np.isfinite(array).all():
            raise HandgradError(f"{path}: {name}: found {array.shape}, expected a finite number for each input")
    for what, found, expected in _facts(summary, run or summary.run, arrays, labels, code):
        if found != expected:
            raise HandgradError(f"{path}: {what}: found {found}, expected {expected}")
    return summary


def _facts(
    summary: Summary, expected: Run, arrays: Mapping[str, Array], labels: Labels, code: str
) -> Iterator[tuple[str, object, object]]:
    """Yield facts about a run: name, found value and expected value."""
    run, made, finished = summary.run, summary.attributes, summary.status == "finished"
    epochs = len(summary.history["test_loss"])
    yield "run", f"{run.dataset}/{run.name}", f"{expected.dataset}/{expected.name}"
    yield "status", summary.status, "finished" if finished else "diverged"
    yield "code_digest", made.get("code_digest"), code
    yield "data_digest", made.get("data_digest"), labels.digest
    yield "data_content", made.get("data_content"), labels.content
    yield "arrays", sorted(arrays), sorted(_TRAINED | _TEST if finished else _TRAINED)
    yield "epochs", epochs, run.epochs if finished else min(epochs, run.epochs)
    yield "test_examples", summary.test_size, len(labels.test)
    yield "content_sha256", summary.content_sha256, content_sha256(arrays, made)
    if finished:
        predictions, probabilities = arrays["test/predictions"], arrays["test/probabilities"]
        yield "shape of predictions", predictions.shape, labels.test.shape
        yield "faults in history", summary.faults, int((labels.test != predictions).sum())
        yield "shape of probabilities", probabilities.shape, (len(predictions), len(labels.entry["class_names"]))
        predicted = probabilities[np.arange(len(predictions)), predictions]
        yield "images with a more probable class", int((predicted != probabilities.max(axis=1)).sum()), 0


def _plain_arrays(file: h5py.File, max_bytes: int) -> dict[str, Array]:
    """Return the arrays of a run file by name, ``<group>/<array>``.

    Raises ValueError if the file has anything that ``write_run`` does not write: links, arrays that are virtual,
    external or compressed or have unknown names, and attributes that are not single values. Such a file could make HDF5
    read other files, or use more memory than the file has bytes.
    """
    if any(file.attrs.get_id(name).shape not in ((), None) for name in file.attrs):
        raise ValueError("its attributes are not single values")
    groups = {group: _member(file, group) for group in file}
    members = {f"{group}/{name}": _member(groups[group], name) for group in groups for name in groups[group]}
    return {name: _plain_array(name, member, max_bytes) for name, member in members.items()}


def _member(group: h5py.Group, name: str) -> Any:
    if type(group.get(name, getlink=True)) is not h5py.HardLink:
        raise ValueError(f"{name} is a link")
    return group[name]


def _plain_array(name: str, array: Any, max_bytes: int) -> Array:
    if name not in _TRAINED | _TEST | _SCALING or not isinstance(array, h5py.Dataset) or array.dtype.kind not in "fiu":
        raise ValueError(f"{name} is not an array of a run")
    layout = array.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count() or array.nbytes > max_bytes:
        raise ValueError(f"{name} is not stored as one plain block of bytes")
    content: Array = array[()]
    return content
