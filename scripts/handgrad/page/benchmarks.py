"""What the jobs of each rule cost: time and memory, from Snakemake's benchmark files.

Their CPU time is left out: Snakemake looks every half second at first and every 30 s later, and does not see
what a job computes after it last looked.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from handgrad.tables.table import Column, Row, format_column, plain_column


@dataclass(frozen=True)
class Job:
    """seconds: wall time. memory_mb: the largest that was seen. None: too short to be measured."""

    seconds: float
    memory_mb: float | None


def read_job(path: str | Path) -> Job | None:
    """The last job that a benchmark file tells of; None if it holds none, or is no such file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        row = rows[-1]
        cpu, memory = _number(row["cpu_time"]), _number(row["max_rss"])
        measured = bool(cpu)  # else it was looked at but once, before it had done anything
        return Job(float(row["s"]), memory if measured else None)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _number(text: str) -> float | None:
    """A number of a benchmark file, which has NA or - where a job was over before it could be looked at."""
    try:
        return float(text)
    except ValueError:
        return None


def rule_costs(folder: str | Path, jobs: Mapping[str, Iterable[str]]) -> list[Row]:
    """A row for each rule of which a job was measured, the dearest first: rule, jobs, and what they cost.

    folder: ``results/benchmarks``, which has a folder for each rule. jobs: for each rule, the names of its
    benchmark files, without ``.tsv``. total_seconds, median_seconds, longest_seconds: wall time. memory_mb:
    the largest that was seen of any job; None where none was long enough to be measured.
    """
    rows = []
    for rule, names in jobs.items():
        paths = [Path(folder) / rule / f"{name}.tsv" for name in dict.fromkeys(names)]
        found = [job for path in paths if (job := read_job(path))]
        if found:
            rows.append(_row(rule, found))
    return sorted(rows, key=_dearest_first)


def _dearest_first(row: Row) -> tuple[float, str]:
    return -row["total_seconds"], row["rule"]


def _row(rule: str, jobs: list[Job]) -> Row:
    memory = [job.memory_mb for job in jobs if job.memory_mb is not None]
    seconds = [job.seconds for job in jobs]
    return {
        "rule": rule,
        "jobs": len(jobs),
        "total_seconds": sum(seconds),
        "median_seconds": median(seconds),
        "longest_seconds": max(seconds),
        "memory_mb": max(memory, default=None),
    }


def cost_columns() -> list[Column]:
    """What people see of the costs."""
    return [
        plain_column("rule", "RULE"),
        plain_column("jobs", "JOBS"),
        format_column("total_seconds", "TIME IN ALL, S", ".1f"),
        format_column("median_seconds", "MEDIAN, S", ".2f"),
        format_column("longest_seconds", "LONGEST, S", ".2f"),
        format_column("memory_mb", "MOST MEMORY, MB", ".0f"),
    ]
