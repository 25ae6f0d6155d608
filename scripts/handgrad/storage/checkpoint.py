"""Checkpoints: where a run stands, in ``results/checkpoints/<dataset>/<run>.checkpoint``.

A file is the sha256 of all that follows it (64 hexadecimal digits), then a header, each a line, then a NumPy archive:

header                         JSON: every axis of the run, digests of code and data, position, segments, and
                               how the run has ended, if it has
weights/W1, W2                 as they are; within an epoch, W1 is to be multiplied by the header's w1_scale
velocity/W1, W2                of a run with momentum: as they are, with the header's scale and share of W1
history/<figure>               one value an epoch that has passed, for each field of ``loop.Epoch``
test/...                       of a finished run: predictions and probabilities as in its run file

They are never declared as outputs, since Snakemake deletes the outputs of a job that starts or fails. The
checksum finds out one that is torn all the same, or that somebody has changed.
"""

import fnmatch
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.atomic import whole_file
from handgrad.common.logs import logger
from handgrad.experiment.runs import Run
from handgrad.network.activations import Array
from handgrad.network.model import Weights
from handgrad.storage.run_writer import Segment, result_arrays
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult
from handgrad.training.momentum import Velocity

SUFFIX = ".checkpoint"


class Unusable(Exception):
    """Why a file is not a checkpoint to go on from."""


@dataclass(frozen=True)
class Origin:
    """What a run is computed from: its parameters, the digest of training's code, the sha256 of the data.

    data: None where any will do, for estimates.
    """

    run: Run
    code: str
    data: str | None


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself: its origin, the state but for its arrays, and how the run has ended."""

    run: Run
    code: str
    data: str
    epochs: int
    passed: int
    w1_scale: float
    data_term: float
    seconds: float
    velocity: dict[str, float] | None
    segments: list[dict[str, Any]]
    ended: dict[str, Any] | None

    @property
    def position(self) -> tuple[int, int]:
        """Epochs, and examples of the running epoch, that have passed."""
        return self.epochs, self.passed

    def require(self, origin: Origin) -> None:
        """Raise Unusable if the checkpoint is of another origin."""
        for name, what in (("run", "parameters"), ("code", "training code"), ("data", "data")):
            if getattr(origin, name) not in (None, getattr(self, name)):
                raise Unusable(f"of other {what}")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds: where its run stands, who computed it, and how it has ended, if it has."""

    run: Run
    state: State
    segments: tuple[Segment, ...]
    ended: TrainingResult | None = None

    def end_of(self, run: Run) -> TrainingResult | None:
        """How a run ended, if this is its end: its own, or that of one that diverged on the way."""
        if self.ended and (self.run == run or (self.ended.status == "diverged" and run.can_be_extended)):
            return replace(self.ended, run=run)
        return None


def path_of(folder: Path, run: Run) -> Path:
    """Where the checkpoint of a run is."""
    return folder / run.dataset / f"{run.name}{SUFFIX}"


