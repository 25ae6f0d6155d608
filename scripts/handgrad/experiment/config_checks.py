"""Find mistakes that a schema cannot find: unknown names, impossible sizes, missing files.

Each check takes a complete configuration that the schema has accepted. It yields one line for each mistake.
"""

import itertools
import math
import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.experiment.config_errors import did_you_mean, key_path, mistake, unknown
from handgrad.experiment.published import published_rows
from handgrad.experiment.registry import EMBEDDED, FORMAT_ROLES
from handgrad.experiment.runs import Run, as_list, canonical_text

Config = Mapping[str, Any]

#: folders of results/ that all experiments share
RESERVED_NAMES = ("data", "checks", "runs", "checkpoints", "logs", "benchmarks")
MOST_RUNS = 100_000
#: maximum length of a run name; the file name, with its suffixes, must stay below the usual limit of 255
MOST_OF_A_NAME = 180


def config_mistakes(config: Config) -> Iterator[str]:
    """Yield every mistake that does not depend on files."""
    datasets = config["datasets"]
    if config["name"].lower() in RESERVED_NAMES:  # some file systems do not distinguish Data from data
        shared = ", ".join(RESERVED_NAMES)
        yield mistake(["name"], config["name"], f"a name other than {shared}: all experiments share these folders")
    for dataset in config["published"]["loss_divisor"]:
        if dataset not in datasets:
            yield unknown(["published", "loss_divisor"], dataset, datasets)
    for i, block in enumerate(config["experiments"]):
        yield from _block_mistakes(["experiments", i], block, datasets)
    for dataset, entry in datasets.items():
        yield from _roles(["datasets", dataset, "files"], entry)
    yield from _check_mistakes(config["gradient_check"], _used_datasets(config))


def _used_datasets(config: Config) -> dict[str, Config]:
    """Return the registry entries of the datasets in use, in the order of first use; skip unknown datasets."""
    named = [dataset for block in config["experiments"] for dataset in as_list(block["dataset"])]
    return {dataset: config["datasets"][dataset] for dataset in named if dataset in config["datasets"]}


def _block_mistakes(path: list[Any], block: Config, datasets: Config) -> Iterator[str]:
    axes = {axis: as_list(value) for axis, value in block.items()}
    unknown_names = [dataset for dataset in dict.fromkeys(axes["dataset"]) if dataset not in datasets]
    yield from (unknown([*path, "dataset"], dataset, datasets) for dataset in unknown_names)
    runs = math.prod(len(values) for values in axes.values())
    if runs > MOST_RUNS:
        yield f"{key_path(path)}: spans {runs} runs, expected at most {MOST_RUNS}"
    elif not unknown_names:
        for split in itertools.product(axes["dataset"], axes["validation_size"], axes["train_size"]):
            yield from _split_mistakes(path, *split, axes["batch_size"], datasets)
    name = Run(**{axis.name: _longest(axes[axis.name], axis.default) for axis in fields(Run)}).name
    if len(name) > MOST_OF_A_NAME:
        most = f"at most {MOST_OF_A_NAME} (it is a file name); use numbers with fewer digits"
        yield f"{key_path(path)}: the run name {name} has {len(name)} characters, expected {most}"


def _longest(values: list[Any], default: Any) -> Any:
    """Return the value that makes a run name longest. Names may omit a default."""
    return max(values, key=lambda value: (value != default, len(canonical_text(value))))


def _split_mistakes(
    path: list[Any], dataset: str, validation: int, train: int | None, batches: list[int], datasets: Config
) -> Iterator[str]:
    """Yield the mistakes of one split of a dataset and of its batch sizes."""
    images = datasets[dataset]["train"]
    left = images - validation
    rows = left if train is None else train
    limits = [("validation_size", validation, images - 1), ("train_size", train or 0, left)]
    limits += [("batch_size", batch, rows) for batch in batches]
    wrong = next((limit for limit in limits if limit[1] > limit[2]), None)
    if wrong:
        axis, value, most = wrong
        sizes = f"train_size {canonical_text(train)}, validation_size {validation}"
        yield mistake(
            [*path, axis], value, f"at most {most}: {key_path([dataset])} has {images} training images ({sizes})"
        )


def _check_mistakes(check: Config, datasets: Mapping[str, Config]) -> Iterator[str]:
    images = min((entry["train"] for entry in datasets.values()), default=math.inf)
    if check["examples"] > images:
        yield mistake(["gradient_check", "examples"], check["examples"], f"at most {images}, the training images")
    # if epsilon times the largest input exceeds 0.03, central differences are wrong by more than 1e-3
    raw = max((entry["largest"] for entry in datasets.values()), default=255)
    max_input = {"unit": 1, "standardize": 10, "raw": raw}[check["pixels"]]
    if check["epsilon"] * max_input > 0.03:
        expected = f"at most {0.03 / max_input:.1g} for inputs of up to {max_input} (gradient_check.pixels)"
        yield mistake(["gradient_check", "epsilon"], check["epsilon"], f"{expected}: larger steps truncate too much")


def _roles(path: list[Any], entry: Config) -> Iterator[str]:
    files, roles = entry["files"], FORMAT_ROLES[entry["format"]]
    if set(files) != set(roles):
        hints = [did_you_mean(role, roles) for role in files if role not in roles]
        expected = f"the roles of the format {entry['format']}: {', '.join(roles)}"
        yield mistake(path, list(files), expected, next(filter(None, hints), ""))
    elif entry["format"] not in EMBEDDED and entry["local_dir"] is None:
        for role in roles:
            if not files[role]["mirrors"]:
                yield mistake([*path, role, "mirrors"], [], "at least one URL", "or set the local_dir of the dataset")


def file_mistakes(config: Config) -> Iterator[str]:
    """Yield every mistake about files that this machine must have."""
    used = _used_datasets(config)
    for dataset, entry in used.items():
        folder = entry["local_dir"]
        for file in entry["files"].values() if folder is not None else ():
            if fault := _fault(Path(folder, file["name"]), file["size"]):
                expected = f"a folder with {file['name']!r} of {file['size']} bytes, or null ({fault})"
                yield mistake(["datasets", dataset, "local_dir"], folder, expected)
    table, divisors = config["published"]["table"], config["published"]["loss_divisor"]
    try:
        rows = published_rows(table) if table is not None else []
    except HandgradError as error:
        yield f"published.table: {error}"
        return
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        if dataset in used and dataset not in divisors:
            path = ["published", "loss_divisor", dataset]
            yield f"{key_path(path)}: missing, expected a number greater than 0 for the rows of {table!r}"


def _fault(path: Path, size: int) -> str | None:
    """Return what is wrong with the type or size of a file, or None. The job that reads it verifies its checksum."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: not a valid path
        return str(error.strerror if isinstance(error, OSError) else error)
    if not stat.S_ISREG(found.st_mode):
        return "it is not a file"
    return None if found.st_size == size else f"it has {found.st_size} bytes"
