"""Change a configuration by settings of a command line, to try values without editing the file."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from handgrad.experiment.blocks import as_list
from handgrad.experiment.config_errors import ConfigError, show, unknown
from handgrad.experiment.config_files import merge
from handgrad.experiment.config_schema import config_schema
from handgrad.experiment.yaml_reader import read_yaml


def with_changes(config: Mapping[Any, Any], changes: Iterable[str]) -> dict[Any, Any]:
    """Return a configuration with changes of the form ``KEY=VALUE``.

    KEY: a key of an entry of ``experiments``, which is then set in every entry, or a top-level key with dots, such as
    ``gradient_check.examples``. VALUE: YAML. Raises ConfigError if the key is unknown or the value is not YAML.
    """
    changed = dict(config)
    of_block, top = (config_schema()["properties"]["experiments"]["items"]["properties"], config_schema()["properties"])
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise ConfigError([f"--set: found {show(change)}, expected KEY=VALUE, such as learning_rate=0.1"])
        first, *_ = keys = key.split(".")
        if first not in top and (first not in of_block or len(keys) > 1):
            raise ConfigError([unknown(["--set"], first, [*of_block, *top])])
        value = _read_value(key, text)
        if first in of_block:
            changed["experiments"] = [_with_key(block, key, value) for block in as_list(changed.get("experiments", {}))]
        else:
            for name in reversed(keys):
                value = {name: value}
            changed = merge(changed, value)
    return changed


def changed_keys(config: Mapping[Any, Any], changes: Iterable[str]) -> dict[Any, Any]:
    """Return the top-level keys that changes replace, with their new values."""
    return {key: value for key, value in with_changes(config, changes).items() if value is not config.get(key)}


def _with_key(block: Any, key: str, value: Any) -> Any:
    return {**block, key: value} if isinstance(block, Mapping) else block


def _read_value(key: str, text: str) -> Any:
    try:
        value, mistakes = read_yaml(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError([f"--set: {key}: found {show(text)}, expected a value in YAML"]) from error
    if mistakes:
        raise ConfigError([f"--set: {key}: {mistake.line}" for mistake in mistakes])
    return value
