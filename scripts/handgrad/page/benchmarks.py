"""What the jobs of each rule cost: time and memory, from Snakemake's benchmark files.

Their CPU time is left out: Snakemake looks every half second at first and every 30 s later, and does not see
what a job computes after it last looked.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from handgrad.tables.columns import Column, column


class Cost(NamedTuple):
    """seconds: wall time. memory_mb: the largest that was seen; nan: too short to be measured."""

    seconds: float
    memory_mb: float


#: what a benchmark file has where a job was over before it could be looked at, or had done anything
_NOT_MEASURED = ("NA", "-", "0.00", "0.0", "0")


def read_cost(path: str | Path) -> Cost | None:
    """Return what the last job in a benchmark file cost; None if it has none, or is no such file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            row = list(csv.DictReader(file, delimiter="\t"))[-1]
        unknown = row["cpu_time"] in _NOT_MEASURED
        return Cost(float(row["s"]), math.nan if unknown else float(row["max_rss"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def rule_costs(folder: str | Path, jobs: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """A row for each rule of which a job was measured, the most expensive first: rule, jobs, and their costs.

    folder: ``results/benchmarks``, which has a folder for each rule. jobs: for each rule, the names of its
    benchmark files, without ``.tsv``. total_seconds, median_seconds, longest_seconds: wall time. memory_mb:
    the largest that was seen of any job; missing where none was long enough to be measured.
    """
    measured = [
        (rule, *cost)
        for rule, names in jobs.items()
        for name in dict.fromkeys(names)
        if (cost := read_cost(Path(folder) / rule / f"{name}.tsv"))
    ]
    table = pd.DataFrame(measured, columns=["rule", "seconds", "memory_mb"])
    costs = (
        table.astype({"seconds": "float64", "memory_mb": "float64"})
        .groupby("rule")
        .agg(
            jobs=("seconds", "size"),
            total_seconds=("seconds", "sum"),
            median_seconds=("seconds", "median"),
            longest_seconds=("seconds", "max"),
            memory_mb=("memory_mb", "max"),
        )
    )
    return costs.reset_index().sort_values("total_seconds", ascending=False, kind="stable")


def cost_columns(costs: pd.DataFrame) -> list[Column]:
    """What people see of the costs."""
    return [
        Column("RULE", costs["rule"].tolist(), numeric=False, choose=True),
        column("JOBS", "{}", costs["jobs"]),
        column("TIME IN ALL, S", "{:.1f}", costs["total_seconds"]),
        column("MEDIAN, S", "{:.2f}", costs["median_seconds"]),
        column("LONGEST, S", "{:.2f}", costs["longest_seconds"]),
        column("MOST MEMORY, MB", "{:.0f}", costs["memory_mb"]),
    ]
