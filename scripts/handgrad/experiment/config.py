"""The experiment file: from a configuration as Snakemake has merged it to what the workflow works with.

Light on purpose (YAML, jsonschema and NumPy; no pandas, h5py or matplotlib): it is read again in every job.
"""

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, ValidationError, validators

from handgrad.experiment.config_checks import config_mistakes, file_mistakes
from handgrad.experiment.config_errors import ConfigError, branch, schema_mistakes, show
from handgrad.experiment.config_hints import Schema, kinds, plain_number
from handgrad.experiment.name_lengths import long_names
from handgrad.experiment.published import comparable, published_rows, row_settings, run_settings
from handgrad.experiment.runs import Run, canonical_text, run_table

SCHEMA_FILE = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"

# YAML 1.1 takes 1e-5 and 1.0e5 for text, for want of a point or of a sign
_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", re.ASCII)
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
        """The settings as they stand in paths: ``hu_200_n_5_raw_eps_1e-05``."""
        return f"hu_{self.hidden_units}_n_{self.examples}_{self.pixels}_eps_{canonical_text(self.epsilon)}"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table, and what its losses are the test set's whole loss divided by, a dataset."""

    table: str
    loss_divisor: Mapping[str, float]

    def matches(self, runs: Iterable[Run]) -> bool:
        """Whether the table has a row for any of the runs, of those that are comparable."""
        published = {row_settings(row) for row in published_rows(self.table)}
        return any(comparable(run) and run_settings(run) in published for run in runs)

    def shares_dataset(self, runs: Iterable[Run]) -> bool:
        """Whether the table has a row of any dataset that the runs train on, however they train."""
        return not {row["dataset"] for row in published_rows(self.table)}.isdisjoint(run.dataset for run in runs)


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
    def has_published(self) -> bool:
        """Whether the published table has a row for any run."""
        return self.published is not None and self.published.matches(self.runs)

    @functools.cached_property
    def has_published_dataset(self) -> bool:
        """Whether the published table has a row of any dataset, so that its best can stand beside ours."""
        return self.published is not None and self.published.shares_dataset(self.runs)


def load_experiment(config: Mapping[str, Any], *, files: bool = True) -> Experiment:
    """Check a configuration, and the files of this machine that it names, and make its experiment.

    files: whether those are looked at; not where the configuration is another machine's. Raises ConfigError
    with all mistakes that were found, one a line.
    """
    complete = _complete(_without_anchors(config), config_schema())
    mistakes = [
        line
        for error in _validator().iter_errors(complete)
        for line in schema_mistakes(error, complete, config_schema())
    ]
    if isinstance(complete, dict):
        mistakes += [*config_mistakes(complete), *(file_mistakes(complete) if files else ())]
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))
    experiment = _experiment(complete)
    check = experiment.gradient_check.name
    if files and (long := list(long_names(experiment.blocks, check, experiment.datasets))):
        raise ConfigError(long)
    return experiment


def _experiment(config: Mapping[str, Any]) -> Experiment:
    check, published = config["gradient_check"], config["published"]
    blocks = tuple(_lists(experiment) for experiment in config["experiments"])
    return Experiment(
        name=config["name"],
        blocks=blocks,
        runs=run_table(blocks),
        gradient_check=CheckSettings(**{**check, "epsilon": float(check["epsilon"])}),
        checkpoint_seconds=float(config["checkpoint_seconds"]),
        published=None if published["table"] is None else Published(**published),
        datasets=config["datasets"],
    )


def _lists(experiment: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Every axis as a list; float axes hold floats, so that 1 and 1.0, and 0.0 and -0.0, are one run."""
    lists = {axis: value if isinstance(value, list) else [value] for axis, value in experiment.items()}
    return {
        axis: [float(value) + 0.0 for value in values] if axis in _FLOAT_AXES else values
        for axis, values in lists.items()
    }


@functools.cache
def config_schema() -> Schema:
    """The schema of the configuration, workflow/schemas/config.schema.yaml."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # several times faster, where libyaml is there
    schema: Schema = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506, both are safe
    return schema


def _without_anchors(config: Any) -> Any:
    """Without the keys x-..., in which people keep what YAML's aliases repeat."""
    if not isinstance(config, Mapping):
        return config
    return {key: value for key, value in config.items() if not str(key).startswith("x-")}


def numbers_of_texts(config: Mapping[Any, Any]) -> dict[Any, Any]:
    """A copy in which a text that is a plain number or null is that, where the schema takes no text.

    Snakemake makes a text of each number inside a value of ``--config``.
    """
    converted: dict[Any, Any] = _convert(config, config_schema())
    return converted


def _convert(value: Any, schema: Schema) -> Any:
    schema = branch(schema, value)
    if isinstance(value, Mapping):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {key: _convert(item, properties.get(key, others)) for key, item in value.items()}
    if isinstance(value, list):
        return [_convert(item, schema.get("items", {})) for item in value]
    if value == "null" and "null" in kinds(schema):
        return None
    if isinstance(value, str) and {"integer", "number"} & set(kinds(schema)):
        return plain_number(value, value)
    return value


def _complete(value: Any, schema: Schema) -> Any:
    """A copy with the schema's defaults for absent keys, and with the numbers that YAML took for text."""
    schema = branch(schema, value)
    if isinstance(value, Mapping) and "object" in kinds(schema):
        return _complete_mapping(value, schema)
    if isinstance(value, list) and "items" in schema:
        return [_complete(item, schema["items"]) for item in value]
    if isinstance(value, str) and {"integer", "number"} & set(kinds(schema)) and _EXPONENT.fullmatch(value):
        return number if math.isfinite(number := float(value)) else value
    return value


def _complete_mapping(value: Mapping[Any, Any], schema: Schema) -> dict[Any, Any]:
    properties, others = schema.get("properties", {}), schema["additionalProperties"] or {}
    given = {key: _complete(item, properties.get(key, others)) for key, item in value.items()}
    absent = {
        key: _complete(sub["default"], sub)
        for key, sub in properties.items()
        if key not in value and key not in schema.get("required", ())
    }
    return {**given, **absent}


def _is_whole(_: TypeChecker, value: object) -> bool:
    # jsonschema would take 100.0 too
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(_: TypeChecker, value: object) -> bool:
    # jsonschema would take .nan and .inf too
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _whole_match(_: Any, pattern: str, value: object, __: Schema) -> Any:
    # jsonschema would take "name\n" for ^name$
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(f"{show(value)} does not match {pattern!r}")


def _one_or_many(validator: Any, _: object, value: object, schema: Schema) -> Any:
    # jsonschema would try both, and say no more than that neither fits
    yield from validator.descend(value, branch(schema, value))


@functools.cache
def _validator() -> Any:
    types = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_whole, "number": _is_finite})
    strict = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": _whole_match, "anyOf": _one_or_many}, type_checker=types
    )
    return strict(config_schema())
