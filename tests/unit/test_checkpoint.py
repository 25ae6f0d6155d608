"""A run that was stopped anywhere ends as the same run, and nothing else is ever taken for its beginning."""

import copy
import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories import image_data, run_of
from handgrad.common.signals import Stopped, StopSignals
from handgrad.experiment.runs import Run
from handgrad.storage.checkpoint import (
    Checkpoint,
    Origin,
    Unusable,
    furthest_checkpoint,
    path_of,
    read_checkpoint,
    write_checkpoint,
)
from handgrad.storage.checkpoint_writer import CheckpointWriter
from handgrad.storage.run_reader import read_summary
from handgrad.storage.run_writer import Segment, other_machines, write_run
from handgrad.training.loop import State, TrainingResult, train

RUN = run_of(hidden_units=4, learning_rate=0.05, batch_size=5, epochs=4)
ORIGIN = Origin(RUN, "code", "data")
BATCHES = 5  # an epoch: 23 examples in batches of 5
DATA = image_data(23, 7)


def origin_of(run: Run) -> Origin:
    return replace(ORIGIN, run=run)


def content(tmp_path: Path, result: TrainingResult, segments: tuple[Segment, ...] = ()) -> str:
    digests = {"code_digest": "code", "data_digest": "data", "data_content": "content"}
    return write_run(tmp_path / "run.h5", result, segments, **digests)


def from_scratch(tmp_path: Path, run: Run = RUN) -> str:
    return content(tmp_path, train(run, DATA, lambda *_: None))


def train_from(
    start: Checkpoint | None, origin: Origin, writer: CheckpointWriter | None = None, **options: Any
) -> TrainingResult:
    options = {"on_batch": writer.after_batch, **options} if writer else options
    return train(origin.run, DATA, lambda *_: None, state=start.state if start else None, **options)


def stopped_after(updates: int, folder: Path, origin: Origin = ORIGIN, start: Checkpoint | None = None) -> Path:
    """Train as a job does, from a checkpoint on, and stop by a signal after so many updates."""
    stop = StopSignals()
    writer = CheckpointWriter(folder, origin, 1e9, stop, start)
    left = updates

    def on_batch(state: State) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            stop.received = signal.SIGTERM
        writer.after_batch(state)

    with pytest.raises(Stopped):
        train_from(start, origin, writer, on_batch=on_batch)
    return path_of(folder, origin.run)


def found(folder: Path, run: Run = RUN) -> Checkpoint:
    checkpoint = furthest_checkpoint(folder, origin_of(run))
    assert checkpoint
    return checkpoint


def resumed(folder: Path, run: Run = RUN) -> TrainingResult:
    start = found(folder, run)
    return start.end_of(run) or train_from(start, origin_of(run))


def finished(folder: Path, run: Run = RUN) -> TrainingResult:
    """Train a run to its end and keep its checkpoint, as a job does."""
    origin = origin_of(run)
    start = furthest_checkpoint(folder, origin)
    writer = CheckpointWriter(folder, origin, 1e9, StopSignals(), start)
    result = train_from(start, origin, writer)
    writer.at_end(result)
    return result


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
    batches = 4 if run.validation_size else BATCHES
    for updates in range(1, 4 * batches + 1):
        folder = tmp_path / str(updates)
        stopped_after(updates, folder, origin_of(run))
        assert content(tmp_path, resumed(folder, run)) == whole


def test_a_run_stopped_after_every_update_ends_as_the_same_run(tmp_path: Path) -> None:
    start = None
    for _ in range(4 * BATCHES):  # and repeats none of them
        stopped_after(1, tmp_path, start=start)
        start = found(tmp_path)
    assert found(tmp_path).state.position == (3, 23)
    assert content(tmp_path, resumed(tmp_path)) == from_scratch(tmp_path)


# --- more and fewer epochs ---


