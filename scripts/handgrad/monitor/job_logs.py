"""How far a job is, from the end of its log."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

#: bytes of a log's end that are read, enough for many lines
END = 8192

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (INFO|WARNING|ERROR) (.*)")
_EPOCH = re.compile(r"epoch (\d+) of (\d+): .* (\d+) s left$")
_RESUMED = re.compile(r"resumes after epoch (\d+)\b")


@dataclass(frozen=True)
class Line:
    """A line of a log. at: when it was written, in seconds since the epoch, by the clock of its machine.

    more: the first of the lines without a date that continue it.
    """

    at: float
    level: str
    text: str
    more: str = ""

    @property
    def message(self) -> str:
        """What it says; with the line that continues it, if that is what it announces with a colon."""
        return f"{self.text} {self.more}".rstrip() if self.text.endswith(":") else self.text

    @property
    def ended(self) -> bool:
        """Whether it is the last line of a job that has done what it was to do."""
        return self.level == "INFO" and self.text.startswith("done in ")


@dataclass(frozen=True)
class Position:
    """Where a training job is: epochs that have passed, of how many, and the seconds that are left at ``at``.

    Of a job that has not yet ended an epoch, epochs and left are not known: 0 and None.
    """

    epoch: int
    epochs: int
    left: float | None
    at: float

    def left_at(self, now: float) -> float | None:
        """The seconds that are left at some other time."""
        return None if self.left is None else max(0.0, self.left - (now - self.at))


def last_lines(log: Path) -> list[Line]:
    """The last lines of a job's log, each with the first that continues it; none if it is not there."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - END))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    read = (_line(line, after) for line, after in pairwise([*text.splitlines(), ""]))
    return [line for line in read if line]


def _line(text: str, after: str) -> Line | None:
    """A line of a log, and what continues it on the next; None if it is a continuation itself."""
    found = _LINE.fullmatch(text)
    more = "" if _LINE.fullmatch(after) else after.strip()
    try:
        return found and Line(_seconds(found[1], found[2]), found[3], found[4], more)
    except ValueError:  # no date
        return None


def _seconds(date: str, milliseconds: str) -> float:
    return datetime.fromisoformat(date).timestamp() + int(milliseconds) / 1000


def position(lines: list[Line]) -> Position | None:
    """Where a training job is, by the last line that says so; None if none does."""
    for line in reversed(lines):
        if epoch := _EPOCH.match(line.text):
            return Position(int(epoch[1]), int(epoch[2]), float(epoch[3]), line.at)
        if resumed := _RESUMED.match(line.text):
            return Position(int(resumed[1]), 0, None, line.at)
    return None
