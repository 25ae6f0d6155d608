"""Checkpoints: where a run stands, in ``results/checkpoints/<dataset>/<run>.checkpoint``.

A file is the sha256 of all that follows it (64 hexadecimal digits and a newline), then a NumPy archive:

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
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.common.logs import logger
from handgrad.experiment.runs import Run
from handgrad.network.activations import Array
from handgrad.network.model import Weights
from handgrad.storage.run_writer import Segment, history_arrays, test_arrays
from handgrad.training.loop import Epoch, Evaluation, State, TrainingResult
from handgrad.training.momentum import Velocity

SUFFIX = ".checkpoint"
#: what the header says of a state, and of a run that has ended
_NUMBERS = ("w1_scale", "passed", "data_term", "seconds")
_ORIGIN = {"run": "parameters", "code": "training code", "data": "data"}
_FACTS = ("status", "train_examples", "test_examples")


class Unusable(Exception):
    """Why a file is not a checkpoint to go on from."""


@dataclass(frozen=True)
class Origin:
    """What a run is computed from: its parameters, the digest of training's code, the sha256 of the data."""

    run: Run
    code: str
    data: str


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
    arrays: dict[str, Array] = {
        "weights/W1": state.W.W1,
        "weights/W2": state.W.W2,
        **history_arrays(state.history),
        **test_arrays(ended.test if ended else None),
    }
    if velocity:
        arrays |= {"velocity/W1": velocity.W1, "velocity/W2": velocity.W2}
    header = {
        **_header_of(origin),
        **{name: getattr(state, name) for name in _NUMBERS},
        "velocity": velocity and {"scale": velocity.scale, "share": velocity.share},
        "segments": [vars(segment) for segment in checkpoint.segments],
        "ended": ended and {name: getattr(ended, name) for name in _FACTS},
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)
    with whole_file(path) as part, part.open("wb") as file:
        file.write(_checksum(content.getbuffer()))
        file.write(content.getbuffer())


def _header_of(origin: Origin) -> dict[str, Any]:
    return {"run": vars(origin.run), "code": origin.code, "data": origin.data}


def _checksum(content: memoryview | bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n"


def read_checkpoint(path: Path, origin: Origin) -> Checkpoint:
    """Read the checkpoint of a run.

    Raises Unusable if the file is torn, or not of this run, code and data; OSError if it cannot be read.
    """
    with path.open("rb") as file:
        checksum, content = file.readline(65), file.read()
    if checksum != _checksum(content):
        raise Unusable("torn: its checksum is not that of its content")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            for key, value in _header_of(origin).items():
                if header[key] != value:
                    raise Unusable(f"of other {_ORIGIN[key]}")
            return _checkpoint(origin.run, header, {name: archive[name] for name in archive.files})
    except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise Unusable(f"not a checkpoint of this workflow ({error})") from error


def read_header(path: Path) -> dict[str, Any]:
    """Return the header of a checkpoint and the number of its ``epochs``, without its weights.

    Its checksum is not compared: this is for estimates, and training trusts nothing of it. Raises Unusable if it cannot
    be read.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file) as archive:  # np.load refuses the checksum before it
            header = json.loads(str(archive["header"]))
            return {key: header[key] for key in ("code", "passed", "ended")} | {
                "epochs": len(archive["history/seconds"])
            }
    except Exception as error:
        raise Unusable(f"not a checkpoint of this workflow ({error})") from error


def _checkpoint(run: Run, header: dict[str, Any], arrays: dict[str, Array]) -> Checkpoint:
    figures = zip(*(arrays[f"history/{figure.name}"].tolist() for figure in fields(Epoch)), strict=True)
    velocity = header["velocity"] and Velocity(arrays["velocity/W1"], arrays["velocity/W2"], **header["velocity"])
    state = State(
        Weights(arrays["weights/W1"], arrays["weights/W2"]),
        [Epoch(*epoch) for epoch in figures],
        velocity=velocity,
        **{name: header[name] for name in _NUMBERS},
    )
    ended, test = None, None
    if "test/predictions" in arrays:
        last = state.history[-1]
        test = Evaluation(last.test_loss, last.test_faults, arrays["test/predictions"], arrays["test/probabilities"])
    if header["ended"]:
        ended = TrainingResult(run, state=state, test=test, **header["ended"])
    return Checkpoint(run, state, tuple(Segment(**segment) for segment in header["segments"]), ended)


def furthest_checkpoint(folder: Path, origin: Origin) -> Checkpoint | None:
    """The furthest valid checkpoint of a run, or of one equal in all but ``epochs``, not past its end.

    Where nothing depends on the number of epochs, a shorter run is the beginning of a longer one; with a
    schedule that ends with the last epoch, only the run's own checkpoint serves.
    What is torn, or of other parameters, code or data, is never used: the log says so, and the run's own file
    is set aside under the name ``<run>.checkpoint.rejected``, where it no longer stands in anybody's way.
    Raises OSError if the run's own file or the folder cannot be read, since training would then begin again.
    """
    found = None
    for path, run in _relatives(folder, origin.run):
        try:
            checkpoint = read_checkpoint(path, replace(origin, run=run))
        except Unusable as reason:
            _set_aside(path, reason, own=run == origin.run)
            continue
        except FileNotFoundError:  # removed since the folder was listed
            continue
        except PermissionError as error:  # of a run of somebody else's; training goes on without it
            if run == origin.run:
                raise
            logger.warning("%s: %s; not used", path, error.strerror)
            continue
        position = checkpoint.state.position
        if position <= (origin.run.epochs, 0) and (found is None or position >= found.state.position):
            found = checkpoint
    return found


def _relatives(folder: Path, run: Run) -> Iterator[tuple[Path, Run]]:
    """Files called like checkpoints of runs that begin alike, equal in all but epochs; its own last."""
    own = path_of(folder, run)
    pattern = own.name.replace(f"_ep_{run.epochs}_", "_ep_*_")
    # glob would pass over a folder that cannot be listed
    paths = sorted(own.parent.iterdir()) if own.parent.exists() and run.can_be_extended else []
    for path in (path for path in paths if fnmatch.fnmatchcase(path.name, pattern)):
        try:
            other = Run.from_name(run.dataset, path.name.removesuffix(SUFFIX))
        except HandgradError:
            continue
        if other != run and replace(other, epochs=run.epochs) == run:
            yield path, other
    if own.exists():
        yield own, run


def _set_aside(path: Path, reason: Unusable, *, own: bool) -> None:
    if not own:
        logger.info("%s: %s; not used", path, reason)
        return
    rejected = path.with_name(f"{path.name}.rejected")
    try:
        path.replace(rejected)
    except FileNotFoundError:  # another writer of this run was faster
        return
    logger.info("%s: %s; set aside as %s", path, reason, rejected)
