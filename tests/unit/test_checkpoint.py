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

from handgrad.common.signals import Stopped, StopSignals
from handgrad.datasets.data import ImageData, Split
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
from handgrad.storage.run_writer import other_machines, write_run
from handgrad.training.loop import State, TrainingResult, train

RUN = Run(
    dataset="some",
    activation="tanh",
    hidden_units=4,
    learning_rate=0.05,
    batch_size=5,
    epochs=4,
    l2=0.01,
    seed=3,
)
ORIGIN = Origin(RUN, "code", "data")
BATCHES = 5  # an epoch: 23 examples in batches of 5


def images() -> ImageData:
    rng = np.random.default_rng(5)

    def split(n: int) -> Split:
        return Split(rng.integers(0, 256, (n, 12), np.uint8), rng.integers(0, 3, n, np.uint8))

    return ImageData(split(23), split(7), (3, 4), 255, ("a", "b", "c"), {}, "data")


DATA = images()


def nothing(*_: Any) -> None:
    """Nobody listens."""


def content(tmp_path: Path, trained: TrainingResult) -> str:
    return write_run(tmp_path / "run.h5", trained, [], code_digest="code", data_digest="data", data_content="content")


def stopped_after(updates: int, folder: Path, origin: Origin = ORIGIN, start: Checkpoint | None = None) -> None:
    """Train as a job does, from a checkpoint on, and stop by a signal after so many updates."""
    stop = StopSignals()
    keeper = CheckpointWriter(folder, origin, 1e9, stop, start)
    left = updates

    def on_batch(state: State) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            stop.received = signal.SIGTERM
        keeper.after_batch(state)

    with pytest.raises(Stopped):
        train(origin.run, DATA, nothing, on_batch=on_batch, state=start.state if start else None)


def resumed(folder: Path, origin: Origin = ORIGIN) -> TrainingResult:
    start = furthest_checkpoint(folder, origin)
    assert start
    return start.end_of(origin.run) or train(origin.run, DATA, nothing, state=start.state)


def finished(folder: Path, run: Run = RUN) -> TrainingResult:
    """Train a run to its end and keep its checkpoint, as a job does."""
    origin = replace(ORIGIN, run=run)
    start = furthest_checkpoint(folder, origin)
    keeper = CheckpointWriter(folder, origin, 1e9, StopSignals(), start)
    trained = train(run, DATA, nothing, on_batch=keeper.after_batch, state=start.state if start else None)
    keeper.at_end(trained)
    return trained


VARIANTS = {
    "as it is": RUN,
    "float64": replace(RUN, dtype="float64"),
    "validation": replace(RUN, validation_size=4, pixels="standardize"),
    "cos, mean": replace(RUN, activation="cos", batch_gradient="mean"),
    "momentum": replace(RUN, momentum=0.9),
    "momentum, float64, cosine": replace(RUN, momentum=0.5, schedule="cosine", dtype="float64"),
    "cosine, mean": replace(RUN, schedule="cosine", batch_gradient="mean"),
}


@pytest.mark.parametrize("run", VARIANTS.values(), ids=list(VARIANTS))
def test_a_run_stopped_after_any_update_ends_as_the_same_run(run: Run, tmp_path: Path) -> None:
    whole = content(tmp_path, train(run, DATA, nothing))
    origin = replace(ORIGIN, run=run)
    batches = 4 if run.validation_size else BATCHES
    for updates in range(1, 4 * batches + 1):
        folder = tmp_path / str(updates)
        stopped_after(updates, folder, origin)
        assert content(tmp_path, resumed(folder, origin)) == whole


def test_a_run_stopped_after_every_update_ends_as_the_same_run(tmp_path: Path) -> None:
    start = None
    for _ in range(4 * BATCHES):
        stopped_after(1, tmp_path, start=start)
        start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    assert start.state.position == (3, 23)
    assert content(tmp_path, resumed(tmp_path)) == content(tmp_path, train(RUN, DATA, nothing))


def test_a_resumed_run_repeats_no_update(tmp_path: Path) -> None:
    stopped_after(8, tmp_path)
    start, updates = furthest_checkpoint(tmp_path, ORIGIN), 0
    assert start
    assert start.state.position == (1, 15)

    def count(_: State) -> None:
        nonlocal updates
        updates += 1

    train(RUN, DATA, nothing, on_batch=count, state=start.state)
    assert updates == 4 * BATCHES - 8


# --- more and fewer epochs ---


def test_more_epochs_go_on_from_the_finished_run_and_are_the_run_from_scratch(tmp_path: Path) -> None:
    longer = replace(RUN, epochs=8)
    finished(tmp_path)
    start = furthest_checkpoint(tmp_path, replace(ORIGIN, run=longer))
    assert start
    assert start.state.position == (4, 0)
    assert content(tmp_path, finished(tmp_path, longer)) == content(tmp_path, train(longer, DATA, nothing))


