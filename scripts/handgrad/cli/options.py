"""Arguments, options and output that several commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

#: the experiment file that Snakemake takes as well if none is given
DEFAULT = Path("config/config.yaml")

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="Experiment file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]


def print_json(document: Any) -> None:
    """Print a document of plain values for programs."""
    print(json.dumps(document, indent=2, allow_nan=False))
