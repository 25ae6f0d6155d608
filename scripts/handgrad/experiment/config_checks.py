"""The mistakes that a schema cannot find: unknown names, sizes that do not fit, files that are not there.

Each check takes the whole configuration, completed with defaults, and yields one line a mistake. A value
that the schema already refuses is passed over, so that every mistake is named once.
"""

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.experiment.config_errors import key_path, show, unknown, word
from handgrad.experiment.published import published_rows
from handgrad.experiment.registry import EMBEDDED, FORMAT_ROLES
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import INITS

Config = Mapping[str, Any]

#: folders of results/ that all experiments share
RESERVED_NAMES = ("data", "checks", "runs", "checkpoints", "logs", "benchmarks")
MOST_RUNS = 100_000


def config_mistakes(config: Config) -> Iterator[str]:
    """Every mistake that does not depend on files, one line each."""
    yield from _reserved_name(config)
    yield from _unknown_values(config)
    yield from _too_many_runs(config)
    yield from _sizes(config)
    yield from _check_examples(config)
    yield from _check_epsilon(config)
    yield from _formats(config)


def file_mistakes(config: Config) -> Iterator[str]:
    """Every mistake about files that should be on this machine, one line each."""
    yield from _local_dirs(config)
    yield from _published(config)


def as_list(value: Any) -> list[Any]:
    """The values of an axis."""
    return value if isinstance(value, list) else [value]


def _mapping(config: Config, *keys: str) -> Config:
    value: Any = config
    for key in keys:
        value = value.get(key)
        if not isinstance(value, Mapping):
            return {}
    found: Config = value
    return found


def _experiments(config: Config) -> Iterator[tuple[int, Config]]:
    experiments = config.get("experiments")
    if isinstance(experiments, list):
        yield from ((i, e) for i, e in enumerate(experiments) if isinstance(e, Mapping))


def _sizes_of(experiment: Config, axis: str, least: int) -> list[int]:
    return [v for v in as_list(experiment[axis]) if type(v) is int and v >= least]


def _train_images(config: Config, dataset: object) -> int | None:
    """The number of a dataset's training images; None if the registry does not say it."""
    number = _mapping(config, "datasets", str(dataset)).get("train")
    return number if type(number) is int and number > 0 else None


def used_datasets(config: Config) -> list[str]:
    """The datasets of the registry that experiments name, in the order of their first use."""
    named = [d for _, experiment in _experiments(config) for d in as_list(experiment["dataset"])]
    return [d for d in dict.fromkeys(filter(_is_text, named)) if _mapping(config, "datasets", d)]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_path(value: object) -> bool:
    """Whether the schema takes a value for a path; Snakemake would replace {name} and <name>."""
    return isinstance(value, str) and re.fullmatch(r"(?:(?!<[a-z][a-z0-9_]*>)[^{}])+", value) is not None


def _reserved_name(config: Config) -> Iterator[str]:
    # some file systems do not tell Data from data
    if str(config["name"]).lower() in RESERVED_NAMES:
        yield (
            f"name: {show(config['name'])} is a folder that all experiments share; "
            f"allowed: any other name than {', '.join(RESERVED_NAMES)}"
        )


def _unknown_values(config: Config) -> Iterator[str]:
    if not isinstance(config["datasets"], Mapping):
        return
    datasets = [*filter(_is_text, config["datasets"])]
    known: dict[str, Iterable[str]] = {"dataset": datasets, "activation": ACTIVATIONS, "init": INITS}
    for i, experiment in _experiments(config):
        for axis, names in known.items():
            values = as_list(experiment[axis])
            for value in dict.fromkeys(filter(_is_text, values)):
                if value not in names:
                    what = unknown(value, axis, names, listed=len(values) > 1)
                    yield f"experiments[{i}].{axis}: {what}"
    for dataset in _mapping(config, "published", "loss_divisor"):
        if dataset not in datasets:
            yield f"published.loss_divisor: {unknown(dataset, 'dataset', datasets)}"


def _too_many_runs(config: Config) -> Iterator[str]:
    for i, experiment in _experiments(config):
        runs = 1
        for value in experiment.values():
            runs *= len(as_list(value))
        if runs > MOST_RUNS:
            yield f"experiments[{i}]: spans {runs} runs; allowed: at most {MOST_RUNS}"


def _sizes(config: Config) -> Iterator[str]:
    for i, experiment in _experiments(config):
        splits = itertools.product(
            dict.fromkeys(filter(_is_text, as_list(experiment["dataset"]))),
            _sizes_of(experiment, "validation_size", 0),
            [None] * (None in as_list(experiment["train_size"])) + _sizes_of(experiment, "train_size", 1),
        )
        batches = _sizes_of(experiment, "batch_size", 1)
        for dataset, validation, train in splits:
            images = _train_images(config, dataset)
            if images is not None:
                yield from _split(f"experiments[{i}]", word(dataset), images, validation, train, batches)


def _split(
    where: str, dataset: str, images: int, validation: int, train: int | None, batches: list[int]
) -> Iterator[str]:
    """Mistakes of one way to split a dataset, and of the batches taken from it."""
    left = images - validation
    if left < 1:
        yield (
            f"{where}.validation_size: {validation} leaves nothing to train on of the {images} training "
            f"images of {dataset}; allowed: at most {images - 1}"
        )
    elif train is not None and train > left:
        beside = f" beside validation_size {validation}" if validation else ""
        yield (
            f"{where}.train_size: {train} is more than {dataset} has: {images} training images{beside}; "
            f"allowed: 1 to {left}, or null"
        )
    else:
        rows = left if train is None else train
        cause = "" if rows == images else f" after train_size {show(train)} and validation_size {validation}"
        for batch in batches:
            if batch > rows:
                yield (
                    f"{where}.batch_size: {batch} is larger than the training set of {dataset}, "
                    f"{rows} images{cause}; allowed: 1 to {rows}"
                )