def test_more_epochs_resume_the_finished_run_as_if_from_scratch(tmp_path: Path) -> None:
    longer = replace(RUN, epochs=8)
    finished(tmp_path)
    assert found(tmp_path, longer).state.position == (4, 0)
    assert content(tmp_path, finished(tmp_path, longer)) == from_scratch(tmp_path, longer)


def test_fewer_epochs_go_on_from_a_longer_run_that_is_not_past_their_end(tmp_path: Path) -> None:
    longer = replace(RUN, epochs=8)
    stopped_after(8, tmp_path, origin_of(longer))
    assert content(tmp_path, resumed(tmp_path)) == from_scratch(tmp_path)
    finished(tmp_path, longer)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None
    assert content(tmp_path, finished(tmp_path)) == from_scratch(tmp_path)


def test_the_furthest_of_several_whole_checkpoints_is_taken(tmp_path: Path) -> None:
    stopped_after(3, tmp_path)
    longer = stopped_after(12, tmp_path, origin_of(replace(RUN, epochs=8)))
    stopped_after(9, tmp_path, origin_of(replace(RUN, epochs=10)))
    assert (found(tmp_path).run.epochs, found(tmp_path).state.position) == (8, (2, 10))
    spoil_torn(longer)
    assert (found(tmp_path).run.epochs, found(tmp_path).state.position) == (10, (1, 20))


@pytest.mark.parametrize(
    "changes", [{"seed": 4}, {"l2": 0.1}, {"dtype": "float64"}, {"hidden_units": 5}, {"epochs": 8, "seed": 4}], ids=str
)
def test_a_run_that_differs_in_more_than_epochs_is_no_beginning(changes: dict[str, Any], tmp_path: Path) -> None:
    stopped_after(8, tmp_path, origin_of(replace(RUN, **changes)))
    assert furthest_checkpoint(tmp_path, ORIGIN) is None


DIVERGING = replace(RUN, learning_rate=1e4, epochs=10)  # each update multiplies the weights by -99


def test_a_run_that_diverged_has_diverged_for_more_epochs_alone(tmp_path: Path) -> None:
    diverged = finished(tmp_path, DIVERGING)
    assert diverged.status == "diverged"
    epoch = len(diverged.state.history)
    assert epoch > 1
    for epochs in (epoch, epoch + 1, 50):
        longer = replace(DIVERGING, epochs=epochs)
        again = resumed(tmp_path, longer)
        assert again.run == longer
        assert content(tmp_path, again) == from_scratch(tmp_path, longer)
    assert furthest_checkpoint(tmp_path, origin_of(replace(DIVERGING, epochs=epoch - 1))) is None


@pytest.mark.parametrize("epochs", [2, 8])
def test_a_run_of_other_epochs_is_no_beginning_where_a_schedule_ends(epochs: int, tmp_path: Path) -> None:
    cosine = replace(RUN, schedule="cosine", momentum=0.9)
    other = replace(cosine, epochs=epochs)
    stopped_after(8, tmp_path, origin_of(other))
    assert furthest_checkpoint(tmp_path, origin_of(cosine)) is None
    finished(tmp_path, other)
    assert furthest_checkpoint(tmp_path, origin_of(cosine)) is None
    diverging = replace(DIVERGING, schedule="cosine")
    assert finished(tmp_path, diverging).status == "diverged"
    assert found(tmp_path, diverging).end_of(diverging) is not None
    assert found(tmp_path, diverging).end_of(replace(diverging, epochs=50)) is None


def test_a_checkpoint_holds_the_velocity_of_a_run_with_momentum_alone(tmp_path: Path) -> None:
    origin = origin_of(replace(RUN, momentum=0.9))
    seen: list[State] = []

    def keep(state: State) -> None:
        seen.append(copy.deepcopy(state))
        writer.after_batch(state)

    writer = CheckpointWriter(tmp_path, origin, 1e-9, StopSignals(), None)
    train_from(None, origin, on_batch=keep)
    kept, there = found(tmp_path, origin.run).state.velocity, seen[-1].velocity
    assert kept
    assert there
    assert (kept.scale, kept.share) == (there.scale, there.share)
    assert 0 < kept.scale < 1  # the numbers are apart from the arrays, as they were
    assert kept.share < 0
    np.testing.assert_array_equal(kept.W1, there.W1)
    np.testing.assert_array_equal(kept.W2, there.W2)
    assert b"velocity/W" not in stopped_after(8, tmp_path).read_bytes()
    assert found(tmp_path).state.velocity is None


