"""A training job: it continues its run from the furthest checkpoint, and writes checkpoints while it trains."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from handgrad.common.logs import logger
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import Stopped, StopSignals
from handgrad.datasets.data import Dataset
from handgrad.experiment.runs import Run
from handgrad.storage.checkpoint import (
    Checkpoint,
    Origin,
    Unusable,
    furthest_checkpoint,
    path_of,
    read_header,
    write_checkpoint,
)
from handgrad.storage.run_writer import Segment, other_machines, this_segment
from handgrad.training.loop import OnEpoch, State, TrainingResult, first_state, train
from handgrad.training.results import Epoch


class CheckpointWriter:
    """Writes the checkpoint of a run at intervals.

    interval: seconds between two checkpoints. start: the checkpoint from which the run continues. written: the number
    of checkpoints written. seconds: the time that writing took.
    """

    def __init__(self, folder: Path, origin: Origin, interval: float, stop: StopSignals, start: Checkpoint) -> None:
        self.path = path_of(folder, origin.run)
        self.origin, self.interval, self.stop = origin, interval, stop
        self.before = start.segments
        self.first_epoch = len(start.state.history) + 1
        self._seconds_before = start.state.all_seconds
        self.written, self.seconds = 0, 0.0
        self._last = time.perf_counter()

    def segments(self, state: State) -> tuple[Segment, ...]:
        """Return the segments that computed the run up to a state; that of this process is the last, if it trained."""
        last_epoch = len(state.history) + (state.passed > 0)
        if last_epoch < self.first_epoch:
            return self.before
        here = this_segment(self.first_epoch, last_epoch, state.all_seconds - self._seconds_before)
        return (*self.before, here)

    def after_batch(self, state: State) -> None:
        """Save if the interval has passed. After a stop signal, save and raise Stopped."""
        number = self.stop.received
        if number or time.perf_counter() - self._last >= self.interval:
            self.save(state)
        if number:
            where = f"{number.name} after {position_text(state)}"
            raise Stopped(f"stopped by {where}; the next snakemake continues from {self.path}", number)

    def save(self, state: State, ended: TrainingResult | None = None) -> None:
        """Write the checkpoint, unless another job of this run is further. ended: the result, if the run has ended."""
        began = time.perf_counter()
        if self._is_behind(state):
            return
        checkpoint = Checkpoint(self.origin.run, state, self.segments(state), ended)
        write_checkpoint(self.path, checkpoint, self.origin)
        self._last = time.perf_counter()
        self.written += 1
        self.seconds += self._last - began

    def _is_behind(self, state: State) -> bool:
        """Return whether the file has more of this run than a state.

        Another job may train the run at the same time, such as one for all epochs and one only until a rung.
        """
        with suppress(Unusable, OSError):
            header = read_header(self.path)
            header.require(self.origin)
            return header.position > state.position
        return False


def position_text(state: State) -> str:
    """Return the completed epochs and examples of a run as text."""
    epochs, passed = state.position
    return f"epoch {epochs}" + (f" and {passed} examples of the next" if passed else "")


def run_until(
    epochs: int,
    origin: Origin,
    read_data: Callable[[], Dataset],
    folder: Path,
    *,
    interval: float,
    stop: StopSignals,
    progress: ProgressFile,
) -> Checkpoint:
    """Train a run until it has this number of epochs, or continue it from a checkpoint; return its checkpoint then.

    The checkpoint may be further than that, or that of a run that differs only in its epochs. read_data: called only if
    there is something to train. interval: see CheckpointWriter. After a stop signal, it writes a checkpoint and raises
    Stopped.
    """
    start = furthest_checkpoint(folder, origin)
    if start and (ended := start.end_of(origin.run)):
        logger.info("training was already finished; the result is made from the checkpoint of %s", start.run.name)
        return replace(start, run=origin.run, ended=ended)
    if start and epochs < origin.run.epochs and len(start.state.history) >= epochs:
        logger.info("already trained until %s; the result is made from the checkpoint", position_text(start.state))
        return start
    data = read_data()
    start = start or Checkpoint(origin.run, first_state(origin.run, data), ())
    writer = CheckpointWriter(folder, origin, interval, stop, start)
    result = train_on(origin.run, epochs, data, writer, start, progress)
    ended = None if result.status == "stopped" else result
    writer.save(result.state, ended)
    logger.info("%d checkpoints written in %.3f s", writer.written, writer.seconds)
    return Checkpoint(origin.run, result.state, writer.segments(result.state), ended)


def train_on(
    run: Run, epochs: int, data: Dataset, writer: CheckpointWriter, start: Checkpoint, progress: ProgressFile
) -> TrainingResult:
    """Train a run until it has this number of epochs, and write its checkpoints."""
    logger.info("%s %s: %d training examples", run.dataset, run.name, len(data.train.y))
    if start.segments:
        logger.info("resumes after %s of %s", position_text(start.state), start.run.name)
    for machine in other_machines(start.segments):
        logger.warning("resumes a run that %s began: its last digits may differ from a run on one machine", machine)
    on_epoch = epoch_log(run, epochs, len(data.train.y), start.state, progress)
    with threadpool_limits(1):  # more threads would change the order of sums
        return train(run, data, on_epoch, on_batch=writer.after_batch, state=start.state, until=epochs)


def epoch_log(run: Run, epochs: int, examples: int, start: State, progress: ProgressFile) -> OnEpoch:
    """Return a function that writes each completed epoch to the log and to the progress file.

    The call itself writes the start to the progress file. epochs: the last epoch that is trained now.
    """
    resumed = len(start.history) + (start.passed > 0)
    facts = {"epochs": epochs, "resumed": resumed, "examples": examples}
    progress.write("epoch", run=vars(run), epoch=len(start.history), seconds=0.0, **facts)
    seconds = 0.0

    def log_epoch(number: int, epoch: Epoch) -> None:
        nonlocal seconds
        if number > resumed:  # this process computed the whole epoch
            seconds += epoch.seconds
        an_epoch = seconds / (number - resumed) if seconds else epoch.seconds
        progress.write("epoch", epoch=number, seconds=seconds, **facts)
        logger.info(
            "epoch %d of %d: data term %.4f, penalty %.4g, test loss %.4f, faults %d, %.2f s, %.0f s left",
            number,
            epochs,
            epoch.data_term,
            epoch.penalty,
            epoch.test_loss,
            epoch.test_faults,
            epoch.seconds,
            an_epoch * (epochs - number),
        )

    return log_epoch