def _check_examples(config: Config) -> Iterator[str]:
    examples = _mapping(config, "gradient_check").get("examples")
    images = {dataset: _train_images(config, dataset) for dataset in used_datasets(config)}
    fewest, dataset = min(((n, dataset) for dataset, n in images.items() if n), default=(None, ""))
    if type(examples) is int and fewest is not None and examples > fewest:
        yield (
            f"gradient_check.examples: {examples} is more than the {fewest} training images of "
            f"{word(dataset)}; allowed: 1 to {fewest}"
        )


def _check_epsilon(config: Config) -> Iterator[str]:
    """The step times the largest input must stay below 0.03, or differences are wrong by more than 1e-3."""
    check = _mapping(config, "gradient_check")
    epsilon, pixels = check.get("epsilon"), check.get("pixels")
    entries = [_mapping(config, "datasets", dataset) for dataset in used_datasets(config)]
    raw = max((v for e in entries if type(v := e.get("largest")) is int), default=255)
    largest = {"unit": 1, "standardize": 10, "raw": raw}.get(str(pixels))
    if largest is None or not isinstance(epsilon, int | float) or not epsilon <= 0.01:
        return
    if epsilon * largest > 0.03:
        yield (
            f"gradient_check.epsilon: {show(epsilon)} is too large a step for inputs of up to {largest} "
            f"(gradient_check.pixels: {pixels}); allowed: 1e-9 to {0.03 / largest:.1g}; truncation hides the "
            "slope beyond"
        )


def _formats(config: Config) -> Iterator[str]:
    for dataset, entry in _mapping(config, "datasets").items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("format"), str):
            continue
        where = key_path(["datasets", dataset])
        if entry["format"] not in FORMAT_ROLES:
            yield f"{where}.format: {unknown(entry['format'], 'format', FORMAT_ROLES)}"
        elif isinstance(entry.get("files"), Mapping):
            yield from _roles(where, entry)


def _roles(where: str, entry: Config) -> Iterator[str]:
    files, roles = entry["files"], FORMAT_ROLES[entry["format"]]
    what = f"role of the format {entry['format']}"
    yield from (f"{where}.files: {unknown(role, what, roles)}" for role in files if role not in roles)
    missing = [role for role in roles if role not in files]
    if missing:
        yield f"{where}.files: lacks {', '.join(missing)}, which the format {entry['format']} reads"
    if entry["format"] in EMBEDDED or entry.get("local_dir") is not None:
        return
    for role in roles:
        if role in files and isinstance(files[role], Mapping) and files[role].get("mirrors") == []:
            yield f"{where}.files.{role}.mirrors: an empty list; give an address, or {where}.local_dir"


def _local_dirs(config: Config) -> Iterator[str]:
    for dataset in used_datasets(config):
        entry = _mapping(config, "datasets", dataset)
        if not _is_path(entry.get("local_dir")):
            continue
        where, folder = f"{key_path(['datasets', dataset])}.local_dir", Path(entry["local_dir"])
        if not _is_folder(folder):
            hint = "; write the whole path, ~ is not expanded" if folder.parts[:1] == ("~",) else ""
            yield (
                f"{where}: {show(str(folder))} is not a folder on this machine; give that of the dataset's "
                f"files, or null{hint}"
            )
            continue
        if not os.access(folder, os.X_OK):
            yield f"{where}: {show(str(folder))}: permission denied; permit entering it, or write null"
            continue
        for file in _mapping(entry, "files").values():
            if isinstance(file, Mapping) and isinstance(file.get("name"), str):
                yield from _local_file(where, folder, file)


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; True also where that cannot be seen, so that its files say why."""
    try:
        return path.is_dir()
    except OSError:
        return True


def _local_file(where: str, folder: Path, file: Config) -> Iterator[str]:
    """What is seen of a file without reading it; the job that reads it verifies its checksum."""
    path, size = folder / file["name"], file.get("size")
    try:
        if not path.is_file():
            yield f"{where}: {show(str(folder))} has no file {show(path.name)}; put it there, or write null"
        elif type(size) is int and path.stat().st_size != size:
            yield (
                f"{where}: file {show(path.name)} has {path.stat().st_size} bytes, expected {size}; put the "
                "right file there, or correct its size and sha256 in the registry"
            )
    except OSError as error:
        yield f"{where}: file {show(path.name)} cannot be read ({error.strerror}); permit it, or write null"


def _published(config: Config) -> Iterator[str]:
    table = _mapping(config, "published").get("table")
    if not isinstance(table, str) or not _is_path(table):
        return
    try:
        rows = published_rows(table)
    except HandgradError as error:
        yield f"published.table: {error}"
        return
    divisors, used = config["published"].get("loss_divisor"), used_datasets(config)
    if not isinstance(divisors, Mapping):
        return
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        if dataset in used and dataset not in divisors:
            yield (
                f"{key_path(['published', 'loss_divisor', dataset])}: missing; expected a number greater "
                f"than 0, since {show(table)} has rows of {word(dataset)}"
            )
