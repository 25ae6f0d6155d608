"""Configuration files: each read with its mistakes by line, and merged as Snakemake merges them."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.text_files import read_text
from handgrad.experiment.config_errors import ConfigError, key_path, show
from handgrad.experiment.yaml_reader import MAX_DEPTH, Mistake, Refused, read_yaml

MAX_BYTES = 1_000_000


def read_config_file(path: str | Path, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a YAML or JSON file of keys and values holds.

    below: the keys under which the configuration stands in it; what is found elsewhere does not matter.
    Raises ConfigError, whose lines begin with the file, if it cannot be read, is not YAML (with line and
    column), means something else than it seems to, or holds no keys.
    """
    try:
        config, mistakes = _read(read_text(path, max_bytes=MAX_BYTES))
    except Refused as error:
        raise ConfigError([f"{path}: {_syntax(error)}"]) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError([f"{path}: {_syntax(error, 'not YAML: ')}"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); expected a YAML file"]) from error
    except RecursionError as error:
        raise ConfigError([f"{path}: nested deeper than {MAX_DEPTH} levels"]) from error
    except (yaml.YAMLError, ValueError) as error:
        # not UTF-8, or a control character
        raise ConfigError([f"{path}: not YAML: {' '.join(str(error).split())}"]) from error
    own = [mistake for mistake in mistakes if mistake.keys[: len(below)] == tuple(below)]
    if own:
        raise ConfigError([f"{path}: {mistake.line}" for mistake in own])
    if mistakes:
        return {}
    if not isinstance(config, dict):
        raise ConfigError([f"{path}: {_no_keys(config)}"])
    return config


def _read(text: str) -> tuple[Any, list[Mistake]]:
    """As Snakemake: JSON if it is that, else YAML."""
    mistakes: list[Mistake] = []

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else ()
        mistakes.extend(Mistake((), f"the key {key!r} is given again; keep one of them") for key in twice)
        return dict(pairs)

    if text.lstrip()[:1] == "{":
        try:
            config = json.loads(text, object_pairs_hook=mapping)
        except ValueError:
            return read_yaml(text)
        if _depth_exceeds(config, MAX_DEPTH):
            raise RecursionError
        return config, mistakes
    return read_yaml(text)


def _depth_exceeds(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_depth_exceeds(item, levels - 1) for item in inner)


def _syntax(error: yaml.MarkedYAMLError, what: str = "") -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    context = f" ({error.context})" if error.context else ""
    hint = "; indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
    return f"{place}{what}{error.problem}{context}{hint}"


def _no_keys(config: Any) -> str:
    expected = "expected keys with values, such as `name: mine`"
    if config is None:
        return f"is empty; {expected}"
    blank = "; write a blank after the colon" if isinstance(config, str) and ":" in config else ""
    return f"holds {show(config)}; {expected}{blank}"


def located(config: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """The configuration of a file in that folder, its paths as seen from the working directory.

    A path in a file starts at the file's own folder, so that it means the same wherever Snakemake runs.
    """
    config = dict(config)
    published, datasets = config.get("published"), config.get("datasets")
    if isinstance(published, Mapping):
        config["published"] = _with_path(published, "table", folder)
    if isinstance(datasets, Mapping):
        config["datasets"] = {
            name: _with_path(entry, "local_dir", folder) if isinstance(entry, Mapping) else entry
            for name, entry in datasets.items()
        }
    return config


def _with_path(entry: Mapping[Any, Any], key: str, folder: Path) -> dict[Any, Any]:
    path = entry.get(key)
    if not isinstance(path, str) or not path or path.startswith(("/", "~")):
        return dict(entry)
    # without links, or the same file would be another input from another working directory
    whole = os.path.normpath(folder.resolve() / path)
    here = os.path.relpath(whole, Path.cwd().resolve())
    return {**entry, key: whole if Path(here).parts[:1] == ("..",) else here}


def without_effect(config: Mapping[Any, Any], path: tuple[Any, ...] = ()) -> Iterator[str]:
    """The lines for empty mappings, which replace nothing when they are merged into another configuration."""
    for key, value in config.items():
        here = (*path, key)
        if not isinstance(value, Mapping) or str(here[0]).startswith("x-"):
            continue
        if value:
            yield from without_effect(value, here)
        elif not (key == "loss_divisor" and config.get("table", "") is None):  # without a table, it is empty
            yield f"{key_path(here)}: an empty mapping changes nothing; give it keys, or leave {key} out"


def merge(config: Mapping[Any, Any], overwrite: Mapping[Any, Any]) -> dict[Any, Any]:
    """The configuration after ``--configfile``: mappings are merged key by key, all else is replaced."""
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
    """The configuration with the datasets of a registry file that it does not describe itself.

    A dataset is described by an entry with a ``format``; one without, such as ``{local_dir: /data/mnist}``,
    changes the registry's. A configuration that holds the registry already stays as it is.
    """
    own, datasets = config.get("datasets", {}), registry["datasets"]
    if not isinstance(own, Mapping):
        return dict(config)  # the schema says what is wrong with it
    changed = {name: entry for name, entry in own.items() if not _describes(entry)}
    described = {name: entry for name, entry in own.items() if _describes(entry)}
    return {**config, "datasets": {**described, **merge(_without(datasets, described), changed)}}


def _describes(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "format" in entry


def _without(datasets: Mapping[Any, Any], described: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: entry for name, entry in datasets.items() if name not in described}
