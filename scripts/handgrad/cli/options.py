"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

#: the experiment file that Snakemake takes too, where none is given
DEFAULT = Path("config/config.yaml")

ExperimentFile = Annotated[Path, typer.Argument(metavar="FILE", help="Experiment file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
