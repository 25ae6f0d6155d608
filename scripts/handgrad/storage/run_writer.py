"""The file that holds a finished run: ``results/runs/<dataset>/<run>.h5``.

weights/W1, W2        as trained
history/<figure>      one value an epoch, for each field of ``loop.Epoch``
test/predictions      uint8 (N,), the class of the largest logit; absent from a diverged run
test/probabilities    float16 (N, K), for display
attributes            every axis of the run, status, digests of code and data, the content_sha256 of the data
                      and of the run, versions, segments
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

from handgrad.common.sealed import sealed_file
from handgrad.experiment.runs import AXES
from handgrad.network.activations import Array
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult

#: what "the same run" does not mean
_TIMES = "history/seconds"
#: the attributes that belong to the content; the others say when, where and from what it was made
CONTENT_ATTRIBUTES = (*AXES, "status", "train_examples", "test_examples")


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


def content_sha256(arrays: Mapping[str, Array], attributes: Mapping[str, Any]) -> str:
    """sha256 over all of a run that does not depend on when and where it was computed.

    That is: each array but the seconds (name, dtype, shape, bytes), and CONTENT_ATTRIBUTES, in the order of
    their names.
    """
    digest = hashlib.sha256()
    for name in sorted(CONTENT_ATTRIBUTES):
        digest.update(f"{name} {json.dumps(attributes[name])}\n".encode())
    for name in sorted(arrays.keys() - {_TIMES}):
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
        "blas": ", ".join(f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in blas),
    }


def result_arrays(state: State, test: Evaluation | None) -> dict[str, Array]:
    """The arrays of a run by their names in its file; those of the test are absent from a run without an evaluation."""
    arrays = {f"weights/{name}": weights for name, weights in state.W._asdict().items()}
    for figure in fields(Epoch):
        values = [getattr(epoch, figure.name) for epoch in state.history]
        arrays[f"history/{figure.name}"] = np.array(values, figure.type)
    if test:
        arrays |= {"test/predictions": test.predictions, "test/probabilities": test.Y.astype(np.float16)}
    return arrays


def versions_of(segments: Sequence[Segment]) -> dict[str, str]:
    """The versions that computed a run, each distinct one once, in order."""
    return {name: "; ".join(dict.fromkeys(getattr(segment, name) for segment in segments)) for name in versions()}


def other_machines(segments: Sequence[Segment]) -> list[str]:
    """What computed a part of a run and is not what computes here, whose last bits may differ."""
    here = this_segment(0, 0, 0)
    parts = {(s.cpu, s.numpy, s.blas): f"{s.cpu}, NumPy {s.numpy}, {s.blas}" for s in segments}
    return [name for machine, name in parts.items() if machine != (here.cpu, here.numpy, here.blas)]


def write_run(
    path: str | Path,
    trained: TrainingResult,
    segments: Sequence[Segment],
    *,
    code_digest: str,
    data_digest: str,
    data_content: str,
) -> str:
    """Write a finished run; the file appears whole or not at all. Returns its content_sha256."""
    arrays = result_arrays(trained.state, trained.test)
    attributes = {
        **{axis: getattr(trained.run, axis) for axis in AXES},
        **versions_of(segments),
        "status": trained.status,
        "train_examples": trained.train_examples,
        "test_examples": trained.test_examples,
        "code_digest": code_digest,
        "data_digest": data_digest,
        "data_content": data_content,
        "segments": json.dumps([vars(segment) for segment in segments]),
    }
    content = content_sha256(arrays, attributes)
    with sealed_file(path) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for name, value in (attributes | {"content_sha256": content}).items():
            file.attrs[name] = h5py.Empty("i8") if value is None else value
    return content
