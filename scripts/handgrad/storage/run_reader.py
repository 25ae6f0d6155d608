"""Reading of run files. Kept separate from ``run_writer``, which says what they hold, since no run depends on this."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.sealed import Sealed, open_sealed
from handgrad.experiment.runs import AXES, Run
from handgrad.network.activations import Array
from handgrad.training.loop import Epoch


@dataclass(frozen=True)
class Summary:
    """A run file without its arrays' bulk: what tables are made of.

    history maps each field of ``loop.Epoch`` to an array with one value an epoch. faults and loss
    are those of the test split after the last epoch, predictions uint8 (N,); None if the run diverged. seal:
    the sha256 of the file's content (``sealed``).
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


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return None
    return value.item() if isinstance(value, np.generic) else value


def read_summary(path: str | Path) -> Summary:
    """Read a run's summary.

    Raises HandgradError if the file is not one that ``write_run`` wrote, or was changed since.
    """
    with open_sealed(path) as sealed:
        return summary_of(path, sealed)


def summary_of(path: str | Path, sealed: Sealed) -> Summary:
    """The summary of an open run file. Raises HandgradError if it is none."""
    file = sealed.file
    try:
        attributes = {name: _plain(value) for name, value in file.attrs.items()}
        history = {figure.name: file["history"][figure.name][:] for figure in fields(Epoch)}
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
            predictions=file["test/predictions"][:] if finished else None,
            seal=sealed.seal,
        )
    except (OSError, KeyError) as error:
        raise not_a_run(path, error) from error


def read_current(
    path: str | Path,
    *,
    code_digest: str,
    data_digests: Mapping[str, str],
    contents: Mapping[str, str] | None = None,
) -> Summary:
    """Read a run's summary; contents: the content_sha256 of each dataset, where the job reads it.

    Raises HandgradError as ``read_summary`` does, or if it is another run or of other code or data.
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
    """Raise HandgradError if a run file is not what its path says, or comes from other code or data.

    Snakemake runs such a job again by itself as long as it remembers how the file was made; it does not when
    ``.snakemake`` is gone or the file was put there by hand.
    """
    run, made = summary.run, summary.attributes
    differences = {
        "the run": (f"{run.dataset}/{run.name}", "/".join(Path(path).with_suffix("").parts[-2:])),
        "the code of training": (made.get("code_digest"), code_digest),
        "the data": (made.get("data_digest"), data_digests.get(run.dataset)),
    }
    if contents is not None:
        differences["the content of the data"] = (made.get("data_content"), contents.get(run.dataset))
    for what, (found, expected) in differences.items():
        if found != expected:
            raise HandgradError(
                f"{path}: holds another result than expected: {what} is {found}, expected {expected}; "
                "delete the file, and run snakemake again (or, to make all runs again, with -R train_run)"
            )


def read_arrays(path: str | Path, *names: str) -> tuple[list[Array], str]:
    """Arrays of a run file by name, e.g. ``test/predictions``, and the file's seal.

    Raises HandgradError if an array is absent, or the file was changed since it was written.
    """
    with open_sealed(path) as sealed:
        try:
            return [sealed.file[name][:] for name in names], sealed.seal
        except (OSError, KeyError) as error:
            raise not_a_run(path, error) from error


def not_a_run(path: str | Path, error: Exception) -> HandgradError:
    """The error for a file that cannot be read as a run."""
    return HandgradError(f"{path}: cannot be read as a run of this workflow ({error}); {REMEDY}")
