"""What the jobs of each rule cost: time and memory, from Snakemake's benchmark files."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from handgrad.tables import Column, Row, format_column, plain_column


@dataclass(frozen=True)
class Job:
    """seconds: wall time. cpu_seconds: of all cores. memory_mb: the peak. None: too short to be measured."""

    seconds: float
    cpu_seconds: float | None
    memory_mb: float | None


def read_job(path: str | Path) -> Job | None:
    """The last job that a benchmark file tells of; None if it holds none, or is no such file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        row = rows[-1]
        cpu, memory = _number(row["cpu_time"]), _number(row["max_rss"])
        measured = bool(cpu)  # else it was looked at but once, before it had done anything
        return Job(float(row["s"]), cpu if measured else None, memory if measured else None)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _number(text: str) -> float | None:
    """A number of a benchmark file, which has NA or - where a job was over before it could be looked at."""
    try:
        return float(text)
    except ValueError:
        return None


def rule_costs(folder: str | Path, jobs: Iterable[str], *, without: str) -> list[Row]:
    """A row for each rule that has run any of these jobs: rule, jobs, and what they cost.

    folder: ``results/benchmarks``, which has a folder for each rule. jobs: names of benchmark files in these
    folders, without ``.tsv``: of runs, datasets, experiments. without: a rule that is left out.
    total_seconds, median_seconds, longest_seconds: wall time. cpu_seconds, memory_mb (the largest peak): None
    where no job was long enough to be measured.
    """
    names = [f"{name}.tsv" for name in jobs]
    rows = []
    for rule in sorted(path for path in Path(folder).glob("*") if path.is_dir() and path.name != without):
        found = [job for name in names if (job := read_job(rule / name))]
        if found:
            rows.append(_row(rule.name, found))
    return sorted(rows, key=_dearest_first)


def _dearest_first(row: Row) -> tuple[float, str]:
    return -row["total_seconds"], row["rule"]


def _row(rule: str, jobs: list[Job]) -> Row:
    cpu = [job.cpu_seconds for job in jobs if job.cpu_seconds is not None]
    memory = [job.memory_mb for job in jobs if job.memory_mb is not None]
    seconds = [job.seconds for job in jobs]
    return {
        "rule": rule,
        "jobs": len(jobs),
        "total_seconds": sum(seconds),
        "median_seconds": median(seconds),
        "longest_seconds": max(seconds),
        "cpu_seconds": sum(cpu) if cpu else None,
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
        format_column("cpu_seconds", "CPU TIME IN ALL, S", ".1f"),
        format_column("memory_mb", "MOST MEMORY, MB", ".0f"),
    ]