def test_fewer_epochs_after_more_are_the_run_from_scratch(tmp_path: Path) -> None:
    finished(tmp_path, replace(RUN, epochs=8))
    assert furthest_checkpoint(tmp_path, ORIGIN) is None  # it is past the end
    assert content(tmp_path, finished(tmp_path)) == content(tmp_path, train(RUN, DATA, nothing))


def test_a_longer_run_that_is_not_past_the_end_serves_a_shorter_one(tmp_path: Path) -> None:
    stopped_after(8, tmp_path, replace(ORIGIN, run=replace(RUN, epochs=8)))
    assert content(tmp_path, resumed(tmp_path)) == content(tmp_path, train(RUN, DATA, nothing))


def test_the_furthest_of_several_checkpoints_is_taken(tmp_path: Path) -> None:
    stopped_after(3, tmp_path)
    stopped_after(12, tmp_path, replace(ORIGIN, run=replace(RUN, epochs=8)))
    stopped_after(9, tmp_path, replace(ORIGIN, run=replace(RUN, epochs=10)))
    start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    assert start.run.epochs == 8
    assert start.state.position == (2, 10)


@pytest.mark.parametrize(
    "other",
    [replace(RUN, seed=4), replace(RUN, l2=0.1), replace(RUN, dtype="float64"), replace(RUN, hidden_units=5)],
    ids=["seed", "l2", "dtype", "hidden_units"],
)
def test_a_run_that_differs_in_more_than_epochs_is_no_beginning(other: Run, tmp_path: Path) -> None:
    stopped_after(8, tmp_path, replace(ORIGIN, run=other))
    assert furthest_checkpoint(tmp_path, ORIGIN) is None


DIVERGING = replace(RUN, learning_rate=1e4, epochs=10)  # each update multiplies the weights by -99


def test_a_run_that_diverged_has_diverged_for_more_epochs_too_and_not_for_fewer(tmp_path: Path) -> None:
    diverged = finished(tmp_path, DIVERGING)
    assert diverged.status == "diverged"
    epoch = len(diverged.state.history)
    assert epoch > 1
    for epochs in (epoch, epoch + 1, 50):
        longer = replace(DIVERGING, epochs=epochs)
        again = resumed(tmp_path, replace(ORIGIN, run=longer))
        assert again.run == longer
        assert content(tmp_path, again) == content(tmp_path, train(longer, DATA, nothing))
    shorter = replace(DIVERGING, epochs=epoch - 1)
    assert furthest_checkpoint(tmp_path, replace(ORIGIN, run=shorter)) is None


# --- more and fewer epochs where the learning rate knows the last one ---

COSINE = replace(RUN, schedule="cosine", momentum=0.9)


@pytest.mark.parametrize("epochs", [2, 8])
def test_a_run_of_other_epochs_is_no_beginning_where_the_schedule_knows_the_last_one(
    epochs: int, tmp_path: Path
) -> None:
    other, origin = replace(COSINE, epochs=epochs), replace(ORIGIN, run=COSINE)
    stopped_after(8, tmp_path, replace(ORIGIN, run=other))
    assert furthest_checkpoint(tmp_path, origin) is None
    finished(tmp_path, other)
    assert furthest_checkpoint(tmp_path, origin) is None
    assert content(tmp_path, finished(tmp_path, COSINE)) == content(tmp_path, train(COSINE, DATA, nothing))


def test_a_shorter_run_that_diverged_is_no_end_where_the_schedule_knows_the_last_epoch(
    tmp_path: Path,
) -> None:
    shorter = replace(DIVERGING, schedule="cosine")
    longer = replace(shorter, epochs=50)
    assert finished(tmp_path, shorter).status == "diverged"
    kept = read_checkpoint(path_of(tmp_path, shorter), replace(ORIGIN, run=shorter))
    assert kept.end_of(shorter) is not None
    assert kept.end_of(longer) is None
    assert furthest_checkpoint(tmp_path, replace(ORIGIN, run=longer)) is None


def test_the_checkpoint_of_a_run_with_momentum_holds_its_velocity_to_the_last_bit(tmp_path: Path) -> None:
    origin = replace(ORIGIN, run=replace(RUN, momentum=0.9))
    seen: list[State] = []

    def stop_there(state: State) -> None:
        if state.position == (1, 15):
            keeper._save(state, None)
            seen.append(copy.deepcopy(state))

    keeper = CheckpointWriter(tmp_path, origin, 1e9, StopSignals(), None)
    train(origin.run, DATA, nothing, on_batch=stop_there)
    kept = read_checkpoint(path_of(tmp_path, origin.run), origin).state.velocity
    there = seen[0].velocity
    assert kept
    assert there
    assert (kept.scale, kept.share) == (there.scale, there.share)
    assert 0 < kept.scale < 1  # the numbers are apart from the arrays, as they were
    assert kept.share < 0
    np.testing.assert_array_equal(kept.W1, there.W1)
    np.testing.assert_array_equal(kept.W2, there.W2)


