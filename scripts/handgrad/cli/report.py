"""``handgrad report``."""

from handgrad.cli.options import DEFAULT, ExperimentFile


def report(file: ExperimentFile = DEFAULT) -> None:
    """To come."""
