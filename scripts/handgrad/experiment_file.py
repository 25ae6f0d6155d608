"""An experiment file as Snakemake reads it with ``--configfile``, for what people call beside Snakemake."""

import functools
from pathlib import Path
from typing import Any

from handgrad.config import Experiment, load_experiment
from handgrad.config_errors import ConfigError
from handgrad.config_files import merge, read_config_file

DEFAULT = Path("config/config.yaml")
SHIPPED = (Path("config/datasets.yaml"), DEFAULT)


def read_experiment(file: Path) -> tuple[dict[str, Any], Experiment]:
    """What a file itself says, and the experiment that it makes with the shipped ones beneath it.

    All paths are relative to the working directory, as Snakemake's are. Raises ConfigError with a line for
    each mistake, which begins with the file.
    """
    own = read_config_file(file)
    config = functools.reduce(merge, [*map(read_config_file, SHIPPED), own])
    try:
        return own, load_experiment(config)
    except ConfigError as error:
        raise ConfigError([f"{file}: {mistake}" for mistake in error.mistakes]) from None
