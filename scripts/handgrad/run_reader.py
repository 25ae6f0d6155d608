"""Reading run files. Apart from ``runfile``, which says what they hold, since no run depends on this."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from handgrad.errors import HandgradError
from handgrad.runs import AXES, Run
from handgrad.training import Epoch

Array = NDArray[Any]


@dataclass(frozen=True)
class Summary:
    """A run file without its arrays' bulk: what tables are made of.

    history maps each field of ``training.Epoch`` to an array with one value an epoch. faults and loss
    are those of the test split after the last epoch; None if the run diverged.
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


def _open(path: str | Path) -> h5py.File:
    return h5py.File(path, "r", locking=False)


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return None
    return value.item() if isinstance(value, np.generic) else value


def read_summary(path: str | Path) -> Summary:
    """Read a run's summary. Raises HandgradError if the file is not one that ``write_run`` wrote."""
    try:
        with _open(path) as file:
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
        )
    except (OSError, KeyError) as error:
        raise not_a_run(path, error) from error


def require_current(
    path: str | Path, summary: Summary, *, code_digest: str, data_digests: Mapping[str, str]
) -> None:
    """Raise HandgradError if a run file is not what its path says, or comes from other code or data.

    Snakemake runs such a job again by itself as long as it remembers how the file was made; it does not when
    ``.snakemake`` is gone or the file was put there by hand.
    """
    run, made = summary.run, summary.attributes
    differences = {
        "the run": (f"{run.dataset}/{run.name}", "/".join(Path(path).with_suffix("").parts[-2:])),
        "the code of training": (made["code_digest"], code_digest),
        "the data": (made["data_digest"], data_digests.get(run.dataset)),
    }
    for what, (found, expected) in differences.items():
        if found != expected:
            raise HandgradError(
                f"{path}: holds another result than expected: {what} is {found}, expected {expected}; "
                "delete the file, and run snakemake again"
            )


def read_arrays(path: str | Path, *names: str) -> list[Array]:
    """Read arrays of a run file by name, e.g. ``test/predictions``. Raises HandgradError if one is absent."""
    try:
        with _open(path) as file:
            return [file[name][:] for name in names]
    except (OSError, KeyError) as error:
        raise not_a_run(path, error) from error


def not_a_run(path: str | Path, error: Exception) -> HandgradError:
    """The error for a file that cannot be read as a run."""
    return HandgradError(
        f"{path}: cannot be read as a run of this workflow ({error}); delete it, and run snakemake again"
    )