# --- what a run file has of its checkpoint ---


def test_a_finished_run_is_taken_from_its_checkpoint_with_its_evaluation(tmp_path: Path) -> None:
    result = finished(tmp_path)
    start = found(tmp_path)
    kept = start.end_of(RUN)
    assert kept
    files = []
    for each in (result, kept):
        content(tmp_path, each, start.segments)
        files.append((tmp_path / "run.h5").read_bytes())
    assert files[0] == files[1]


def test_a_run_file_says_who_computed_which_epochs_with_which_versions(tmp_path: Path) -> None:
    stopped_after(8, tmp_path)
    start = found(tmp_path)
    before = replace(start.segments[0], numpy="1.0", blas="another")
    writer = CheckpointWriter(tmp_path, ORIGIN, 1e9, StopSignals(), replace(start, segments=(before,)))
    writer.at_end(train_from(start, ORIGIN, writer))
    kept = found(tmp_path)
    assert [(s.from_epoch, s.to_epoch) for s in kept.segments] == [(1, 2), (2, 4)]
    result = kept.end_of(RUN)
    assert result
    content(tmp_path, result, kept.segments)
    summary = read_summary(tmp_path / "run.h5")
    assert summary.seconds == pytest.approx(result.state.all_seconds, abs=2e-3)
    assert summary.attributes["numpy"] == f"1.0; {np.__version__}"
    assert summary.attributes["blas"].startswith("another; openblas")
    assert other_machines(kept.segments) == [f"{before.cpu}, NumPy 1.0, another"]


# --- what is never loaded ---


def test_a_file_torn_anywhere_is_found_out(tmp_path: Path) -> None:
    path = stopped_after(8, tmp_path)
    whole = path.read_bytes()
    flipped = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 61)]
    for torn in [*flipped, *(whole[:length] for length in range(0, len(whole), 97))]:
        path.write_bytes(torn)
        with pytest.raises(Unusable, match="torn"):
            read_checkpoint(path, ORIGIN)


def spoil_torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def spoil_parameters(path: Path) -> None:
    stopped_after(8, path.parent / "other", origin_of(replace(RUN, seed=4))).replace(path)


def spoil_code(path: Path) -> None:
    stopped_after(8, path.parents[1], replace(ORIGIN, code="older"))


def spoil_data(path: Path) -> None:
    stopped_after(8, path.parents[1], replace(ORIGIN, data="older"))


def spoil_content(path: Path) -> None:
    path.write_bytes(hashlib.sha256(b"no archive").hexdigest().encode() + b"\nno archive")


SPOILT = {
    "torn": spoil_torn,
    "of other parameters": spoil_parameters,
    "of other training code": spoil_code,
    "of other data": spoil_data,
    "not a checkpoint": spoil_content,
}


