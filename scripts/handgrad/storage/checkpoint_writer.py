"""Writes the checkpoint of a run while it trains."""

import time
from pathlib import Path

from handgrad.common.signals import Stopped, StopSignals
from handgrad.storage.checkpoint import Checkpoint, Origin, path_of, write_checkpoint
from handgrad.storage.run_writer import Segment, this_segment
from handgrad.training.loop import State, TrainingResult


class CheckpointWriter:
    """Keeps the checkpoint of a run up to date, from a checkpoint on or from the beginning.

    interval: seconds between two checkpoints. written, seconds: how many were written, and what that took.
    """

    def __init__(
        self, folder: Path, origin: Origin, interval: float, stop: StopSignals, start: Checkpoint | None
    ) -> None:
        self.path = path_of(folder, origin.run)
        self.origin, self.interval, self.stop = origin, interval, stop
        self.before = start.segments if start else ()
        self.first_epoch = len(start.state.history) + 1 if start else 1
        self._seconds_before = start.state.all_seconds if start else 0.0
        self.written, self.seconds = 0, 0.0
        self._last = time.perf_counter()

    def segments(self, state: State) -> tuple[Segment, ...]:
        """Who has computed the run up to a state; this process last."""
        last_epoch = len(state.history) + (state.passed > 0)
        here = this_segment(self.first_epoch, last_epoch, state.all_seconds - self._seconds_before)
        return (*self.before, here)

    def after_batch(self, state: State) -> None:
        """Save when it is time to. Raises Stopped, having saved, if a signal has asked to stop."""
        if self.stop.received:
            self._save(state, None)
            number = self.stop.received
            message = (
                f"stopped by {number.name} after {position_text(state)}; the next snakemake goes on from {self.path}"
            )
            raise Stopped(message, number)
        if time.perf_counter() - self._last >= self.interval:
            self._save(state, None)

    def at_end(self, trained: TrainingResult) -> None:
        """Save a run that has ended."""
        self._save(trained.state, trained)

    def _save(self, state: State, ended: TrainingResult | None) -> None:
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
