"""``handgrad archive`` and ``handgrad verify``: one experiment in one file."""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from handgrad.cli.options import DEFAULT, ExperimentFile
from handgrad.common.code_digests import SCRIPTS


def archive(file: ExperimentFile = DEFAULT) -> None:
    """Pack a finished experiment into one file, archives/<name>.tar.gz.

    \b
    Example:
      handgrad archive mine.yaml
    """
    sys.path.insert(0, str(SCRIPTS))
    importlib.import_module("archive_experiment").main(Path.cwd(), str(file))


def verify(archive: Annotated[Path, typer.Argument(help="An archive.")]) -> int:
    """Check that an archive is complete and that its tables are what its runs say.

    \b
    Example:
      handgrad verify archives/mine.tar.gz
    """
    sys.path.insert(0, str(SCRIPTS))
    return int(importlib.import_module("verify_archive").main(archive))