def test_the_checkpoint_of_a_run_without_momentum_holds_no_velocity(tmp_path: Path) -> None:
    stopped_after(8, tmp_path)
    assert read_checkpoint(path_of(tmp_path, RUN), ORIGIN).state.velocity is None
    assert b"velocity/W" not in path_of(tmp_path, RUN).read_bytes()


# --- finished runs ---


def test_a_finished_run_is_taken_from_its_checkpoint_with_its_evaluation(tmp_path: Path) -> None:
    trained = finished(tmp_path)
    start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    kept = start.end_of(RUN)
    assert kept
    write_run(
        tmp_path / "a.h5",
        trained,
        start.segments,
        code_digest="code",
        data_digest="data",
        data_content="content",
    )
    write_run(
        tmp_path / "b.h5",
        kept,
        start.segments,
        code_digest="code",
        data_digest="data",
        data_content="content",
    )
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_run_file_tells_who_computed_which_epochs(tmp_path: Path) -> None:
    stopped_after(8, tmp_path)
    start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    keeper = CheckpointWriter(tmp_path, ORIGIN, 1e9, StopSignals(), start)
    trained = train(RUN, DATA, nothing, on_batch=keeper.after_batch, state=start.state)
    segments = keeper.segments(trained.state)
    assert [(s.from_epoch, s.to_epoch) for s in segments] == [(1, 2), (2, 4)]
    write_run(tmp_path / "run.h5", trained, segments, code_digest="code", data_digest="data", data_content="content")
    summary = read_summary(tmp_path / "run.h5")
    assert summary.seconds == pytest.approx(trained.state.all_seconds, abs=2e-3)


def test_a_run_file_tells_the_versions_that_computed_the_run_and_not_those_that_wrote_it(
    tmp_path: Path,
) -> None:
    stopped_after(8, tmp_path)
    start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    before = replace(start.segments[0], numpy="1.0", blas="another")
    keeper = CheckpointWriter(tmp_path, ORIGIN, 1e9, StopSignals(), replace(start, segments=(before,)))
    keeper.at_end(train(RUN, DATA, nothing, on_batch=keeper.after_batch, state=start.state))
    kept = furthest_checkpoint(tmp_path, ORIGIN)
    assert kept
    trained = kept.end_of(RUN)
    assert trained
    write_run(
        tmp_path / "run.h5",
        trained,
        kept.segments,
        code_digest="code",
        data_digest="data",
        data_content="content",
    )
    attributes = read_summary(tmp_path / "run.h5").attributes
    assert attributes["numpy"] == f"1.0; {np.__version__}"
    assert attributes["blas"].startswith("another; openblas")
    assert other_machines(kept.segments) == [f"{before.cpu}, NumPy 1.0, another"]


# --- what is never loaded ---


def test_a_file_torn_anywhere_is_found_out(tmp_path: Path) -> None:
    stopped_after(8, tmp_path)
    path = path_of(tmp_path, RUN)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(Unusable, match="torn"):
            read_checkpoint(path, ORIGIN)
    for place in range(0, len(whole), 61):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(Unusable, match="torn"):
            read_checkpoint(path, ORIGIN)


def spoil_torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def spoil_parameters(path: Path) -> None:
    stopped_after(8, path.parent / "other", replace(ORIGIN, run=replace(RUN, seed=4)))
    path_of(path.parent / "other", replace(RUN, seed=4)).replace(path)


def spoil_code(path: Path) -> None:
    stopped_after(8, path.parents[1], replace(ORIGIN, code="older"))


def spoil_data(path: Path) -> None:
    stopped_after(8, path.parents[1], replace(ORIGIN, data="older"))


def spoil_content(path: Path) -> None:
    path.write_bytes(hashlib.sha256(b"no archive").hexdigest().encode() + b"\nno archive")


