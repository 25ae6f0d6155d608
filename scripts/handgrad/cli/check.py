"""``handgrad check``."""

from handgrad.cli.options import DEFAULT, ExperimentFile


def check(file: ExperimentFile = DEFAULT) -> None:
    """To come."""
