"""A training job: it goes on from the furthest checkpoint of its run, and keeps that run's own while it trains."""

import time
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits

from handgrad.common.logs import logger
from handgrad.common.progress_file import ProgressFile
from handgrad.common.signals import Stopped, StopSignals
from handgrad.datasets.data import ImageData
from handgrad.experiment.runs import Run
from handgrad.storage.checkpoint import Checkpoint, Origin, furthest_checkpoint, path_of, write_checkpoint
from handgrad.storage.run_writer import Segment, other_machines, this_segment
from handgrad.training.loop import Epoch, OnEpoch, State, TrainingResult, first_state, train


class CheckpointWriter:
    """Keeps the checkpoint of a run up to date, from a start on.

    interval: seconds between two checkpoints. written, seconds: how many were written, and what that took.
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
        """Who has computed the run up to a state; this process last."""
        last_epoch = len(state.history) + (state.passed > 0)
        here = this_segment(self.first_epoch, last_epoch, state.all_seconds - self._seconds_before)
        return (*self.before, here)

    def after_batch(self, state: State) -> None:
        """Save when it is time to. Raises Stopped, having saved, if a signal has asked to stop."""
        number = self.stop.received
        if number or time.perf_counter() - self._last >= self.interval:
            self.save(state)
        if number:
            where = f"{number.name} after {position_text(state)}"
            raise Stopped(f"stopped by {where}; the next snakemake goes on from {self.path}", number)

    def save(self, state: State, ended: TrainingResult | None = None) -> None:
        """Write the checkpoint. ended: of a run that has ended, how."""
        began = time.perf_counter()
        checkpoint = Checkpoint(self.origin.run, state, self.segments(state), ended)
        write_checkpoint(self.path, checkpoint, self.origin)
        self._last = time.perf_counter()
        self.written += 1
        self.seconds += self._last - began


def position_text(state: State) -> str:
    """The epochs and examples that a run has passed, in words."""
    epochs, passed = state.position
    return f"epoch {epochs}" + (f" and {passed} examples of the next" if passed else "")


def run_to_its_end(
    origin: Origin,
    images: Callable[[], ImageData],
    folder: Path,
    *,
    interval: float,
    stop: StopSignals,
    progress: ProgressFile,
) -> tuple[TrainingResult, tuple[Segment, ...]]:
    """Train a run, or what its checkpoints in a folder leave of it; return its end, and who has computed it.

    images: reads the data, if there is anything to train. interval: see CheckpointWriter. Raises Stopped, with a
    checkpoint written, if a signal has asked to stop.
    """
    start = furthest_checkpoint(folder, origin)
    if start and (ended := start.end_of(origin.run)):
        logger.info("finished before; written from the checkpoint of %s", start.run.name)
        return ended, start.segments
    data = images()
    start = start or Checkpoint(origin.run, first_state(origin.run, data), ())
    writer = CheckpointWriter(folder, origin, interval, stop, start)
    ended = train_on(origin.run, data, writer, start, progress)
    writer.save(ended.state, ended)
    logger.info("%d checkpoints written in %.3f s", writer.written, writer.seconds)
    return ended, writer.segments(ended.state)


def train_on(
    run: Run, images: ImageData, writer: CheckpointWriter, start: Checkpoint, progress: ProgressFile
) -> TrainingResult:
    """Train a run from a start to its end, keeping checkpoints of its own."""
    logger.info("%s %s: %d training examples", run.dataset, run.name, len(images.train.y))
    if start.segments:
        logger.info("resumes after %s of %s", position_text(start.state), start.run.name)
    for machine in other_machines(start.segments):
        logger.warning("resumes what %s began: the last bits may be others than on one machine", machine)
    on_epoch = epoch_log(run, len(images.train.y), start.state, progress)
    with threadpool_limits(1):  # the same sums in the same order, whatever the machine has
        return train(run, images, on_epoch, on_batch=writer.after_batch, state=start.state)


def epoch_log(run: Run, examples: int, start: State, progress: ProgressFile) -> OnEpoch:
    """Return what logs each epoch that passes, and writes it to the progress file, where the start is written now."""
    resumed = len(start.history) + (start.passed > 0)
    facts = {"epochs": run.epochs, "resumed": resumed, "examples": examples}
    progress.write("epoch", epoch=len(start.history), seconds=0.0, **facts)
    seconds = 0.0

    def log_epoch(number: int, epoch: Epoch) -> None:
        nonlocal seconds
        if number > resumed:  # an epoch that this process has computed whole
            seconds += epoch.seconds
        an_epoch = seconds / (number - resumed) if seconds else epoch.seconds
        progress.write("epoch", epoch=number, seconds=seconds, **facts)
        logger.info(
            "epoch %d of %d: data term %.4f, penalty %.4g, test loss %.4f, faults %d, %.2f s, %.0f s left",
            number,
            run.epochs,
            epoch.data_term,
            epoch.penalty,
            epoch.test_loss,
            epoch.test_faults,
            epoch.seconds,
            an_epoch * (run.epochs - number),
        )

    return log_epoch
