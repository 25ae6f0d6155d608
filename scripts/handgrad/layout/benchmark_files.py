"""Read Snakemake's benchmark files: time and memory of a job.

CPU time is not read. Snakemake measures it every half second at first and every 30 s later, so it misses the time after
the last measurement. Kept separate from ``page.benchmarks``, so that a plan does not load pandas.
"""

import csv
import math
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """The cost of a job. seconds: wall time. memory_mb: largest measured value; nan if the job was too short."""

    seconds: float
    memory_mb: float


#: values in a benchmark file if the job ended before the first measurement
_NOT_MEASURED = ("NA", "-", "0.00", "0.0", "0")


def read_cost(path: str | Path) -> Cost | None:
    """Return the cost of the last job in a benchmark file, or None if the file has no job or a different format."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            row = list(csv.DictReader(file, delimiter="\t"))[-1]
        unknown = row["cpu_time"] in _NOT_MEASURED
        return Cost(float(row["s"]), math.nan if unknown else float(row["max_rss"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
