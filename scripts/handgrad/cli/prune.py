"""``handgrad prune``."""

from handgrad.cli.options import DEFAULT, ExperimentFile


def prune(file: ExperimentFile = DEFAULT) -> None:
    """To come."""
