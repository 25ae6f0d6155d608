"""The file that holds a finished run: ``results/runs/<dataset>/<run>.h5``.

weights/W1, W2        as trained
history/<figure>      one value an epoch, for each field of ``training.Epoch``
test/predictions      uint8 (N,), the class of the largest logit; absent from a diverged run
test/probabilities    float16 (N, K), for display
attributes            every axis of the run, status, digests, versions, content_sha256, segments
"""

import functools
import hashlib
import json
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from handgrad.atomic import whole_file
from handgrad.runs import AXES
from handgrad.training import Epoch, Trained

Array = NDArray[Any]

_TIMES = {"seconds"}


@dataclass(frozen=True)
class Segment:
    """A stretch of a run that one process computed, from one epoch to another, both included.

    Where a run was stopped within an epoch, one stretch ends and the next one begins with that epoch.
    """

    host: str
    cpu: str
    python: str
    numpy: str
    blas: str
    from_epoch: int
    to_epoch: int
    seconds: float


def content_sha256(arrays: Mapping[str, Array]) -> str:
    """sha256 over named arrays (name, dtype, shape, bytes), in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def this_segment(from_epoch: int, to_epoch: int, seconds: float) -> Segment:
    """A segment computed by this process."""
    return Segment(
        socket.gethostname(),
        cpu_model(),
        **versions(),
        from_epoch=from_epoch,
        to_epoch=to_epoch,
        seconds=round(seconds, 3),
    )


@functools.cache
def cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@functools.cache
def versions() -> Mapping[str, str]:
    """Versions of what the numbers depend on: Python, NumPy, and the BLAS that NumPy loaded."""
    blas = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(
            f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in blas
        ),
    }


def history_arrays(history: Sequence[Epoch]) -> dict[str, Array]:
    """history/<figure>, one value an epoch, for each field of ``training.Epoch``."""
    return {
        f"history/{figure.name}": np.array([getattr(epoch, figure.name) for epoch in history], figure.type)
        for figure in fields(Epoch)
    }


def versions_of(segments: Sequence[Segment]) -> dict[str, str]:
    """The versions that computed a run, each distinct one once, in order."""
    return {
        name: "; ".join(dict.fromkeys(getattr(segment, name) for segment in segments)) for name in versions()
    }


def write_run(
    path: str | Path,
    trained: Trained,
    segments: Sequence[Segment],
    *,
    code_digest: str,
    data_digest: str,
) -> str:
    """Write a finished run; the file appears whole or not at all. Returns its content_sha256."""
    arrays: dict[str, Array] = {
        "weights/W1": trained.state.W.W1,
        "weights/W2": trained.state.W.W2,
        **history_arrays(trained.state.history),
    }
    if trained.test is not None:
        arrays["test/predictions"] = trained.test.predictions
    content = content_sha256(
        {name: array for name, array in arrays.items() if name.split("/")[1] not in _TIMES}
    )
    if trained.test is not None:
        arrays["test/probabilities"] = trained.test.Y.astype(np.float16)
    attributes = {
        **{axis: getattr(trained.run, axis) for axis in AXES},
        **versions_of(segments),
        "status": trained.status,
        "train_examples": trained.train_examples,
        "test_examples": trained.test_examples,
        "code_digest": code_digest,
        "data_digest": data_digest,
        "content_sha256": content,
        "segments": json.dumps([vars(segment) for segment in segments]),
    }
    with whole_file(path) as part, h5py.File(part, "w", locking=False) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for name, value in attributes.items():
            file.attrs[name] = h5py.Empty("i8") if value is None else value
    return content
