"""Check a configuration and build its experiment.

Every job does this again. The module therefore imports only YAML, jsonschema and NumPy.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handgrad.experiment.blocks import Block, block_of, run_table
from handgrad.experiment.config_changes import with_changes
from handgrad.experiment.config_checks import config_mistakes, file_mistakes
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import read_config, read_config_file
from handgrad.experiment.config_schema import completed, schema_mistakes
from handgrad.experiment.published import comparable, published_rows, row_settings, run_settings
from handgrad.experiment.runs import Run, canonical_text


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Settings of the gradient check that the report shows."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float

    @property
    def name(self) -> str:
        """The settings as part of a path: ``hu_200_n_5_raw_eps_1e-05``."""
        return f"hu_{self.hidden_units}_n_{self.examples}_{self.pixels}_eps_{canonical_text(self.epsilon)}"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table and its loss divisors.

    table: path of the CSV file. loss_divisor: by dataset, the number by which the publication divided the total
    test loss.
    """

    table: str
    loss_divisor: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment.

    blocks: the entries of ``experiments``. runs: all runs, in table order. datasets: the whole registry; each entry
    has every key.
    """

    name: str
    blocks: tuple[Block, ...]
    runs: tuple[Run, ...]
    gradient_check: CheckSettings
    checkpoint_seconds: float
    published: Published | None
    datasets: Mapping[str, Mapping[str, Any]]

    @functools.cached_property
    def _published_rows(self) -> list[dict[str, Any]]:
        return [] if self.published is None else published_rows(self.published.table)

    @functools.cached_property
    def has_published(self) -> bool:
        """Whether the published table has a row for at least one comparable run."""
        published = {row_settings(row) for row in self._published_rows}
        return any(comparable(run) and run_settings(run) in published for run in self.runs)

    @functools.cached_property
    def has_published_dataset(self) -> bool:
        """Whether the published table has a row for at least one dataset of this experiment."""
        return not {row["dataset"] for row in self._published_rows}.isdisjoint(run.dataset for run in self.runs)


def read_experiment(file: Path, changes: Iterable[str] = ()) -> tuple[dict[str, Any], Experiment]:
    """Return the content of a file, and the experiment after merging it over the shipped files.

    changes: changes to the configuration, such as ``learning_rate=0.1`` (see ``with_changes``). Raises ConfigError with
    one line for each mistake. Each line begins with the file.
    """
    own, config = read_config_file(file), with_changes(read_config([file]), changes)
    try:
        return own, load_experiment(config)
    except ConfigError as error:
        raise ConfigError([f"{file}: {mistake}" for mistake in error.mistakes]) from None


def load_experiment(config: Mapping[str, Any], *, files: bool = True) -> Experiment:
    """Check a configuration and return its experiment.

    files: also check the files that the configuration names; False for a configuration from another machine.
    Raises ConfigError with one line for each mistake. If the schema finds mistakes, no other checks run.
    """
    if isinstance(config, Mapping):  # keys that begin with x- hold YAML anchors for reuse
        config = {key: value for key, value in config.items() if not str(key).startswith("x-")}
    complete = completed(config)
    _require_none(schema_mistakes(complete))
    blocks = tuple(map(block_of, complete["experiments"]))
    _require_none([*config_mistakes(complete, blocks), *(file_mistakes(complete) if files else ())])
    return _experiment(complete, blocks)


def _require_none(mistakes: Iterable[str]) -> None:
    if lines := list(dict.fromkeys(mistakes)):
        raise ConfigError(lines)


def _experiment(config: Mapping[str, Any], blocks: tuple[Block, ...]) -> Experiment:
    check, published = config["gradient_check"], config["published"]
    return Experiment(
        name=config["name"],
        blocks=blocks,
        runs=run_table(blocks),
        gradient_check=CheckSettings(**{**check, "epsilon": float(check["epsilon"])}),
        checkpoint_seconds=float(config["checkpoint_seconds"]),
        published=None if published["table"] is None else Published(**published),
        datasets=config["datasets"],
    )
