"""Arguments, options and output that several commands share."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from handgrad.monitor.estimates import Estimate
    from handgrad.monitor.status import Status

#: the experiment file that Snakemake takes as well if none is given
DEFAULT = Path("config/config.yaml")

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="Experiment file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]


def print_json(document: Any) -> None:
    """Print a document of plain values for programs."""
    print(json.dumps(document, indent=2, allow_nan=False))


def as_step(one: "Estimate | Status") -> dict[str, Any]:
    """Return what is known of a job, as plain values."""
    facts = {key: value for key, value in vars(one).items() if key != "job"}
    return {"rule": one.job.rule, "name": one.job.name, "log": str(one.job.log), **facts}


def number_of_cores(text: str) -> int:
    """Return ``all``, or a number of cores, as Snakemake takes it."""
    if text == "all":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not (text.isdecimal() and int(text)):
        raise typer.BadParameter(f"{text!r}: expected a number of cores, or all", param_hint="--cores")
    return int(text)
