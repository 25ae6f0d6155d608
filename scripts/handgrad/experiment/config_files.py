"""Configuration files: each read with its mistakes by line, and merged as Snakemake merges them."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.errors import HandgradError
from handgrad.common.text_files import read_text
from handgrad.experiment.config_errors import ConfigError, key_path, show
from handgrad.experiment.yaml_reader import Mistake, read_yaml

MAX_BYTES = 1_000_000


def read_config_file(path: str | Path, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a YAML or JSON file of keys and values holds.

    below: the keys under which the configuration stands in it; what is found elsewhere does not matter.
    Raises ConfigError, whose lines begin with the file, if it cannot be read, is not YAML, means something else
    than it seems to (these with the line), or holds no keys.
    """
    config, mistakes = _read(path)
    if own := [mistake.line for mistake in mistakes if mistake.keys[: len(below)] == tuple(below)]:
        raise ConfigError([f"{path}: {line}" for line in own])
    if mistakes:
        return {}
    if not isinstance(config, dict):
        raise ConfigError([f"{path}: found {show(config)}, expected keys with values, such as `name: mine`"])
    return config


def _read(path: str | Path) -> tuple[Any, list[Mistake]]:
    try:
        return read_yaml(_without_tabs(read_text(path, max_bytes=MAX_BYTES)))
    except HandgradError as error:
        raise ConfigError([str(error)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        tabs = "; indent with spaces, not tabs" if "cannot start any token" in str(error.problem) else ""
        raise ConfigError([f"{path}: {line}not YAML that can be read: {error.problem}{tabs}"]) from error
    except (yaml.YAMLError, ValueError) as error:  # a control character, a number of thousands of digits
        raise ConfigError([f"{path}: not YAML that can be read: {' '.join(str(error).split())}"]) from error


def _without_tabs(text: str) -> str:
    """JSON without its tabs, which are never part of a value: the rest of JSON is YAML. Other text as it is."""
    if text.lstrip()[:1] == "{":
        with suppress(ValueError, RecursionError):
            json.loads(text)
            return text.replace("\t", " ")
    return text


def located(config: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """Return the configuration of a file in that folder, its paths as seen from the working directory.

    A path in a file starts at the file's own folder, so that it means the same wherever Snakemake runs.
    """
    config = dict(config)
    published, datasets = config.get("published"), config.get("datasets")
    if isinstance(published, Mapping):
        config["published"] = _with_path(published, "table", folder)
    if isinstance(datasets, Mapping):
        config["datasets"] = {name: _with_path(entry, "local_dir", folder) for name, entry in datasets.items()}
    return config


def _with_path(entry: Any, key: str, folder: Path) -> Any:
    path = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(path, str) or not path or path.startswith(("/", "~")):
        return entry
    # without links, or the same file would be another input from another working directory
    whole = os.path.normpath(folder.resolve() / path)
    here = os.path.relpath(whole, Path.cwd().resolve())
    return {**entry, key: whole if Path(here).parts[:1] == ("..",) else here}


def without_effect(config: Mapping[Any, Any], path: tuple[Any, ...] = ()) -> Iterator[str]:
    """Yield the lines for empty mappings, which replace nothing when they are merged into another configuration."""
    for key, value in config.items():
        here = (*path, key)
        if not isinstance(value, Mapping) or str(here[0]).startswith("x-"):
            continue
        if value:
            yield from without_effect(value, here)
        elif not (key == "loss_divisor" and config.get("table", "") is None):  # without a table, it is empty
            yield f"{key_path(here)}: an empty mapping changes nothing; give it keys, or leave {key} out"


def merge(config: Mapping[Any, Any], overwrite: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the configuration after ``--configfile``: mappings are merged key by key, all else is replaced."""
    merged = dict(config)
    for key, value in overwrite.items():
        old = merged.get(key, {})
        if not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(old, Mapping):
            merged[key] = merge(old, value)
        elif value:  # an empty mapping replaces nothing, in Snakemake either
            merged[key] = dict(value)
    return merged


def with_registry(config: Mapping[Any, Any], registry: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the configuration with the datasets of a registry file that it does not describe itself.

    A dataset is described by an entry with a ``format``; one without, such as ``{local_dir: /data/mnist}``,
    changes the registry's. A configuration that holds the registry already stays as it is.
    """
    own = config.get("datasets", {})
    if not isinstance(own, Mapping):
        return dict(config)  # the schema says what is wrong with it
    described = {name: entry for name, entry in own.items() if isinstance(entry, Mapping) and "format" in entry}
    changes = {name: entry for name, entry in own.items() if name not in described}
    others = {name: entry for name, entry in registry["datasets"].items() if name not in described}
    return {**config, "datasets": {**described, **merge(others, changes)}}