def write_checkpoint(path: Path, checkpoint: Checkpoint, origin: Origin) -> None:
    """Write a checkpoint; the file appears whole or not at all.

    Raises OSError if it cannot be written; what was there before is as it was.
    """
    state, velocity, ended = checkpoint.state, checkpoint.state.velocity, checkpoint.ended
    arrays = result_arrays(state, ended.test if ended else None)
    if velocity:
        arrays |= {"velocity/W1": velocity.W1, "velocity/W2": velocity.W2}
    header = {
        **vars(origin),
        "run": vars(origin.run),
        "epochs": len(state.history),
        **{name: getattr(state, name) for name in ("passed", "w1_scale", "data_term", "seconds")},
        "velocity": velocity and {"scale": velocity.scale, "share": velocity.share},
        "segments": [vars(segment) for segment in checkpoint.segments],
        "ended": ended and {name: getattr(ended, name) for name in ("status", "train_examples", "test_examples")},
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    first = json.dumps(header).encode() + b"\n"
    with whole_file(path) as part, part.open("wb") as file:
        file.writelines((_checksum(first, content.getbuffer()), first, content.getbuffer()))


def _checksum(header: bytes, content: memoryview | bytes) -> bytes:
    digest = hashlib.sha256(header)
    digest.update(content)
    return digest.hexdigest().encode() + b"\n"


def read_header(path: Path) -> Header:
    """Return what a checkpoint says of itself; its checksum and its arrays are not looked at.

    Raises Unusable if it is none, OSError if it cannot be read.
    """
    with path.open("rb") as file:
        file.readline(65)
        return _header(file.readline())


def _header(line: bytes) -> Header:
    try:
        values = json.loads(line)
        return Header(**{**values, "run": Run(**values["run"])})
    except (ValueError, LookupError, TypeError) as error:
        raise Unusable(f"not a checkpoint of this workflow ({error})") from error


def read_checkpoint(path: Path, origin: Origin) -> Checkpoint:
    """Read the checkpoint of a run.

    Raises Unusable if the file is torn, or not of this run, code and data; OSError if it cannot be read.
    """
    with path.open("rb") as file:
        checksum, first, content = file.readline(65), file.readline(), file.read()
    if checksum != _checksum(first, content):
        raise Unusable("torn: its checksum is not that of its content")
    header = _header(first)
    header.require(origin)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return _checkpoint(origin.run, header, {name: archive[name] for name in archive.files})
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise Unusable(f"not a checkpoint of this workflow ({error})") from error


def _checkpoint(run: Run, header: Header, arrays: dict[str, Array]) -> Checkpoint:
    figures = zip(*(arrays[f"history/{figure.name}"].tolist() for figure in fields(Epoch)), strict=True)
    velocity = header.velocity and Velocity(arrays["velocity/W1"], arrays["velocity/W2"], **header.velocity)
    state = State(
        Weights(arrays["weights/W1"], arrays["weights/W2"]),
        [Epoch(*epoch) for epoch in figures],
        w1_scale=header.w1_scale,
        passed=header.passed,
        data_term=header.data_term,
        seconds=header.seconds,
        velocity=velocity or None,
    )
    ended, test = None, None
    if "test/predictions" in arrays:
        last = state.history[-1]
        test = Evaluation(last.test_loss, last.test_faults, arrays["test/predictions"], arrays["test/probabilities"])
    if header.ended:
        ended = TrainingResult(run, state=state, test=test, **header.ended)
    return Checkpoint(run, state, tuple(Segment(**segment) for segment in header.segments), ended)


def beginnings(
    folder: Path, origin: Origin, reject: Callable[[Path, Exception], None] = lambda *_: None
) -> Iterator[tuple[Header, Path]]:
    """Yield the headers and files of the checkpoints that a run could go on from, the furthest first.

    Where nothing depends on the number of epochs, a shorter run is the beginning of a longer one; with a
    schedule that ends with the last epoch, only the run's own checkpoint serves. Of equal ones, its own comes first.
    Only headers are read, so a file may turn out to be torn. reject is called with each file that is of no use, and
    the reason. Raises OSError if the folder cannot be read.
    """
    run, own, found = origin.run, path_of(folder, origin.run), []
    pattern = own.name.replace(f"_ep_{run.epochs}_", "_ep_*_") if run.can_be_extended else own.name
    # glob would pass over a folder that cannot be listed
    names = sorted(path.name for path in own.parent.iterdir()) if own.parent.exists() else []
    for path in (own.parent / name for name in fnmatch.filter(names, pattern)):
        try:
            header = read_header(path)
            epochs = run.epochs if path == own else header.run.epochs
            header.require(replace(origin, run=replace(run, epochs=epochs)))
        except (Unusable, OSError) as reason:
            reject(path, reason)
            continue
        if header.position <= (run.epochs, 0):
            found.append((header.position, path == own, path, header))
    for _, _, path, header in sorted(found, key=lambda one: one[:3], reverse=True):
        yield header, path


def furthest_checkpoint(folder: Path, origin: Origin) -> Checkpoint | None:
    """The furthest valid one of the ``beginnings`` of a run.

    What is torn, or of other parameters, code or data, is never used: the log says so, and the run's own file
    is set aside under the name ``<run>.checkpoint.rejected``, where it no longer stands in anybody's way.
    Raises OSError if the run's own file or the folder cannot be read, since training would then begin again.
    """
    reject = partial(_reject, own=path_of(folder, origin.run))
    for header, path in beginnings(folder, origin, reject):
        try:
            return read_checkpoint(path, replace(origin, run=header.run))
        except (Unusable, OSError) as reason:
            reject(path, reason)
    return None


def _reject(path: Path, reason: Exception, own: Path) -> None:
    if isinstance(reason, FileNotFoundError):  # removed since the folder was listed
        return
    if path != own:  # perhaps of somebody else's run
        logger.info("%s: %s; not used", path, reason)
        return
    if isinstance(reason, OSError):
        raise reason
    rejected = path.with_name(f"{path.name}.rejected")
    with suppress(FileNotFoundError):  # another writer of this run was faster
        path.replace(rejected)
        logger.info("%s: %s; set aside as %s", path, reason, rejected)
