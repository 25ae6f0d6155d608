"""How far a workflow is, from what Snakemake says of its jobs and from the ends of their logs."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.job_logs import Line, last_lines, position
from handgrad.monitor.makespan import makespan

#: rule and name of a job
Key = tuple[str, str]


@dataclass(frozen=True)
class Running:
    """A job at work. done: the share that is done, as far as it is known. left: seconds, likewise."""

    key: Key
    text: str
    done: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class View:
    """The jobs that have begun, at some moment.

    running: those at work, in the order of their start. ended: those that have done their work while the
    cluster's submission that they belong to has not. submitted: those that the cluster has not yet started.
    """

    running: list[Running]
    ended: frozenset[Key] = frozenset()
    submitted: frozenset[Key] = frozenset()


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

    def correction(self, running: Iterable[Running] = ()) -> float:
        """How many times as long as guessed runs take: those that have ended, or whose end is in sight.

        1 before there is any, and on a cluster, where it is not known when a job began.
        """
        if not self.workers:
            return 1.0
        taken, guessed = self._taken, self._guessed
        for row in running:
            began = self.begun.get(row.key)
            if row.done and row.left is not None and began is not None and row.key[0] == "train_run":
                taken += self.clock() - began + row.left
                guessed += self.planned[row.key].seconds if row.key in self.planned else 0.0
        return taken / guessed if guessed else 1.0

    def look(self) -> View:
        """Where the jobs that have begun are now."""
        rows: dict[Key, Running] = {}
        ended, submitted = set(), set()
        for key, began in list(self.begun.items()):
            lines = self._lines(key, began)
            if self.workers is None and not lines and key[0] != "download_file":
                submitted.add(key)
            elif self.workers is None and lines and lines[-1].ended:
                ended.add(key)
            else:
                rows[key] = self._row(key, began, lines)
        return View(list(rows.values()), frozenset(ended), frozenset(submitted))

    def _lines(self, key: Key, began: float) -> list[Line]:
        """The last lines of a job's log, without those of an earlier attempt."""
        step = self.planned[key].step if key in self.planned else None
        return [line for line in last_lines(step.log) if line.at >= began - 1] if step else []

    def _row(self, key: Key, began: float, lines: list[Line]) -> Running:
        if key[0] == "download_file":
            return self._download(key, began)
        where = position(lines)
        now = self.clock()
        if where is None or where.left is None:
            so_far = f"{duration_text(now - began)} so far"
            text = so_far if where is None else f"goes on after epoch {where.epoch}"
            return Running(key, text, left=self._guess(key, now - began))
        left = where.left_at(now) or 0.0
        text = f"epoch {where.epoch} of {where.epochs}, {duration_text(left)} left"
        return Running(key, text, where.epoch / where.epochs, left)

    def _download(self, key: Key, began: float) -> Running:
        """A file that arrives is beside its place: ``.<name>.partial``, or ``.<name>.<random>.part``."""
        path = Path("resources") / key[1]
        parts = list(path.parent.glob(f".{path.name}.*part*"))
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
        return max(0.0, seconds * self.correction() - passed)

    def left(self, view: View) -> float:
        """Seconds until all is done."""
        at_work = [row.left or 0.0 for row in view.running]
        begun = {*self.begun, *self.finished, *self.failed} - view.submitted
        correction = self.correction(view.running)
        to_come = [one.seconds * correction for key, one in self.planned.items() if key not in begun]
        return makespan(to_come, self.workers or max(1, len(at_work)), at_work)

    def share(self, view: View) -> float:
        """The share of the work that is done, by its guessed time."""
        total = sum(one.seconds for one in self.planned.values())
        shares = {row.key: row.done or 0.0 for row in view.running}
        shares |= dict.fromkeys([*self.finished, *view.ended], 1.0)
        done = sum(share * self.planned[key].seconds for key, share in shares.items() if key in self.planned)
        return done / total if total else 1.0

    def headline(self, view: View) -> str:
        """``14 of 33 steps done, about 8 s left``."""
        done = len(self.finished) + len(view.ended)
        parts = [f"{done} of {counted(len(self.planned), 'step')} done"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if view.submitted:
            parts.append(f"{len(view.submitted)} submitted")
        parts.append(f"about {duration_text(self.left(view))} left")
        return ", ".join(parts)


def _size(parts: Iterable[Path]) -> int:
    try:
        return max((part.stat().st_size for part in parts), default=0)
    except OSError:  # in place by now
        return 0