SPOILT = {
    "torn": (spoil_torn, "torn: its checksum is not that of its content"),
    "parameters": (spoil_parameters, "of other parameters"),
    "code": (spoil_code, "of other training code"),
    "data": (spoil_data, "of other data"),
    "content": (spoil_content, "not a checkpoint of this workflow"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=list(SPOILT))
def test_what_is_not_this_runs_is_set_aside_with_a_line_in_the_log(
    spoil: Any, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopped_after(8, tmp_path)
    path = path_of(tmp_path, RUN)
    spoil(path)
    spoilt = path.read_bytes()
    with caplog.at_level(logging.INFO, "handgrad"):
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    (line,) = caplog.messages
    assert line.startswith(f"{path}: {reason}")
    assert line.endswith(f"set aside as {path}.rejected")
    assert not path.exists()
    assert path.with_name(f"{path.name}.rejected").read_bytes() == spoilt


def test_a_spoilt_checkpoint_that_another_writer_has_moved_already_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_after(8, tmp_path)
    path = path_of(tmp_path, RUN)
    spoil_torn(path)

    def read_and_gone(path: Path, _: Origin) -> Checkpoint:
        path.unlink()
        raise Unusable("torn")

    monkeypatch.setattr("handgrad.storage.checkpoint.read_checkpoint", read_and_gone)
    assert furthest_checkpoint(tmp_path, ORIGIN) is None


def test_a_spoilt_checkpoint_of_another_run_is_left_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    longer = replace(RUN, epochs=8)
    stopped_after(8, tmp_path, replace(ORIGIN, run=longer))
    path = path_of(tmp_path, longer)
    spoil_torn(path)
    with caplog.at_level(logging.INFO, "handgrad"):
        assert furthest_checkpoint(tmp_path, ORIGIN) is None
    assert path.exists()  # its own job may be about to replace it
    assert caplog.messages == [f"{path}: torn: its checksum is not that of its content; not used"]


def test_where_the_furthest_is_spoilt_the_next_best_is_taken(tmp_path: Path) -> None:
    stopped_after(3, tmp_path)
    longer = replace(RUN, epochs=8)
    stopped_after(12, tmp_path, replace(ORIGIN, run=longer))
    spoil_torn(path_of(tmp_path, longer))
    start = furthest_checkpoint(tmp_path, ORIGIN)
    assert start
    assert start.state.position == (0, 15)


def test_a_checkpoint_that_cannot_be_written_is_named_and_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_after(3, tmp_path)
    before = path_of(tmp_path, RUN).read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    state = read_checkpoint(path_of(tmp_path, RUN), ORIGIN).state
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_checkpoint(path_of(tmp_path, RUN), Checkpoint(RUN, state, ()), ORIGIN)
    monkeypatch.undo()
    assert caught.value.filename == str(path_of(tmp_path, RUN))
    assert path_of(tmp_path, RUN).read_bytes() == before
    assert len(list(path_of(tmp_path, RUN).parent.iterdir())) == 1


# --- when they are written ---


def checkpoints_written(folder: Path, interval: float) -> int:
    keeper = CheckpointWriter(folder, ORIGIN, interval, StopSignals(), None)
    keeper.at_end(train(RUN, DATA, nothing, on_batch=keeper.after_batch))
    return keeper.written


def test_checkpoints_are_written_every_so_many_seconds(tmp_path: Path) -> None:
    assert checkpoints_written(tmp_path, 1e9) == 1  # the end
    assert checkpoints_written(tmp_path, 1e-9) == 4 * BATCHES + 1


@pytest.mark.parametrize("number", StopSignals.SIGNALS)
def test_a_signal_saves_and_stops_at_the_next_update(number: signal.Signals, tmp_path: Path) -> None:
    with StopSignals() as stop:
        keeper = CheckpointWriter(tmp_path, ORIGIN, 1e9, stop, None)

        def on_batch(state: State) -> None:
            if state.position == (1, 10):
                os.kill(os.getpid(), number)
                os.kill(os.getpid(), signal.SIGTERM)  # schedulers send it twice; the first one counts
            keeper.after_batch(state)

        told = f"stopped by {number.name} after epoch 1 and 10 examples of the next"
        with pytest.raises(Stopped, match=told) as stopped:
            train(RUN, DATA, nothing, on_batch=on_batch)
    assert stopped.value.signal == number
    assert read_checkpoint(path_of(tmp_path, RUN), ORIGIN).state.position == (1, 10)


def test_the_signals_are_as_before_when_the_work_is_done() -> None:
    before = [signal.getsignal(number) for number in StopSignals.SIGNALS]
    with StopSignals():
        assert [signal.getsignal(number) for number in StopSignals.SIGNALS] != before
    assert [signal.getsignal(number) for number in StopSignals.SIGNALS] == before


# --- SIGKILL ---

WRITER = """
import sys
from pathlib import Path
from tests.unit.test_checkpoint import *
folder, interval = Path(sys.argv[1]), 1e-9
start = furthest_checkpoint(folder, LONG)
keeper = CheckpointWriter(folder, LONG, interval, StopSignals(), start)
keeper.at_end(train(LONG.run, DATA, nothing, on_batch=keeper.after_batch, state=start and start.state))
"""
LONG = replace(ORIGIN, run=replace(RUN, epochs=20_000, hidden_units=300))


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that train one run and write a checkpoint after every update."""
    root, scripts = Path(__file__).parents[2], Path(__file__).parents[2] / "scripts"
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{scripts}"}
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


def test_a_reader_never_sees_a_torn_checkpoint_while_two_write_and_are_killed(
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
