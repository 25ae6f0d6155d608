"""Sizes, times and counts as text."""

from rich.filesize import decimal

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


def counted(number: int, noun: str) -> str:
    """Return a count with its noun: 1 run, 2 runs, 5,000 runs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
