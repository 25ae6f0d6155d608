"""A run that was stopped anywhere ends with the same content, and only a valid checkpoint is used."""

import errno
import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories import USE, image_data, run_of
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import Stopped, StopSignals
from handgrad.experiment.runs import Run, is_short_name
from handgrad.storage import checkpoint as checkpoints
from handgrad.storage import training_job
from handgrad.storage.checkpoint import (
    Checkpoint,
    Origin,
    Unusable,
    beginnings,
    furthest_checkpoint,
    path_of,
    read_checkpoint,
    write_checkpoint,
)
from handgrad.storage.run_reader import read_summary
from handgrad.storage.run_writer import Segment, other_machines, write_run
from handgrad.storage.training_job import run_until
from handgrad.training.loop import TrainingResult, train

RUN = run_of(hidden_units=4, learning_rate=0.05, batch_size=5, epochs=4)
ORIGIN = Origin(RUN, "code", "data")
BATCHES = 5  # in an epoch: 23 examples in batches of 5
DATA = image_data(23, 7)


def origin_of(run: Run) -> Origin:
    return replace(ORIGIN, run=run)


class StopAfter:
    """Stop signals that report SIGTERM after this many updates."""

    def __init__(self, updates: int) -> None:
        self.left = updates

    @property
    def received(self) -> signal.Signals | None:
        self.left -= 1
        return None if self.left else signal.SIGTERM


def until_epoch(
    epochs: int, folder: Path, run: Run = RUN, *, stop: Any = None, interval: float = 1e9, origin: Origin | None = None
) -> Checkpoint:
    """Train a run as a job does, from its furthest checkpoint until it has this number of epochs."""
    given = {"stop": stop or StopSignals(), "interval": interval, "progress": ProgressFile(None)}
    return run_until(epochs, origin or origin_of(run), lambda: DATA, folder, **given)


def go_on(folder: Path, run: Run = RUN, **how: Any) -> tuple[TrainingResult, tuple[Segment, ...]]:
    """Train a run as a job does, from its furthest checkpoint until it ends."""
    checkpoint = until_epoch(run.epochs, folder, run, **how)
    assert checkpoint.ended
    return checkpoint.ended, checkpoint.segments


def stopped_after(updates: int, folder: Path, run: Run = RUN, origin: Origin | None = None) -> Path:
    """Continue a run, and stop it by a signal after this many updates."""
    with pytest.raises(Stopped):
        go_on(folder, run, stop=StopAfter(updates), origin=origin)
    return path_of(folder, run)


def found(folder: Path, run: Run = RUN) -> Checkpoint:
    checkpoint = furthest_checkpoint(folder, origin_of(run))
    assert checkpoint
    return checkpoint


def content(folder: Path, result: TrainingResult, segments: tuple[Segment, ...] = ()) -> str:
    digests = {"code_digest": "code", "data_digest": "data", "data_content": "content"}
    return write_run(folder / "run.h5", result, segments, **digests, **USE)


def resumed(folder: Path, run: Run = RUN) -> str:
    return content(folder, go_on(folder, run)[0])


def from_scratch(folder: Path, run: Run = RUN) -> str:
    return content(folder, train(run, DATA, lambda *_: None))


VARIANTS = {
    "as it is": RUN,
    "validation": replace(RUN, validation_size=4, pixels="standardize"),
    "cos, mean": replace(RUN, activation="cos", batch_gradient="mean"),
    "momentum": replace(RUN, momentum=0.9),
    "momentum, float64, cosine": replace(RUN, momentum=0.5, schedule="cosine", dtype="float64"),
}


@pytest.mark.parametrize("run", VARIANTS.values(), ids=list(VARIANTS))
def test_a_run_stopped_after_any_update_ends_as_the_same_run(run: Run, tmp_path: Path) -> None:
    whole = from_scratch(tmp_path, run)
    for updates in range(1, 4 * (4 if run.validation_size else BATCHES) + 1):
        stopped_after(updates, tmp_path / str(updates), run)
        assert resumed(tmp_path / str(updates), run) == whole


def test_a_run_stopped_after_every_update_ends_as_the_same_run(tmp_path: Path) -> None:
    for _ in range(4 * BATCHES):  # no update is repeated
        stopped_after(1, tmp_path)
    assert found(tmp_path).state.position == (3, 23)
    assert resumed(tmp_path) == from_scratch(tmp_path)


# --- more and fewer epochs ---