@pytest.mark.parametrize("reason", SPOILT)
def test_what_is_not_this_runs_is_set_aside_with_a_line_in_the_log(
    reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = stopped_after(8, tmp_path)
    SPOILT[reason](path)
    spoilt = path.read_bytes()
    with caplog.at_level(logging.INFO, "handgrad"):
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    (line,) = caplog.messages
    assert line.startswith(f"{path}: {reason}")
    assert line.endswith(f"{path}.rejected")
    assert not path.exists()
    assert path.with_name(f"{path.name}.rejected").read_bytes() == spoilt


def test_a_spoilt_checkpoint_that_is_gone_already_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_and_gone(path: Path, _: Origin) -> Checkpoint:
        path.unlink()
        raise Unusable("torn")

    stopped_after(8, tmp_path)
    monkeypatch.setattr("handgrad.storage.checkpoint.read_checkpoint", read_and_gone)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None


def test_a_spoilt_checkpoint_of_another_run_is_left_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = stopped_after(8, tmp_path, origin_of(replace(RUN, epochs=8)))
    spoil_torn(path)
    with caplog.at_level(logging.INFO, "handgrad"):
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    assert path.exists()  # its own job may be about to replace it
    (line,) = caplog.messages
    assert line.startswith(f"{path}: torn")


def test_an_unreadable_checkpoint_is_an_error_if_it_is_the_runs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = stopped_after(8, tmp_path, origin_of(replace(RUN, epochs=8)))
    unreadable = {other}

    def read(path: Path, origin: Origin) -> Checkpoint:
        if path in unreadable:
            raise PermissionError(13, "Permission denied")
        return read_checkpoint(path, origin)

    monkeypatch.setattr("handgrad.storage.checkpoint.read_checkpoint", read)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None
    unreadable.add(stopped_after(8, tmp_path))
    with pytest.raises(PermissionError):
        furthest_checkpoint(tmp_path, ORIGIN)


def test_a_checkpoint_that_cannot_be_written_keeps_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stopped_after(3, tmp_path)
    before, state = path.read_bytes(), found(tmp_path).state

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_checkpoint(path, Checkpoint(RUN, state, ()), ORIGIN)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


# --- when they are written ---


@pytest.mark.parametrize(("interval", "written"), [(1e9, 1), (1e-9, 4 * BATCHES + 1)])  # the end is one
def test_checkpoints_are_written_every_so_many_seconds(interval: float, written: int, tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path, ORIGIN, interval, StopSignals(), None)
    writer.at_end(train_from(None, ORIGIN, writer))
    assert writer.written == written


@pytest.mark.parametrize("number", StopSignals.SIGNALS)
def test_a_signal_saves_and_stops_at_the_next_update(number: signal.Signals, tmp_path: Path) -> None:
    handlers = [signal.getsignal(each) for each in StopSignals.SIGNALS]
    with StopSignals() as stop:
        writer = CheckpointWriter(tmp_path, ORIGIN, 1e9, stop, None)

        def on_batch(state: State) -> None:
            if state.position == (1, 10):
                os.kill(os.getpid(), number)
                os.kill(os.getpid(), signal.SIGTERM)  # schedulers send it twice; the first one counts
            writer.after_batch(state)

        where = f"{number.name} after epoch 1 and 10 examples of the next"
        with pytest.raises(Stopped, match=where) as stopped:
            train_from(None, ORIGIN, on_batch=on_batch)
    assert stopped.value.signal == number
    assert found(tmp_path).state.position == (1, 10)
    assert [signal.getsignal(each) for each in StopSignals.SIGNALS] == handlers


# --- SIGKILL ---

WRITER = """
import sys
from pathlib import Path
from tests.unit.test_checkpoint import *
folder = Path(sys.argv[1])
start = furthest_checkpoint(folder, LONG)
writer = CheckpointWriter(folder, LONG, 1e-9, StopSignals(), start)
writer.at_end(train_from(start, LONG, writer))
"""
LONG = origin_of(replace(RUN, epochs=20_000, hidden_units=300))


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that train one run and write a checkpoint after every update."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, root / "tests", root / "scripts")))}
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment) for _ in range(2)]
    yield started
    for writer in started:
        writer.kill()
        writer.wait()


def wait_until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.001)


def test_a_reader_never_sees_a_torn_checkpoint_of_killed_writers(
    writers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    path = path_of(tmp_path, LONG.run)
    wait_until(path.exists)
    seen: set[tuple[int, int]] = set()

    def saw_many_written() -> bool:
        seen.update(read_checkpoint(path, LONG).state.position for _ in range(30))
        return len(seen) > 100

    wait_until(saw_many_written)
    for writer in writers:
        writer.kill()  # most of its time goes into writing
        writer.wait()
        read_checkpoint(path, LONG)
    assert furthest_checkpoint(tmp_path, LONG)
