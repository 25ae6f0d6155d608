"""The configuration of an experiment as the workflow puts it together: files one over the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.code_digests import PROJECT
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import located, merge, read_config_file, with_registry, without_effect
from handgrad.experiment.config_schema import numbers_of_texts
from handgrad.experiment.yaml_reader import read_yaml

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
    own = [] if replace else [file for file in (REGISTRY, DEFAULT) if file.is_file()]
    beneath = SHIPPED[:1] if replace else SHIPPED
    merged: dict[Any, Any] = {}
    for file in (*beneath, *(file for file in own if not file.samefile(PROJECT / file)), *files):
        config = read_config_file(file)
        _require_effect(config, str(file))
        merged = merge(merged, located(config, file.parent))
    given = numbers_of_texts(command_line or {})
    _require_effect(given, "--config")
    return merge(merged, given)


def _require_effect(config: Mapping[Any, Any], source: str) -> None:
    if empty := list(without_effect(config)):
        raise ConfigError([f"{source}: {line}" for line in empty])


def read_experiment(file: Path) -> tuple[dict[str, Any], Experiment]:
    """Return what a file itself says, and the experiment that it makes with the shipped ones beneath it.

    Raises ConfigError with a line for each mistake, which begins with the file.
    """
    own, config = read_config_file(file), read_config([file])
    try:
        return own, load_experiment(config)
    except ConfigError as error:
        raise ConfigError([f"{file}: {mistake}" for mistake in error.mistakes]) from None


def complete_module_config(
    config: Mapping[Any, Any], files: Iterable[Path], below: Sequence[str] | None, *, texts: bool
) -> dict[Any, Any]:
    """Return the configuration that another workflow gives to this one as a module, with the registry.

    files: those that Snakemake read it from; below: the keys under which it stands in them, None where that
    is not known. texts: whether numbers may be texts, as those inside a value of ``--config`` are.
    """
    for file in files if below is not None else ():
        read_config_file(file, below=below or ())
    given = numbers_of_texts(config) if texts else config
    return with_registry(given, read_config_file(SHIPPED[0]))


def repeated_options(arguments: Sequence[str]) -> None:
    """Raise ConfigError if one of two options of Snakemake is given twice: it keeps the last alone.

    The same for a key that is given twice in ``--config``.
    """
    for option, short in (("--configfile", "--configfiles"), ("--config", "-C")):
        given = sum(argument.partition("=")[0] in (option, short) for argument in arguments)
        if given > 1:
            remedy = f"give all values after one {option}"
            raise ConfigError([f"{option}: found {given} times, of which Snakemake keeps the last alone; {remedy}"])
    if again := list(_repeated_keys(_config_entries(arguments))):
        raise ConfigError(again)


def _config_entries(arguments: Sequence[str]) -> Iterator[str]:
    """The entries, key=value, that follow ``--config``; not those that Snakemake encoded for its jobs."""
    follows = False
    for argument in arguments:
        option, _, entry = argument.partition("=")
        if argument.startswith("-"):
            follows = option in ("--config", "-C")
        elif follows:
            entry = argument
        if follows and entry and not entry.startswith("base64//"):
            yield entry


def _repeated_keys(entries: Iterable[str]) -> Iterator[str]:
    """A line for each key that is given again: among the entries, and in the YAML of one."""
    known = set()
    for key, _, value in (entry.partition("=") for entry in entries):
        if key in known:
            yield f"--config: the key {key!r} is given again; keep one of them"
        known.add(key)
        try:
            _, mistakes = read_yaml(value)
        except (yaml.YAMLError, ValueError):
            continue  # to Snakemake it is a text
        yield from (f"--config: {key}: {mistake.line}" for mistake in mistakes if mistake.again)


def keys_to(config: Any, part: Any, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """Return the keys under which a configuration holds that very mapping; None if it does not."""
    if config is part:
        return path
    inner = config.items() if isinstance(config, Mapping) else ()
    found = (keys_to(value, part, (*path, str(key))) for key, value in inner)
    return next((keys for keys in found if keys is not None), None)