def test_more_epochs_resume_the_finished_run_as_if_from_scratch(tmp_path: Path) -> None:
    longer = replace(RUN, epochs=8)
    go_on(tmp_path)
    assert found(tmp_path, longer).state.position == (4, 0)
    assert resumed(tmp_path, longer) == from_scratch(tmp_path, longer)


def test_fewer_epochs_go_on_from_a_longer_run_that_is_not_past_their_end(tmp_path: Path) -> None:
    longer = replace(RUN, epochs=8)
    stopped_after(8, tmp_path, longer)
    assert resumed(tmp_path) == from_scratch(tmp_path)
    path_of(tmp_path, RUN).unlink()
    go_on(tmp_path, longer)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None
    assert resumed(tmp_path) == from_scratch(tmp_path)


#: a run with a name of 99 characters; a digest replaces values in the name of the same run with 10 epochs
WHOLE = replace(RUN, momentum=0.123456789, pixels="standardize", batch_gradient="mean")


def test_a_short_name_and_a_whole_one_go_on_from_each_other(tmp_path: Path) -> None:
    assert [is_short_name(replace(WHOLE, epochs=epochs).name) for epochs in (4, 10, 12)] == [False, True, True]
    first = go_on(tmp_path, WHOLE)[1]
    for epochs in (10, 12):
        longer = replace(WHOLE, epochs=epochs)
        result, segments = go_on(tmp_path, longer)
        assert [segment.from_epoch for segment in segments] == [1, 5, 11][: len(segments)]
        assert content(tmp_path, result) == from_scratch(tmp_path, longer)
    assert first == segments[:1]


def test_every_name_of_a_checkpoint_fits_143_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    monkeypatch.setattr(Path, "replace", lambda old, new: names.update((old.name, new.name)) or old.rename(new))
    run = replace(WHOLE, dataset="d" * 64, learning_rate=0.0123456789)
    path = stopped_after(3, tmp_path, run)
    spoil_torn(path)
    assert furthest_checkpoint(tmp_path, origin_of(run)) is None
    assert sorted(len(name) for name in names)[-1] <= 143
    assert len(names) == 3


def test_the_furthest_of_several_whole_checkpoints_is_taken(tmp_path: Path) -> None:
    stopped_after(3, tmp_path)
    stopped_after(6, tmp_path, replace(RUN, epochs=10))
    longer = stopped_after(3, tmp_path, replace(RUN, epochs=8))
    assert [header.position for header, _ in beginnings(tmp_path, replace(ORIGIN, data=None))] == [
        *((2, 10), (1, 20), (0, 15))
    ]
    assert (found(tmp_path).run.epochs, found(tmp_path).state.position) == (8, (2, 10))
    spoil_torn(longer)
    assert (found(tmp_path).run.epochs, found(tmp_path).state.position) == (10, (1, 20))


@pytest.mark.parametrize(
    "changes", [{"seed": 4}, {"l2": 0.1}, {"dtype": "float64"}, {"hidden_units": 5}, {"epochs": 8, "seed": 4}], ids=str
)
def test_a_run_that_differs_in_more_than_epochs_is_no_beginning(changes: dict[str, Any], tmp_path: Path) -> None:
    stopped_after(8, tmp_path, replace(RUN, **changes))
    assert furthest_checkpoint(tmp_path, ORIGIN) is None


DIVERGING = replace(RUN, learning_rate=1e4, epochs=10)  # each update multiplies the weights by -99


def test_a_run_that_diverged_has_diverged_for_more_epochs_alone(tmp_path: Path) -> None:
    diverged, _ = go_on(tmp_path, DIVERGING)
    assert diverged.status == "diverged"
    epoch = len(diverged.state.history)
    assert epoch > 1
    for epochs in (epoch, epoch + 1, 50):
        longer = replace(DIVERGING, epochs=epochs)
        assert go_on(tmp_path, longer)[0].run == longer
        assert resumed(tmp_path, longer) == from_scratch(tmp_path, longer)
    assert furthest_checkpoint(tmp_path, origin_of(replace(DIVERGING, epochs=epoch - 1))) is None


