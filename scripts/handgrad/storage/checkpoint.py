"""Checkpoints: the state of a run, in ``results/checkpoints/<dataset>/<run>.checkpoint``.

A file has three parts. Its first line is the sha256 of the rest, 64 hexadecimal digits. Its second line is the header.
A NumPy archive follows::

    header                         JSON: every axis of the run, digests of code and data, position, segments;
                                   after the run has ended, also its status
    weights/W1, W2                 the weights; within an epoch, the true W1 is W1 times the header's w1_scale
    velocity/W1, W2                only with momentum: the velocity; the header holds the scale and share of W1
    history/<field>                one value for each completed epoch, for each field of ``results.Epoch``
    test/...                       only after the run has ended: predictions and probabilities, as in the run file

Checkpoints are not declared as outputs, because Snakemake deletes the outputs of a job that starts or fails.
The checksum detects incomplete and changed files.
"""

import fnmatch
import hashlib
import io
import json
import os
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
from handgrad.training.loop import State, TrainingResult
from handgrad.training.momentum import Velocity
from handgrad.training.results import Epoch, Evaluation

SUFFIX = ".checkpoint"


class Unusable(Exception):
    """A file cannot be used as a checkpoint. The message gives the reason."""


@dataclass(frozen=True)
class Origin:
    """The inputs of a run. code: digest of the training code. data: sha256; None accepts any data, for estimates."""

    run: Run
    code: str
    data: str | None


@dataclass(frozen=True)
class Header:
    """The header of a checkpoint: its origin, the state without its arrays, and how the run ended."""

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
        """Return the number of completed epochs, and the number of examples used in the current epoch."""
        return self.epochs, self.passed

    def require(self, origin: Origin) -> None:
        """Raise Unusable if the checkpoint has a different origin."""
        for name, what in (("run", "parameters"), ("code", "training code"), ("data", "data")):
            if getattr(origin, name) not in (None, getattr(self, name)):
                raise Unusable(f"was written with different {what}")


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint. segments: what each process computed. ended: None if the run has not ended."""

    run: Run
    state: State
    segments: tuple[Segment, ...]
    ended: TrainingResult | None = None

    def end_of(self, run: Run) -> TrainingResult | None:
        """Return the result of a run if this checkpoint contains it, otherwise None.

        The checkpoint contains it if it is the run's own. A checkpoint of a run that differs only in its epochs also
        contains it, if that run diverged earlier.
        """
        if self.ended and (self.run == run or (self.ended.status == "diverged" and run.can_be_extended)):
            return replace(self.ended, run=run)
        return None


def path_of(folder: Path, run: Run) -> Path:
    """Return the path of the checkpoint of a run."""
    return folder / run.dataset / f"{run.name}{SUFFIX}"


def write_checkpoint(path: Path, checkpoint: Checkpoint, origin: Origin) -> None:
    """Write a checkpoint in one step. Raises OSError if that fails; an earlier file then stays unchanged."""
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
    """Return the header of a checkpoint, without reading its arrays or verifying its checksum.

    Raises Unusable if the file is not a checkpoint, OSError if it cannot be read.
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

    Raises Unusable if the file is damaged or has a different origin; OSError if it cannot be read.
    """
    with path.open("rb") as file:
        checksum, first, content = file.readline(65), file.readline(), file.read()
    if checksum != _checksum(first, content):
        raise Unusable("damaged: its checksum does not match its content")
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
    """Yield the headers and paths of the checkpoints from which a run can continue, the furthest first.

    A run can continue from its own checkpoint. It can also continue from a run that differs only in its epochs, unless
    the learning-rate schedule depends on the number of epochs. If two are equally far, its own comes first. Only the
    headers are read, so a file can still be damaged.

    reject: called with each file that cannot be used, and the reason. Raises OSError if the folder cannot be read.
    """
    run, own, found = origin.run, path_of(folder, origin.run), []
    patterns = run.names_with_any_epochs() if run.can_be_extended else (run.name,)
    # glob would silently ignore a folder that cannot be listed
    names = os.listdir(own.parent) if own.parent.exists() else []  # noqa: PTH208, one Path for each file is slow
    matching = {name for one in patterns for name in fnmatch.filter(names, f"{one}{SUFFIX}")}
    for path in (own.parent / name for name in sorted(matching)):
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
    """Return the furthest valid checkpoint from which a run can continue, or None.

    A file that is damaged or has a different origin is not used, and the log gives the reason. If it is the run's own
    file, it is renamed to ``<run>.checkpoint.rejected``. Raises OSError if the run's own file or the folder cannot be
    read, because training would otherwise start again from the beginning.
    """
    reject = partial(_reject, own=path_of(folder, origin.run))
    for header, path in beginnings(folder, origin, reject):
        try:
            return read_checkpoint(path, replace(origin, run=header.run))
        except (Unusable, OSError) as reason:
            reject(path, reason)
    return None


def _reject(path: Path, reason: Exception, own: Path) -> None:
    if isinstance(reason, FileNotFoundError):  # deleted after the folder was listed
        return
    if path != own:  # another job may need it
        logger.info("%s: %s; not used", path, reason)
        return
    if isinstance(reason, OSError):
        raise reason
    rejected = path.with_name(f"{path.name}.rejected")
    with suppress(FileNotFoundError):  # another job of this run was faster
        path.replace(rejected)
        logger.info("%s: %s; renamed to %s", path, reason, rejected)
