"""How far a workflow is, from what Snakemake says of its jobs and from the ends of their logs."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handgrad.amounts import counted, duration_text, size_text
from handgrad.estimates import Estimate
from handgrad.job_logs import last_lines, position
from handgrad.schedule import makespan
from handgrad.steps import Step

#: rule and name of a job
Key = tuple[str, str]


@dataclass(frozen=True)
class Running:
    """A job at work. done: the share that is done, as far as it is known. left: seconds, likewise."""

    key: Key
    text: str
    done: float | None = None
    left: float | None = None


@dataclass
class Progress:
    """The jobs of one call of Snakemake.

    planned: what is to be done, with estimates. workers: how many jobs run at once; None on a cluster, where
    it is as many as run now.
    """

    planned: Mapping[Key, Estimate]
    workers: int | None
    clock: Callable[[], float] = time.time
    begun: dict[Key, float] = field(default_factory=dict)
    finished: set[Key] = field(default_factory=set)
    failed: set[Key] = field(default_factory=set)
    _taken: float = 0.0
    _guessed: float = 0.0

    def begin(self, key: Key) -> None:
        """A job was started, or given to a cluster; one that had failed is tried again."""
        self.begun[key] = self.clock()
        self.failed.discard(key)

    def finish(self, key: Key) -> float:
        """A job has ended well; returns the seconds that it took."""
        seconds = self.clock() - self.begun.pop(key, self.clock())
        self.finished.add(key)
        if key[0] == "train_run" and key in self.planned:
            self._taken += seconds
            self._guessed += self.planned[key].seconds
        return seconds

    def fail(self, key: Key) -> None:
        """A job has failed."""
        self.begun.pop(key, None)
        self.failed.add(key)

    @property
    def correction(self) -> float:
        """How many times as long as guessed the runs have taken that have ended; 1 before any has."""
        return self._taken / self._guessed if self._guessed and self.workers else 1.0

    def running(self) -> list[Running]:
        """The jobs at work, in the order of their start; on a cluster, those that have begun."""
        rows = (self._row(key, began) for key, began in list(self.begun.items()))
        return [row for row in rows if row]

    def _row(self, key: Key, began: float) -> Running | None:
        if key[0] == "download_file":
            return self._download(key, began)
        step = self._step(key)
        lines = [line for line in last_lines(step.log) if line.at >= began - 1] if step else []
        if self.workers is None and not lines:
            return None
        where = position(lines)
        now = self.clock()
        if where is None or where.left is None:
            text = "" if where is None else f"goes on after epoch {where.epoch}"
            return Running(key, text, left=self._guess(key, now - began))
        left = where.left_at(now) or 0.0
        text = f"epoch {where.epoch} of {where.epochs}, {duration_text(left)} left"
        return Running(key, text, where.epoch / where.epochs, left)

    def _step(self, key: Key) -> Step | None:
        return self.planned[key].step if key in self.planned else None

    def _download(self, key: Key, began: float) -> Running:
        """A file that arrives is beside its place, under a name that ends with .part."""
        path = Path("resources") / key[1]
        parts = list(path.parent.glob(f".{path.name}.*.part"))
        size, there = self.planned[key].room if key in self.planned else 0, _size(parts)
        seconds = self.clock() - began
        if not there or not size:
            return Running(key, "asking for it")
        rate = there / max(seconds, 0.1)
        left = (size - there) / rate
        text = f"{size_text(there)} of {size_text(size)}, {size_text(rate)}/s, {duration_text(left)} left"
        return Running(key, text, there / size, left)

    def _guess(self, key: Key, passed: float) -> float:
        seconds = self.planned[key].seconds if key in self.planned else 0.0
        return max(0.0, seconds * self.correction - passed)

    def left(self, running: Iterable[Running]) -> float:
        """Seconds until all is done."""
        at_work = [row.left or 0.0 for row in running]
        begun = {*self.begun, *self.finished, *self.failed}
        to_come = [one.seconds * self.correction for key, one in self.planned.items() if key not in begun]
        return makespan(to_come, self.workers or max(1, len(at_work)), at_work)

    def share(self, running: Iterable[Running]) -> float:
        """The share of the work that is done, by its guessed time."""
        total = sum(one.seconds for one in self.planned.values())
        done = sum(self.planned[key].seconds for key in self.finished if key in self.planned)
        done += sum(
            self.planned[row.key].seconds * (row.done or 0) for row in running if row.key in self.planned
        )
        return done / total if total else 1.0

    def headline(self, running: list[Running]) -> str:
        """``14 of 33 steps done, about 8 s left``."""
        parts = [f"{len(self.finished)} of {counted(len(self.planned), 'step')} done"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if waiting := len(self.begun) - len(running):
            parts.append(f"{waiting} submitted")
        parts.append(f"about {duration_text(self.left(running))} left")
        return ", ".join(parts)


def _size(parts: Iterable[Path]) -> int:
    try:
        return max((part.stat().st_size for part in parts), default=0)
    except OSError:  # in place by now
        return 0
