"""Sizes, times and counts as text."""

import re

from rich.filesize import decimal

_NUMBER = r"(\d+(?:\.\d+)?)"
_TIME = re.compile(rf"{_NUMBER}|(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m(?:in)?)?(?:{_NUMBER}s)?", re.ASCII)
UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def size_text(count: float) -> str:
    """Return a number of bytes as text: 999 bytes, 1.0 kB, 31.4 GB."""
    return decimal(round(count))


def duration_text(seconds: float) -> str:
    """Return a time as text: 8 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    for large, unit, small, part in UNITS:
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def seconds_of(text: str) -> float | None:
    """Return the seconds of a time such as 90m, 1h30m, 2.5 h, 1d or 3600; None for other text."""
    found = _TIME.fullmatch("".join(text.split()))
    if found is None:
        return None
    units = zip(found.groups(), (1, 86400, 3600, 60, 1), strict=True)
    return sum(float(number) * size for number, size in units if number)


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: 1 run, 2 runs, 5,000 runs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
