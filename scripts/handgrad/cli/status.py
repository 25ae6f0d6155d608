"""``handgrad status``."""

from handgrad.cli.options import DEFAULT, ExperimentFile


def status(file: ExperimentFile = DEFAULT) -> None:
    """To come."""
