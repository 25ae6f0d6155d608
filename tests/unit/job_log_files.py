"""Logs of jobs, as they write them."""

from datetime import datetime
from pathlib import Path

NOON = "2026-11-25 12:00:00"


def log(path: Path, *lines: str) -> Path:
    """A job's log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def epoch(number: int, left: int, second: int = 0) -> str:
    return (
        f"2026-11-25 12:00:{second:02d},500 INFO epoch {number} of 20: data term -0.1, penalty 1, "
        f"test loss 0.1, faults 3, 1.00 s, {left} s left"
    )


def at(second: float) -> float:
    """A time of that day, in seconds since the epoch, as logs tell it."""
    return datetime.fromisoformat(NOON).timestamp() + second