@pytest.mark.parametrize("epochs", [2, 8])
def test_a_run_of_other_epochs_is_no_beginning_where_a_schedule_ends(epochs: int, tmp_path: Path) -> None:
    cosine = replace(RUN, schedule="cosine", momentum=0.9)
    other = replace(cosine, epochs=epochs)
    stopped_after(8, tmp_path, other)
    assert furthest_checkpoint(tmp_path, origin_of(cosine)) is None
    go_on(tmp_path, other)
    assert furthest_checkpoint(tmp_path, origin_of(cosine)) is None
    diverging = replace(DIVERGING, schedule="cosine")
    assert go_on(tmp_path, diverging)[0].status == "diverged"
    assert found(tmp_path, diverging).end_of(diverging) is not None
    assert found(tmp_path, diverging).end_of(replace(diverging, epochs=50)) is None


# --- rungs: epochs after which a run stops, to be continued only if it is one of the best ---


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_run_that_stops_after_every_epoch_ends_as_the_same_run(
    schedule: str, momentum: float, dtype: str, *, interrupted: bool, tmp_path: Path
) -> None:
    run = replace(RUN, schedule=schedule, momentum=momentum, dtype=dtype, validation_size=4)
    for epochs in range(1, run.epochs):
        if interrupted:
            stopped_after(2, tmp_path, run)
        stop = until_epoch(epochs, tmp_path, run)
        assert (stop.ended, found(tmp_path, run).state.position) == (None, (epochs, 0))
    assert resumed(tmp_path, run) == from_scratch(tmp_path, run)


def test_a_run_that_got_as_far_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    until_epoch(2, tmp_path)
    monkeypatch.delattr(training_job, "train")
    for epochs in (1, 2):
        assert until_epoch(epochs, tmp_path).state.position == (2, 0)


@pytest.mark.parametrize("validation_size", [0, 4])
def test_a_run_ends_where_a_longer_run_stopped(validation_size: int, tmp_path: Path) -> None:
    run = replace(RUN, validation_size=validation_size)
    until_epoch(run.epochs, tmp_path, replace(run, epochs=9))
    result, segments = go_on(tmp_path, run)
    assert content(tmp_path, result, segments) == from_scratch(tmp_path, run)
    assert [(segment.from_epoch, segment.to_epoch) for segment in segments] == [(1, run.epochs)]
    assert found(tmp_path, run).ended


class AtUpdate(StopAfter):
    """No stop signals; a function is called after this many updates."""

    def __init__(self, updates: int, call: Callable[[], object]) -> None:
        super().__init__(updates)
        self.call = call

    @property
    def received(self) -> None:
        if super().received:
            self.call()


@pytest.mark.parametrize("interval", [1e9, 1e-9])
def test_a_job_never_replaces_a_checkpoint_by_an_earlier_one(interval: float, tmp_path: Path) -> None:
    stop = until_epoch(1, tmp_path, stop=AtUpdate(3, lambda: go_on(tmp_path)), interval=interval)
    assert (stop.ended, stop.state.position) == (None, (1, 0))
    assert found(tmp_path).ended


def test_a_checkpoint_of_different_code_is_replaced(tmp_path: Path) -> None:
    older = replace(ORIGIN, code="older")
    until_epoch(1, tmp_path, stop=AtUpdate(3, lambda: go_on(tmp_path, origin=older)))
    assert found(tmp_path).state.position == (1, 0)


# --- segments in run files ---


def test_a_run_file_says_who_computed_which_epochs_with_which_versions(tmp_path: Path) -> None:
    path = stopped_after(8, tmp_path)
    start = found(tmp_path)
    before = replace(start.segments[0], numpy="1.0", blas="another")
    write_checkpoint(path, replace(start, segments=(before,)), ORIGIN)
    result, segments = go_on(tmp_path)
    assert [(s.from_epoch, s.to_epoch) for s in segments] == [(1, 2), (2, 4)]
    content(tmp_path, result, segments)
    summary = read_summary(tmp_path / "run.h5")
    assert summary.seconds == pytest.approx(result.state.all_seconds, abs=2e-3)
    assert summary.attributes["numpy"] == f"1.0; {np.__version__}"
    assert summary.attributes["blas"].startswith("another; openblas")
    assert other_machines(segments) == [f"{before.cpu}, NumPy 1.0, another"]


# --- files that are never used ---


def test_a_file_torn_anywhere_is_found_out(tmp_path: Path) -> None:
    path = stopped_after(8, tmp_path)
    whole = path.read_bytes()
    flipped = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 61)]
    for torn in [*flipped, *(whole[:length] for length in range(0, len(whole), 97))]:
        path.write_bytes(torn)
        with pytest.raises(Unusable, match="damaged"):
            read_checkpoint(path, ORIGIN)


