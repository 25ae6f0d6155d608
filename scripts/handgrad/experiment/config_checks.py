"""Find mistakes that a schema cannot find: unknown names, impossible sizes, missing files.

Each check takes a complete configuration that the schema has accepted. It yields one line for each mistake.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.experiment.blocks import Block, named_values
from handgrad.experiment.config_block_checks import block_mistakes
from handgrad.experiment.config_errors import did_you_mean, key_path, mistake, show, unknown
from handgrad.experiment.local_files import changed_files
from handgrad.experiment.published import published_rows
from handgrad.experiment.registry import ALL_OPTIONS, EMBEDDED, OPTIONS, ROLES, missing_facts

Config = Mapping[str, Any]

#: folders of results/ that all experiments share
RESERVED_NAMES = ("data", "checks", "runs", "checkpoints", "logs", "benchmarks")


def config_mistakes(config: Config, blocks: Sequence[Block]) -> Iterator[str]:
    """Yield every mistake that does not depend on files. blocks: the entries of ``experiments``."""
    datasets = config["datasets"]
    if config["name"].lower() in RESERVED_NAMES:  # some file systems do not distinguish Data from data
        shared = ", ".join(RESERVED_NAMES)
        yield mistake(["name"], config["name"], f"a name other than {shared}: all experiments share these folders")
    for dataset in config["published"]["loss_divisor"]:
        if dataset not in datasets:
            yield unknown(["published", "loss_divisor"], dataset, datasets)
    for i, block in enumerate(blocks):
        yield from block_mistakes(["experiments", i], block, datasets)
    for dataset, entry in datasets.items():
        yield from _missing_facts(["datasets", dataset], entry)
        yield from entry_mistakes(["datasets", dataset], entry)
    yield from _check_mistakes(config["gradient_check"], _used_datasets(config))


def _used_datasets(config: Config) -> dict[str, Config]:
    """Return the registry entries of the datasets in use, in the order of first use; skip unknown datasets."""
    named = [dataset for block in config["experiments"] for dataset in named_values(block["dataset"])]
    return {dataset: config["datasets"][dataset] for dataset in named if dataset in config["datasets"]}


def _check_mistakes(check: Config, datasets: Mapping[str, Config]) -> Iterator[str]:
    # if epsilon times the largest input exceeds 0.03, central differences are wrong by more than 1e-3
    raw = max((entry["largest"] or 1 for entry in datasets.values()), default=255)
    max_input = {"unit": 1, "standardize": 10, "raw": raw}[check["pixels"]]
    if check["epsilon"] * max_input > 0.03:
        expected = f"at most {0.03 / max_input:.1g} for inputs of up to {max_input} (gradient_check.pixels)"
        yield mistake(["gradient_check", "epsilon"], check["epsilon"], f"{expected}: larger steps truncate too much")


def _missing_facts(path: list[Any], entry: Config) -> Iterator[str]:
    missing = missing_facts(entry)
    if missing:
        found = f"`handgrad data add --update {path[-1]}` finds and writes them"
        yield f"{key_path(path)}: lacks {', '.join(missing)}; {found}"


def entry_mistakes(path: list[Any], entry: Config) -> Iterator[str]:
    """Yield the mistakes of a registry entry, which may lack its facts. path: the keys that lead to it."""
    if isinstance(entry["test"], float) and not 0 < entry["test"] < 1:
        yield mistake([*path, "test"], entry["test"], "a number of examples, or a share between 0 and 1")
    for option in ALL_OPTIONS:
        if entry[option] is not None and option not in OPTIONS[entry["format"]]:
            formats = [name for name, options in OPTIONS.items() if option in options]
            yield f"{key_path([*path, option])}: found {show(entry[option])}, expected only for {', '.join(formats)}"
    yield from _roles([*path, "files"], entry)


def _roles(path: list[Any], entry: Config) -> Iterator[str]:
    files, allowed = entry["files"], ROLES[entry["format"]]
    if not any(set(files) == set(roles) for roles in allowed):
        known = dict.fromkeys(role for roles in allowed for role in roles)
        hints = [did_you_mean(role, known) for role in files if role not in known]
        expected = f"the roles of the format {entry['format']}: {' or '.join(', '.join(roles) for roles in allowed)}"
        yield mistake(path, list(files), expected, next(filter(None, hints), ""))
    elif entry["format"] not in EMBEDDED and entry["local_dir"] is None:
        for role, file in files.items():
            if not file["mirrors"]:
                yield mistake([*path, role, "mirrors"], [], "at least one URL", "or set the local_dir of the dataset")


def file_mistakes(config: Config) -> Iterator[str]:
    """Yield every mistake about files that this machine must have."""
    used = _used_datasets(config)
    for dataset, entry in used.items():
        for fault in changed_files(entry) if entry["local_dir"] is not None else ():
            mirrors = any(file["mirrors"] for file in entry["files"].values())
            remedy = "remove local_dir" if mirrors else f"accept it: handgrad data add --update {dataset} --to FILE"
            yield f"{key_path(['datasets', dataset])}: {fault}; put the right file there, or {remedy}"
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
