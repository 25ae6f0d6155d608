"""The experiment that a configuration describes, once all of it has been checked.

Light on purpose (YAML, jsonschema and NumPy; no pandas, h5py or matplotlib): it is made again in every job.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from handgrad.experiment.config_checks import config_mistakes, file_mistakes
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import read_config, read_config_file
from handgrad.experiment.config_schema import completed, schema_mistakes
from handgrad.experiment.published import comparable, published_rows, row_settings, run_settings
from handgrad.experiment.runs import Run, as_list, canonical_text, run_table

_FLOAT_AXES = frozenset(axis.name for axis in fields(Run) if axis.type is float)


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Settings of the gradient check that the report shows."""

    hidden_units: int
    examples: int
    pixels: str
    epsilon: float

    @property
    def name(self) -> str:
        """The settings as they are written in paths: ``hu_200_n_5_raw_eps_1e-05``."""
        return f"hu_{self.hidden_units}_n_{self.examples}_{self.pixels}_eps_{canonical_text(self.epsilon)}"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table, and by dataset what its losses are the whole loss of the test set divided by."""

    table: str
    loss_divisor: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an experiment file asks for.

    blocks: the entries of ``experiments``, each with every axis and its values as a list. runs: the run
    table that they span, in order. datasets: the whole registry, each entry with every key.
    """

    name: str
    blocks: tuple[Mapping[str, list[Any]], ...]
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
        """Whether the published table has a row for any run that can be compared with it."""
        published = {row_settings(row) for row in self._published_rows}
        return any(comparable(run) and run_settings(run) in published for run in self.runs)

    @functools.cached_property
    def has_published_dataset(self) -> bool:
        """Whether the published table has a row of any dataset, so that its best can be shown with ours."""
        return not {row["dataset"] for row in self._published_rows}.isdisjoint(run.dataset for run in self.runs)


def read_experiment(file: Path) -> tuple[dict[str, Any], Experiment]:
    """Return what a file itself says, and the experiment that it makes with the shipped ones beneath it.

    Raises ConfigError with a line for each mistake, which begins with the file.
    """
    own, config = read_config_file(file), read_config([file])
    try:
        return own, load_experiment(config)
    except ConfigError as error:
        raise ConfigError([f"{file}: {mistake}" for mistake in error.mistakes]) from None


def load_experiment(config: Mapping[str, Any], *, files: bool = True) -> Experiment:
    """Check a configuration, and the files of this machine that it names, and make its experiment.

    files: whether those are looked at; not where the configuration is another machine's. Raises ConfigError with
    all mistakes, one a line; those of a configuration that the schema does not allow are the schema's alone.
    """
    if isinstance(config, Mapping):  # keys x-... hold what YAML's aliases repeat
        config = {key: value for key, value in config.items() if not str(key).startswith("x-")}
    complete = completed(config)
    _require_none(schema_mistakes(complete))
    _require_none([*config_mistakes(complete), *(file_mistakes(complete) if files else ())])
    return _experiment(complete)


def _require_none(mistakes: Iterable[str]) -> None:
    if lines := list(dict.fromkeys(mistakes)):
        raise ConfigError(lines)


def _experiment(config: Mapping[str, Any]) -> Experiment:
    check, published = config["gradient_check"], config["published"]
    blocks = tuple({axis: _values(axis, value) for axis, value in block.items()} for block in config["experiments"])
    return Experiment(
        name=config["name"],
        blocks=blocks,
        runs=run_table(blocks),
        gradient_check=CheckSettings(**{**check, "epsilon": float(check["epsilon"])}),
        checkpoint_seconds=float(config["checkpoint_seconds"]),
        published=None if published["table"] is None else Published(**published),
        datasets=config["datasets"],
    )


def _values(axis: str, value: Any) -> list[Any]:
    """The values of an axis; floats for a float axis, so that 1 and 1.0, and 0.0 and -0.0, are one run."""
    values = as_list(value)
    return [float(number) + 0.0 for number in values] if axis in _FLOAT_AXES else values
