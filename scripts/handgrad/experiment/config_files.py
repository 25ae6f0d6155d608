"""Merge configuration files and the command line into one configuration, in the same way as Snakemake."""

import os
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.text_files import read_text
from handgrad.experiment.config_errors import ConfigError, show
from handgrad.experiment.yaml_reader import read_yaml

MAX_BYTES = 1_000_000
DEFAULT = Path("config/config.yaml")
REGISTRY = Path("config/datasets.yaml")
#: the files over which each experiment is merged, in any working directory
SHIPPED = (PROJECT / REGISTRY, PROJECT / DEFAULT)


def read_config(
    files: Iterable[Path], command_line: Mapping[str, Any] | None = None, *, replace: bool = False
) -> dict[Any, Any]:
    """Return the shipped configuration, merged with experiment files and ``--config``.

    If Snakemake runs outside the project, its working directory may have its own config/config.yaml. That file is
    merged after the shipped files and before the experiment files.
    command_line: the values of ``--config``. replace: ``--replace-workflow-config``; read only the shipped registry
    and the given files. Raises ConfigError with one line for each mistake. Each line begins with the file.
    """
    own = [file for file in (REGISTRY, DEFAULT) if file.is_file() and not file.samefile(PROJECT / file)]
    merged: dict[Any, Any] = {}
    for file in (*(SHIPPED[:1] if replace else (*SHIPPED, *own)), *files):
        merged = merge(merged, _located(read_config_file(file), file.parent))
    return merge(merged, _with_nulls(command_line or {}))


def _with_nulls(value: Any) -> Any:
    """Return a value of ``--config`` with null instead of the text that Snakemake makes of it."""
    if isinstance(value, Mapping):
        return {key: _with_nulls(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_nulls(inner) for inner in value]
    return None if value == "null" else value


def read_module_config(part: Mapping[Any, Any], whole: Any, files: Iterable[Path]) -> dict[Any, Any]:
    """Return the shipped registry, merged with the configuration that another workflow passes to this module.

    part: the configuration for this module. whole: the configuration of the other workflow. files: the files of
    ``whole``. Raises ConfigError if YAML 1.1 misreads a value of ``part`` in these files; other values are not checked.
    """
    below = _keys_to(whole, part)
    for file in files if below is not None else ():
        read_config_file(file, below=below or ())
    return merge(read_config_file(SHIPPED[0]), part)


def _keys_to(config: Any, part: Any) -> tuple[str, ...] | None:
    """Return the keys that lead to the object ``part`` in a configuration; None if it does not contain this object."""
    if config is part:
        return ()
    inner = config.items() if isinstance(config, Mapping) else ()
    found = ((str(key), _keys_to(value, part)) for key, value in inner)
    return next(((key, *keys) for key, keys in found if keys is not None), None)


def read_config_file(path: str | Path, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """Return the content of a YAML or JSON file with keys and values.

    below: the keys that lead to the configuration; mistakes in other parts of the file are ignored.
    Raises ConfigError if the file cannot be read, is not YAML or has no keys, or if YAML 1.1 misreads a value.
    Each line begins with the file.
    """
    try:
        text = read_text(path, max_bytes=MAX_BYTES)
        # YAML does not allow the tabs that JSON allows between values
        config, mistakes = read_yaml(text.replace("\t", " ") if text.lstrip()[:1] == "{" else text, below)
    except HandgradError as error:
        raise ConfigError([str(error)]) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number with thousands of digits
        mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", error))
        tabs = "; indent with spaces, not tabs" if "cannot start any token" in problem else ""
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError([f"{path}: {line}not YAML: {' '.join(problem.split())}{tabs}"]) from error
    if mistakes:
        raise ConfigError([f"{path}: {mistake.line}" for mistake in mistakes])
    if not isinstance(config, dict):
        raise ConfigError([f"{path}: found {show(config)}, expected keys with values, such as `name: mine`"])
    return config


def merge(config: Mapping[Any, Any], overwrite: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return ``config`` updated by ``overwrite``: mappings are merged key by key, other values are replaced."""
    merged = dict(config)
    for key, value in overwrite.items():
        old = merged.get(key, {})
        if not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(old, Mapping):
            merged[key] = merge(old, value)
        elif value:  # an empty mapping replaces nothing, as in Snakemake
            merged[key] = dict(value)
    return merged


def _located(config: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """Return a configuration with its paths relative to the working directory.

    folder: the folder of the configuration file; paths in the file are relative to it.
    """
    datasets = config.get("datasets")
    entries = datasets if isinstance(datasets, Mapping) else {}
    located = {"datasets": {name: _with_path(entry, "local_dir", folder) for name, entry in entries.items()}}
    return merge(merge(config, located), {"published": _with_path(config.get("published", {}), "table", folder)})


def _with_path(entry: Any, key: str, folder: Path) -> Any:
    path = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(path, str) or not path or path.startswith(("/", "~")):
        return entry
    # resolve links, so that the path of an input does not depend on the working directory
    whole = os.path.normpath(folder.resolve() / path)
    here = os.path.relpath(whole, Path.cwd().resolve())
    return {**entry, key: whole if Path(here).parts[:1] == ("..",) else here}


def require_options_once(arguments: Sequence[str]) -> None:
    """Raise ConfigError if a Snakemake option, or a key of ``--config``, is repeated: Snakemake keeps only the last."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", action="append", default=[])
    parser.add_argument("--config", "-C", nargs="*", action="append", default=[])
    options, _ = parser.parse_known_args(arguments)
    mistakes = [
        f"--{option}: found {len(given)} times, but Snakemake uses only the last; give all values after one --{option}"
        for option, given in vars(options).items()
        if len(given) > 1
    ]
    # Snakemake encodes the entries that it passes to its jobs
    entries = [entry.partition("=") for entry in chain(*options.config) if not entry.startswith("base64//")]
    repeated = [key for key, times in Counter(key for key, _, _ in entries).items() if times > 1]
    mistakes += [f"--config: the key {key!r} is given again; keep one of them" for key in repeated]
    for key, _, value in entries:
        with suppress(yaml.YAMLError, ValueError):  # not YAML: Snakemake uses it as text
            mistakes += [f"--config: {key}: {mistake.line}" for mistake in read_yaml(value)[1] if mistake.again]
    if mistakes:
        raise ConfigError(mistakes)
