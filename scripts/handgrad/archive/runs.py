"""The runs of an archive from anywhere: each is what its path says, or an error says what it is not."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.archive.labels import Labels
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import open_sealed
from handgrad.storage.run_reader import Summary, require_current, summary_of
from handgrad.storage.run_writer import content_sha256
from handgrad.tables.inputs import require_faults
from handgrad.training.loop import Epoch

Array = NDArray[Any]

_TRAINED = frozenset({"weights/W1", "weights/W2", *(f"history/{figure.name}" for figure in fields(Epoch))})
_TEST = frozenset({"test/predictions", "test/probabilities"})
_MAX_ATTRIBUTES = 100  # a run has 28


def read_run(path: Path, labels: Labels, code: str) -> Summary:
    """Read a run of an archive; path: ``.../<dataset>/<run>.h5``; code: the digest of the code that trained it.

    Raises HandgradError if it is another run, of other code or data, was changed, or does not agree with itself; other
    errors if it is no run file at all.
    """
    dataset = path.parent.name
    with open_sealed(path) as sealed:
        arrays = _plain_arrays(sealed.file, path.stat().st_size)
        summary = summary_of(path, sealed)
    require_current(
        path,
        summary,
        code_digest=code,
        data_digests={dataset: labels.data_digest},
        contents={dataset: labels.content_sha256},
    )
    _require_whole(path, summary, arrays, labels)
    if summary.status == "finished":
        _require_predictions(path, summary, arrays, labels)
    return summary


def _require_whole(path: Path, summary: Summary, arrays: Mapping[str, Array], labels: Labels) -> None:
    finished = summary.status == "finished"
    passed, epochs = len(summary.history["test_loss"]), summary.run.epochs
    for what, found, expected in (
        ("status", summary.status, "finished" if finished else "diverged"),
        ("test_examples", summary.test_size, len(labels.test_labels)),
        ("content_sha256", summary.content_sha256, content_sha256(arrays, summary.attributes)),
        ("arrays", sorted(arrays), sorted(_TRAINED | _TEST if finished else _TRAINED)),
        ("epochs", passed, epochs if finished else min(passed, epochs)),
    ):
        if found != expected:
            raise HandgradError(f"{path}: its {what}: {found}, expected {expected}")


def _require_predictions(path: Path, summary: Summary, arrays: Mapping[str, Array], labels: Labels) -> None:
    """Raise HandgradError unless predictions, probabilities, labels and history agree."""
    predictions, probabilities = arrays["test/predictions"], arrays["test/probabilities"]
    row = {"dataset": summary.run.dataset, "run": summary.run.name, "faults": summary.faults}
    require_faults(row, labels.test_labels, predictions)
    if probabilities.shape != (expected := (len(predictions), labels.classes)):
        raise HandgradError(f"{path}: test/probabilities has the shape {probabilities.shape}, expected {expected}")
    predicted = probabilities[np.arange(len(predictions)), predictions]
    if count := int((predicted != probabilities.max(axis=1)).sum()):
        raise HandgradError(
            f"{path}: for {count} images test/probabilities has its maximum at another class than test/predictions"
        )


def _plain_arrays(file: h5py.File, max_bytes: int) -> dict[str, Array]:
    """Return the arrays of a run file by name, ``<group>/<array>``, if it is as plain as ``write_run`` makes it.

    Raises ValueError at what could read another file, or take more memory than the file has bytes: links, arrays
    that are virtual, external, compressed or of other names, and attributes that are many or no single value.
    """
    names = list(file.attrs)
    if len(names) > _MAX_ATTRIBUTES or any(file.attrs.get_id(name).shape not in ((), None) for name in names):
        raise ValueError("its attributes are not single values")
    groups = {group: _member(file, group) for group in file}
    members = {f"{group}/{name}": _member(groups[group], name) for group in groups for name in groups[group]}
    return {name: _plain_array(name, member, max_bytes) for name, member in members.items()}


def _member(group: h5py.Group, name: str) -> Any:
    if type(group.get(name, getlink=True)) is not h5py.HardLink:
        raise ValueError(f"{name} is a link")
    return group[name]


def _plain_array(name: str, array: Any, max_bytes: int) -> Array:
    if name not in _TRAINED | _TEST or not isinstance(array, h5py.Dataset) or array.dtype.kind not in "fiu":
        raise ValueError(f"{name} is not an array of a run")
    layout = array.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count() or array.nbytes > max_bytes:
        raise ValueError(f"{name} is not stored as it is")
    content: Array = array[()]
    return content
