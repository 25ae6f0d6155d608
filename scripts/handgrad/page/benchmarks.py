"""Time and memory of the jobs of each rule, from Snakemake's benchmark files."""

from collections.abc import Iterable, Mapping

import pandas as pd

from handgrad.layout.benchmark_files import read_cost
from handgrad.tables.columns import Column, column


def rule_costs(files: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Return a table with a row for each rule that has a measured job, the most expensive first.

    files: for each rule, its benchmark files.

    - rule, jobs: name of the rule, and number of measured jobs.
    - total_seconds, median_seconds, longest_seconds: wall time of these jobs.
    - memory_mb: largest memory of a job; missing if all jobs were too short to be measured.
    """
    measured = [
        (rule, *cost) for rule, paths in files.items() for path in dict.fromkeys(paths) if (cost := read_cost(path))
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
    """Return the columns of the costs for people."""
    return [
        Column("RULE", costs["rule"].tolist(), numeric=False, choose=True),
        column("JOBS", "{}", costs["jobs"]),
        column("TOTAL, S", "{:.1f}", costs["total_seconds"]),
        column("MEDIAN, S", "{:.2f}", costs["median_seconds"]),
        column("LONGEST, S", "{:.2f}", costs["longest_seconds"]),
        column("MAX MEMORY, MB", "{:.0f}", costs["memory_mb"]),
    ]
