"""Write run files. ``results/runs/<dataset>/<run>.h5`` holds a finished run::

    weights/W1, W2        the trained weights
    history/<field>       one value for each epoch, for each field of ``results.Epoch``
    test/predictions      uint8 (N,), the class of the largest logit; missing if the run diverged
    test/probabilities    float16 (N, K), for display; missing if the run diverged
    scaling               attribute factor, and scale, shift and center, float64 (D,), as ``scaling.Scaling`` has them
    attributes            every axis of the run, status, digests of code and data, the content_sha256 of the data
                          and of the run, versions, segments, input_spec (``inputs.InputSpec``), class_names

The file is sealed, see ``common.sealed``.
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
from handgrad.datasets.inputs import InputSpec
from handgrad.datasets.scaling import ARRAYS, Scaling
from handgrad.experiment.runs import AXES
from handgrad.network.activations import Array
from handgrad.training.loop import State, TrainingResult
from handgrad.training.results import Epoch, Evaluation

#: the array that differs between two computations of the same run
_TIMES = "history/seconds"
#: the attributes that content_sha256 covers; the remaining ones describe when, where and how the run was computed
CONTENT_ATTRIBUTES = (*AXES, "status", "train_examples", "test_examples")


@dataclass(frozen=True)
class Segment:
    """The epochs of a run that one process computed. The first and the last epoch are included.

    If a run was stopped within an epoch, two segments contain this epoch.
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
    """Return the sha256 of everything in a run that does not depend on when and where it was computed.

    It covers CONTENT_ATTRIBUTES and the name, dtype, shape and bytes of each array except the seconds, both sorted by
    name.
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
    """Return a segment that this process computed."""
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
    """Return the CPU model, or the best name that the system provides."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions that affect results: Python, NumPy, and the BLAS that NumPy loaded."""
    libraries = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    # threadpoolctl lists them in a different order in each process
    blas = sorted(f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in libraries)
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(blas),
    }


def result_arrays(state: State, test: Evaluation | None) -> dict[str, Array]:
    """Return the arrays of a run by their names in its file, without test arrays if there is no evaluation."""
    arrays = {f"weights/{name}": weights for name, weights in state.W._asdict().items()}
    for figure in fields(Epoch):
        values = [getattr(epoch, figure.name) for epoch in state.history]
        arrays[f"history/{figure.name}"] = np.array(values, figure.type)
    if test:
        arrays |= {"test/predictions": test.predictions, "test/probabilities": test.Y.astype(np.float16)}
    return arrays


def versions_of(segments: Sequence[Segment]) -> dict[str, str]:
    """Return the versions that computed a run: each distinct version once, in order."""
    return {name: "; ".join(dict.fromkeys(getattr(segment, name) for segment in segments)) for name in versions()}


def other_machines(segments: Sequence[Segment]) -> list[str]:
    """Return the machines of segments that differ from this machine, so that the last bits may differ."""
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
    scaling: Scaling,
    spec: InputSpec,
    class_names: Sequence[str],
) -> str:
    """Write a run file in one step, so that no reader sees an incomplete file. Return its content_sha256.

    scaling, spec, class_names: what is needed to use the run; content_sha256 does not cover them.
    """
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
        "input_spec": spec.to_json(),
        "class_names": json.dumps(list(class_names), ensure_ascii=False),
    }
    content = content_sha256(arrays, attributes)
    with sealed_file(path) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        group = file.create_group("scaling")
        group.attrs["factor"] = scaling.factor
        for name in ARRAYS:
            if (array := getattr(scaling, name)) is not None:
                group.create_dataset(name, data=array)
        for name, value in (attributes | {"content_sha256": content}).items():
            file.attrs[name] = h5py.Empty("i8") if value is None else value
    return content