def spoil_torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def spoil_content(path: Path) -> None:
    path.write_bytes(hashlib.sha256(b"no header").hexdigest().encode() + b"\nno header")


def other(run: Run = RUN, **changes: str) -> Callable[[Path], None]:
    """Return a function that replaces a checkpoint by one of another run, or of other code or data."""

    def spoil(path: Path) -> None:
        origin = replace(origin_of(run), **changes)
        stopped_after(8, path.parent / "other", run, origin).replace(path)

    return spoil


SPOILT = {
    "damaged": spoil_torn,
    "was written with different parameters": other(replace(RUN, seed=4)),
    "was written with different training code": other(code="older"),
    "was written with different data": other(data="older"),
    "not a checkpoint": spoil_content,
}


@pytest.mark.parametrize("epochs", [4, 8])
@pytest.mark.parametrize("reason", SPOILT)
def test_what_is_not_this_runs_is_not_used_and_its_own_is_set_aside(
    reason: str, epochs: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = stopped_after(8, tmp_path, replace(RUN, epochs=epochs))
    SPOILT[reason](path)
    spoilt, rejected = path.read_bytes(), path.with_name(f"{path.name}.rejected")
    with caplog.at_level(logging.INFO, "handgrad"):
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    (line,) = caplog.messages
    assert line.startswith(f"{path}: {reason}")
    assert (path.exists(), rejected.exists()) == (epochs == 8, epochs == 4)  # another job may still need its own
    assert (path if epochs == 8 else rejected).read_bytes() == spoilt


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
def test_a_checkpoint_that_cannot_be_read_is_an_error_if_it_is_the_runs_own(
    error: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> Checkpoint:
        raise error(errno.EACCES, "Permission denied")

    stopped_after(8, tmp_path, replace(RUN, epochs=8))
    monkeypatch.setattr(checkpoints, "read_header", read)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None
    monkeypatch.undo()
    stopped_after(8, tmp_path)
    monkeypatch.setattr(checkpoints, "read_checkpoint", read)
    if error is FileNotFoundError:  # deleted in the meantime
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    else:  # otherwise training would start again
        with pytest.raises(PermissionError):
            furthest_checkpoint(tmp_path, ORIGIN)


# --- when checkpoints are written ---


@pytest.mark.parametrize(
    ("interval", "written"), [(1e9, 1), (1e-9, 4 * BATCHES + 1)]
)  # the last one is written at the end
def test_checkpoints_are_written_every_so_many_seconds(
    interval: float, written: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "handgrad"):
        go_on(tmp_path, interval=interval)
    assert caplog.messages[-1].startswith(f"{written} checkpoints written")


@pytest.mark.parametrize("number", StopSignals.SIGNALS)
def test_a_signal_saves_and_stops_at_the_next_update(number: signal.Signals, tmp_path: Path) -> None:
    handlers = [signal.getsignal(each) for each in StopSignals.SIGNALS]
    with StopSignals() as stop:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)  # schedulers may send two; the first signal counts
        with pytest.raises(Stopped, match=f"{number.name} after epoch 0 and 5 examples of the next") as stopped:
            go_on(tmp_path, stop=stop)
    assert stopped.value.signal == number
    assert found(tmp_path).state.position == (0, 5)
    assert [signal.getsignal(each) for each in StopSignals.SIGNALS] == handlers


# --- SIGKILL ---

WRITER = """
import sys
from pathlib import Path
from tests.unit.test_checkpoint import *
go_on(Path(sys.argv[1]), LONG, interval=1e-9)
"""
LONG = replace(RUN, epochs=20_000, hidden_units=300)


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.001)


@pytest.mark.slow
def test_a_reader_never_sees_a_torn_checkpoint_of_killed_writers(tmp_path: Path) -> None:
    root, path = Path(__file__).parents[2], path_of(tmp_path, LONG)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, root / "tests", root / "scripts")))}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, env=environment) for _ in range(2)]  # each writes after every update
    try:
        wait_until(path.exists)
        seen: set[tuple[int, int]] = set()
        wait_until(lambda: seen.add(read_checkpoint(path, origin_of(LONG)).state.position) or len(seen) > 50)
    finally:
        for writer in writers:
            writer.kill()  # it is probably writing
            writer.wait()
            read_checkpoint(path, origin_of(LONG))
    assert found(tmp_path, LONG)
