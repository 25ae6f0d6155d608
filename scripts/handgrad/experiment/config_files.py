"""From configuration files and the command line to one configuration, put together as Snakemake does it."""

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
#: what every experiment starts from, wherever Snakemake runs
SHIPPED = (PROJECT / REGISTRY, PROJECT / DEFAULT)


def read_config(
    files: Iterable[Path], command_line: Mapping[str, Any] | None = None, *, replace: bool = False
) -> dict[Any, Any]:
    """Return the configuration of some experiment files and of ``--config``, over the shipped ones.

    A working directory other than the project may have a config/config.yaml of its own, which is read between
    them, as Snakemake's users expect. replace: ``--replace-workflow-config``, nothing but what is given.
    Raises ConfigError with a line for each mistake, which begins with the file.
    """
    own = [file for file in (REGISTRY, DEFAULT) if file.is_file() and not file.samefile(PROJECT / file)]
    merged: dict[Any, Any] = {}
    for file in (*(SHIPPED[:1] if replace else (*SHIPPED, *own)), *files):
        merged = merge(merged, _located(read_config_file(file), file.parent))
    return merge(merged, command_line or {})


def read_module_config(part: Mapping[Any, Any], whole: Any, files: Iterable[Path]) -> dict[Any, Any]:
    """Return the configuration that another workflow gives to this one as a module, over the shipped registry.

    whole: that workflow's own; files: those that Snakemake read it from. What YAML 1.1 misreads is refused in them
    where ``part`` is in ``whole``, and not elsewhere.
    """
    below = _keys_to(whole, part)
    for file in files if below is not None else ():
        read_config_file(file, below=below or ())
    return merge(read_config_file(SHIPPED[0]), part)


def _keys_to(config: Any, part: Any) -> tuple[str, ...] | None:
    """Return the keys under which a configuration holds that very mapping; None if it does not."""
    if config is part:
        return ()
    inner = config.items() if isinstance(config, Mapping) else ()
    found = ((str(key), _keys_to(value, part)) for key, value in inner)
    return next(((key, *keys) for key, keys in found if keys is not None), None)


def read_config_file(path: str | Path, *, below: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a YAML or JSON file of keys and values holds.

    below: the keys under which the configuration stands in it; what is found elsewhere does not matter.
    Raises ConfigError, whose lines begin with the file, if it cannot be read, is not YAML, means something else
    than it seems to (these with the line), or holds no keys.
    """
    try:
        text = read_text(path, max_bytes=MAX_BYTES)
        # JSON is YAML apart from the tabs between its values
        config, mistakes = read_yaml(text.replace("\t", " ") if text.lstrip()[:1] == "{" else text, below)
    except HandgradError as error:
        raise ConfigError([str(error)]) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of thousands of digits
        mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", error))
        tabs = "; indent with spaces, not tabs" if "cannot start any token" in problem else ""
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError([f"{path}: {line}not YAML that can be read: {' '.join(problem.split())}{tabs}"]) from error
    if mistakes:
        raise ConfigError([f"{path}: {mistake.line}" for mistake in mistakes])
    if not isinstance(config, dict):
        raise ConfigError([f"{path}: found {show(config)}, expected keys with values, such as `name: mine`"])
    return config


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


def _located(config: Mapping[Any, Any], folder: Path) -> dict[Any, Any]:
    """Return the configuration of a file in that folder, its paths as seen from the working directory.

    A path in a file starts at the file's own folder, so that it means the same wherever Snakemake runs.
    """
    datasets = config.get("datasets")
    entries = datasets if isinstance(datasets, Mapping) else {}
    located = {"datasets": {name: _with_path(entry, "local_dir", folder) for name, entry in entries.items()}}
    return merge(merge(config, located), {"published": _with_path(config.get("published", {}), "table", folder)})


def _with_path(entry: Any, key: str, folder: Path) -> Any:
    path = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(path, str) or not path or path.startswith(("/", "~")):
        return entry
    # without links, or the same file would be another input from another working directory
    whole = os.path.normpath(folder.resolve() / path)
    here = os.path.relpath(whole, Path.cwd().resolve())
    return {**entry, key: whole if Path(here).parts[:1] == ("..",) else here}


def require_options_once(arguments: Sequence[str]) -> None:
    """Raise ConfigError if an option of Snakemake is given twice, or a key in ``--config``: it keeps the last alone."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", action="append", default=[])
    parser.add_argument("--config", "-C", nargs="*", action="append", default=[])
    options, _ = parser.parse_known_args(arguments)
    mistakes = [
        f"--{option}: found {len(given)} times, of which Snakemake keeps the last alone; give all values after one"
        for option, given in vars(options).items()
        if len(given) > 1
    ]
    # Snakemake encodes the entries that it passes on to its jobs
    entries = [entry.partition("=") for entry in chain(*options.config) if not entry.startswith("base64//")]
    repeated = [key for key, times in Counter(key for key, _, _ in entries).items() if times > 1]
    mistakes += [f"--config: the key {key!r} is given again; keep one of them" for key in repeated]
    for key, _, value in entries:
        with suppress(yaml.YAMLError, ValueError):  # to Snakemake it is a text
            mistakes += [f"--config: {key}: {mistake.line}" for mistake in read_yaml(value)[1] if mistake.again]
    if mistakes:
        raise ConfigError(mistakes)
