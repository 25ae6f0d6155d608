"""Read run files.

``run_writer`` describes their layout. The reader is a separate module, so that a change of it retrains no run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed import Sealed, open_sealed
from handgrad.datasets.inputs import InputSpec
from handgrad.datasets.scaling import ARRAYS, Scaling
from handgrad.experiment.runs import AXES, Run
from handgrad.network.activations import Array
from handgrad.network.model import Weights
from handgrad.storage.hdf5_reader import read_array, read_attributes
from handgrad.training.results import Epoch


@dataclass(frozen=True)
class Summary:
    """A run file without weights and probabilities, as tables need it.

    history: for each field of ``results.Epoch``, an array with one value for each epoch. faults, loss, predictions: on
    the test split after the last epoch; None if the run diverged. predictions has the shape (N,) and the dtype uint8.
    seal: the sha256 of the file's content (``sealed``). path: of the file, as it was opened.
    """

    run: Run
    status: str
    test_size: int
    faults: int | None
    loss: float | None
    seconds: float
    history: dict[str, Array]
    content_sha256: str
    attributes: dict[str, Any]
    predictions: Array | None = None
    seal: str = ""
    path: str = ""


def read_summary(path: str | Path) -> Summary:
    """Read the summary of a run file.

    Raises HandgradError if ``write_run`` did not write the file, or if it was changed afterwards.
    """
    with open_sealed(path) as sealed:
        return summary_of(path, sealed)


def summary_of(path: str | Path, sealed: Sealed) -> Summary:
    """Return the summary of an open run file. Raises HandgradError if the file is not a run file."""
    file = sealed.file
    try:
        attributes, figures = read_attributes(file), file["history"]
        history = {figure.name: read_array(figures, figure.name, figure.type) for figure in fields(Epoch)}
        finished = attributes["status"] == "finished"
        return Summary(
            run=Run(**{axis: attributes[axis] for axis in AXES}),
            status=attributes["status"],
            test_size=attributes["test_examples"],
            faults=int(history["test_faults"][-1]) if finished else None,
            loss=float(history["test_loss"][-1]) if finished else None,
            seconds=float(sum(segment["seconds"] for segment in json.loads(attributes["segments"]))),
            history=history,
            content_sha256=attributes["content_sha256"],
            attributes=attributes,
            predictions=read_array(file, "test/predictions", np.uint8) if finished else None,
            seal=sealed.seal,
            path=str(path),
        )
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise not_a_run(path, error) from error


def read_current(
    path: str | Path,
    *,
    code_digest: str,
    data_digests: Mapping[str, str],
    contents: Mapping[str, str] | None = None,
) -> Summary:
    """Read the summary of a run file, and compare its run, code and data with what is expected.

    contents: the content_sha256 of each dataset; None skips this comparison. Raises HandgradError as ``read_summary``
    and ``require_current`` do.
    """
    summary = read_summary(path)
    require_current(path, summary, code_digest=code_digest, data_digests=data_digests, contents=contents)
    return summary


def require_current(
    path: str | Path,
    summary: Summary,
    *,
    code_digest: str,
    data_digests: Mapping[str, str],
    contents: Mapping[str, str] | None = None,
) -> None:
    """Raise HandgradError if a run file does not match its path, or was made with different code or data.

    Snakemake usually reruns such jobs. It cannot do so if ``.snakemake`` was deleted or the file was copied by hand.
    """
    run, made = summary.run, summary.attributes
    *_, folder, name = Path(path).with_suffix("").parts
    in_slot = name.startswith("slot_")  # of a search, whose ranking decides which setting it holds
    differences = {
        "the run": (f"{run.dataset}/{run.name}", f"{folder}/{name}")
        if not in_slot
        else (run.seed, int(name.split("_")[-1])),
        "the code of training": (made.get("code_digest"), code_digest),
        "the data": (made.get("data_digest"), data_digests.get(run.dataset)),
    }
    if contents is not None:
        differences["the content of the data"] = (made.get("data_content"), contents.get(run.dataset))
    for what, (found, expected) in differences.items():
        if found != expected:
            raise HandgradError(
                f"{path}: holds a different result than expected: {what} is {found}, expected {expected}; "
                "delete the file, and run snakemake again (to train all runs again, add -R train_run)"
            )


@dataclass(frozen=True)
class TrainedModel:
    """All that is needed to use a run: weights, the scaling and the meaning of the inputs, the names of the classes."""

    run: Run
    W: Weights
    scaling: Scaling
    spec: InputSpec
    class_names: tuple[str, ...]
    attributes: dict[str, Any]


def read_model(path: str | Path) -> TrainedModel:
    """Read the model of a run file. Raises HandgradError if the file is not a run file, or if it was changed."""
    with open_sealed(path) as sealed:
        file = sealed.file
        try:
            spec = InputSpec.from_json(file.attrs["input_spec"])
            arrays = {name: file["scaling"][name][:] for name in ARRAYS if name in file["scaling"]}
            summary = summary_of(path, sealed)
            return TrainedModel(
                run=summary.run,
                W=Weights(file["weights/W1"][:], file["weights/W2"][:]),
                scaling=Scaling(float(file["scaling"].attrs["factor"]), **arrays, stored=spec.dtype),
                spec=spec,
                class_names=tuple(json.loads(file.attrs["class_names"])),
                attributes=read_attributes(file),
            )
        except (OSError, KeyError) as error:
            raise not_a_run(path, error) from error


def read_arrays(path: str | Path, *names: str) -> tuple[list[Array], str]:
    """Return arrays of a run file by name, for example ``test/predictions``, and the seal of the file.

    Raises HandgradError if an array is missing, or if the file was changed after it was written.
    """
    with open_sealed(path) as sealed:
        try:
            return [sealed.file[name][:] for name in names], sealed.seal
        except (OSError, KeyError) as error:
            raise not_a_run(path, error) from error


def not_a_run(path: str | Path, error: Exception) -> HandgradError:
    """Return the error for a file that cannot be read as a run file."""
    return HandgradError(f"{path}: cannot be read as a run file of this workflow ({error}); {REMEDY}")
