"""``handgrad plan``."""

from handgrad.cli.options import DEFAULT, ExperimentFile


def plan(file: ExperimentFile = DEFAULT) -> None:
    """To come."""
