"""Add a dataset to an experiment file, and describe a dataset."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from handgrad.cli.dataset_entry import FileText, write_entry
from handgrad.common.errors import HandgradError
from handgrad.common.folders import size_and_sha256
from handgrad.datasets.data import Dataset, open_data
from handgrad.datasets.description import describe, write_contact_sheet
from handgrad.experiment.config import read_experiment
from handgrad.experiment.config_checks import RESERVED_NAMES, entry_mistakes
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import SHIPPED, read_config_file
from handgrad.experiment.config_schema import completed, completed_entry, schema_mistakes
from handgrad.experiment.registry import EMBEDDED, FACTS, OPTIONS, data_digest
from handgrad.formats.containers import Mismatch
from handgrad.formats.dataset_reader import fact_mismatches, find_dataset, read_dataset
from handgrad.formats.recognize import recognize, recognize_label
from handgrad.layout.jobs import downloads
from handgrad.layout.paths import data_file

#: names that YAML 1.1 reads as a number, a date, true, false or null
UNQUOTED = re.compile(r"[0-9._eE:+-]+|0x[0-9a-f]+|y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
#: the share that is drawn for the test split, if the data has none and the user gives no number
TEST_SHARE = 0.2


def add(path: Path, name: str | None, file: Path | None, options: Mapping[str, Any]) -> None:
    """Add a new dataset to an experiment file, and print its description.

    options: keys of the entry that the user has set. Raises HandgradError if the data cannot be read with them.
    """
    if not path.exists():
        raise HandgradError(f"{path}: no such file or folder")
    shipped = read_config_file(SHIPPED[0])["datasets"]
    if name in shipped:
        raise HandgradError(f"--name {name}: the registry has a dataset of this name; choose another name")
    if path.name in ("", ".."):  # such as ``.``: the entry needs the name of the folder
        path = path / ".." / path.resolve().name
    if name and UNQUOTED.fullmatch(name):
        raise HandgradError(f"--name {name}: YAML would not read it as a text; choose a name that begins with a letter")
    if name is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", path.name.split(".")[0]).strip("._-") or "data"
        taken = name in shipped or name.lower() in RESERVED_NAMES or UNQUOTED.fullmatch(name)
        name = f"my_{name}" if taken else name
    file = file or Path(f"{name}.yaml")
    if name in _datasets(file):
        raise HandgradError(f"{file}: datasets.{name} exists; use --update {name}, or --name to give another name")
    format_name, roles = recognize(path)
    files = {role: source.name for role, source in roles.items()}
    folder = path if path.is_dir() and list(roles.values()) != [path] else path.parent
    entry = {"format": format_name, "local_dir": _local_dir(folder, file), "files": files}
    _write(name, file, {**entry, "test": TEST_SHARE}, options, folder)


def update(name: str, file: Path | None, options: Mapping[str, Any]) -> None:
    """Write the sizes, checksums and facts of a dataset in an experiment file again, and print its description."""
    file = file or Path(f"{name}.yaml")
    entry = _datasets(file).get(name)
    if not isinstance(entry, Mapping):
        raise HandgradError(f"{file}: no dataset {name!r} in it; name its file with --to FILE")
    if not entry.get("local_dir"):
        raise HandgradError(f"{file}: datasets.{name} has no local_dir, so there are no files to look at")
    files = entry.get("files")
    if not isinstance(files, Mapping) or not all(
        isinstance(known, Mapping) and "name" in known for known in files.values()
    ):
        raise HandgradError(
            f"{file}: datasets.{name}.files lacks names, expected such as {{images: {{name: pictures}}}}"
        )
    kept = {key: value for key, value in entry.items() if key not in FACTS or key in ("test", "largest")}
    kept["files"] = {role: known["name"] for role, known in files.items()}
    _write(name, file, kept, options, Path(file.parent, entry["local_dir"]), entry.get("class_names"))


def _datasets(file: Path) -> Mapping[str, Any]:
    found = read_config_file(file).get("datasets") if file.exists() else None
    if found is not None and not isinstance(found, Mapping):
        raise HandgradError(f"{file}: datasets: found {found!r}, expected a mapping (keys with values)")
    return found or {}


def _local_dir(folder: Path, file: Path) -> str:
    """Return a folder as an entry names it: relative to the experiment file, unless the user gave an absolute path."""
    return str(folder) if folder.is_absolute() else os.path.relpath(folder, file.parent)


def _write(
    name: str,
    file: Path,
    entry: dict[str, Any],
    options: Mapping[str, Any],
    folder: Path,
    class_names: Sequence[str] | None = None,
) -> None:
    """Look at the files of an entry, write it, and print what was found.

    entry: without facts, with the name of each file. class_names: the names that the entry had before.
    """
    sources = {role: folder / file_name for role, file_name in entry["files"].items()}
    entry = {**entry, **options, "files": {role: _file(source, 1, "0" * 64) for role, source in sources.items()}}
    _require_correct(name, entry)
    for source in sources.values():
        if not source.exists():
            raise HandgradError(f"{source}: no such file or folder")
    entry["files"] = {role: _file(source, *size_and_sha256(source)) for role, source in sources.items()}
    data, entry = _look(name, entry, sources)
    if "test" in options and data.test.rows is None:
        raise HandgradError(f"test: the files have a test split of {len(data.test.y):,} examples, so none can be drawn")
    if class_names and len(class_names) == data.classes and _numbers(data.class_names) and not _numbers(class_names):
        data = replace(data, class_names=tuple(class_names))  # only the user can have written these names
    use = (
        f", for experiments with `dataset: {name}`"
        if file.exists()
        else f"; next: snakemake --cores all --configfile {file}"
    )
    write_entry(FileText(file, name), {**entry, **_facts(entry, data)})
    chosen = [f"{key} {entry[key]}" for key in OPTIONS[entry["format"]] if entry.get(key) is not None]
    print(f"{name}: {entry['format']}, {', '.join([*map(str, sources.values()), *chosen])}")
    print(*describe(data), sep="\n")
    print(f"\nwritten to {file}{use}")


def _file(source: Path, size: int, sha256: str) -> dict[str, Any]:
    return {"name": source.name, "size": size, "sha256": sha256}


def _numbers(class_names: Sequence[str]) -> bool:
    return all(map(str.isdecimal, class_names))


def _require_correct(name: str, entry: Mapping[str, Any]) -> None:
    """Raise ConfigError if an entry has a mistake that its files cannot explain."""
    config = completed({**read_config_file(SHIPPED[1]), "datasets": {name: entry}})
    mistakes = [*schema_mistakes(config)] or [*entry_mistakes(["datasets", name], config["datasets"][name])]
    if mistakes:
        raise ConfigError(mistakes)


def _look(name: str, entry: dict[str, Any], sources: Mapping[str, Path]) -> tuple[Dataset, dict[str, Any]]:
    """Return the data of an entry without facts, and the entry with the options that were recognized."""
    layouts = (None, "NHW", "NHWC", "NCHW") if entry["format"] == "arrays" and "layout" not in entry else (None,)
    refusals: list[Exception] = []
    found: list[tuple[Dataset, dict[str, Any]]] = []
    for layout in layouts:
        tried = entry if layout is None else {**entry, "layout": layout}
        try:
            if entry["format"] == "table" and entry.get("label") is None:
                tried = {**entry, "label": recognize_label(sources["table"], completed_entry(entry))}
            data = find_dataset(completed_entry(tried), sources)
            for mismatch in fact_mismatches(name, completed_entry({**tried, "test": None}), data):
                raise mismatch
            found.append((data, tried))
        except (Mismatch, HandgradError) as error:
            refusals.append(error)
        if found and layout is None:
            break
    if found:
        return min(found, key=lambda one: len(one[0].notes))  # with a wrong layout, a note names a more likely one
    options = ", ".join(OPTIONS[entry["format"]])
    reason = next((refusal for refusal in refusals if "layout" not in str(refusal)), refusals[0])
    raise HandgradError(f"{reason}; --option KEY=VALUE sets one of {options or 'no options'}")


def _facts(entry: Mapping[str, Any], data: Dataset) -> dict[str, Any]:
    shape = data.spec.image_shape
    inputs = {"image_shape": list(shape)} if shape else {"inputs": data.inputs}
    pixels = {} if not shape or data.spec.max_value == 255 else {"largest": data.spec.max_value}
    test = entry["test"] if data.test.rows is not None else len(data.test.y)
    return {"test": test, "train": len(data.train.y), **inputs, **pixels, "class_names": list(data.class_names)}


def inspect(name: str, file: Path, picture: Path | None) -> None:
    """Print the description of a dataset. If it has images, write a picture with examples of each class.

    The stored dataset is used if it is up to date, and otherwise the source files. picture: None for the default path.
    Raises HandgradError if the dataset is not known or its files do not exist yet.
    """
    _, experiment = read_experiment(file)
    entry = experiment.datasets.get(name)
    if entry is None:
        raise HandgradError(f"{file}: no dataset {name!r}, expected one of {', '.join(experiment.datasets)}")
    data = _stored(name, entry)
    if data is None:
        local = entry["local_dir"] is not None or entry["format"] in EMBEDDED
        given = {} if local else {role: Path(path) for role, path in downloads(experiment, name).items()}
        if missing := [str(path) for path in given.values() if not path.exists()]:
            raise HandgradError(
                f"{missing[0]}: not downloaded yet; run snakemake --cores 1 --configfile {file} download"
            )
        data = read_dataset(entry, given, name)
    print(f"{name}: {entry['format']}")
    print(*describe(data), sep="\n")
    if data.spec.image_shape:
        picture = picture or Path(f"{name}.png")
        write_contact_sheet(picture, data)
        print(f"examples of each class: {picture}")


def _stored(name: str, entry: Mapping[str, Any]) -> Dataset | None:
    path = Path(data_file(name))
    if not path.exists():
        return None
    try:
        with open_data(path, data_digest(entry)) as stored:
            return stored.dataset()
    except HandgradError:  # outdated or damaged; the source files decide
        return None
