"""Arguments, options and output functions that several commands share."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.common.formatting import seconds_of

if TYPE_CHECKING:
    from handgrad.monitor.estimates import Estimate
    from handgrad.monitor.status import Status

#: the default experiment file, the same as for Snakemake
DEFAULT = Path("config/config.yaml")

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="Experiment file.")]
TrainedRun = Annotated[
    str, typer.Argument(metavar="RUN", help="A run file (results/runs/...), or <experiment>:<dataset>:best.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Try a value, in every entry of experiments; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]


def print_json(document: Any) -> None:
    """Print a document of plain values as JSON."""
    print(json.dumps(document, indent=2, allow_nan=False))


def as_step(one: "Estimate | Status") -> dict[str, Any]:
    """Return the estimate or status of a job as plain values."""
    facts = {key: value for key, value in vars(one).items() if key != "job"}
    return {"rule": one.job.rule, "name": one.job.name, "log": str(one.job.log), **facts}


def number_of_cores(text: str) -> int:
    """Return the number of cores for a number or ``all``, as in Snakemake. Raises typer.BadParameter for other text."""
    if text == "all":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"{text!r}: expected a number of cores, or all", param_hint="--cores")
    return int(text)


def budget_seconds(text: str) -> float:
    """Return the seconds of a time. Raises typer.BadParameter for other text."""
    seconds = seconds_of(text)
    if not seconds:
        raise typer.BadParameter(f"{text!r}: expected a time such as 90m, 2h, 1h30m or 1d", param_hint="--budget")
    return seconds
