"""Whether an archive, which may come from anywhere, is complete, and whether everything in it agrees.

Every mistake is a line that begins with the member.
"""

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from handgrad.archive.checks import figure_mistakes
from handgrad.archive.crate import crate_text
from handgrad.archive.labels import Labels, parse_labels
from handgrad.archive.members import (
    COMPLETE,
    CRATE,
    FORMAT,
    PROVENANCE,
    PUBLISHED,
    README,
    allowed_members,
    labels_name,
    required_members,
)
from handgrad.archive.origin import other_origin
from handgrad.archive.readme import readme
from handgrad.archive.runs import read_run
from handgrad.archive.tables import tables_again
from handgrad.archive.unpack import require_valid_bag, unpack
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.common.hashing import file_sha256
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_checks import MOST_RUNS
from handgrad.experiment.config_errors import show
from handgrad.gradient_check.files import read_check
from handgrad.layout.paths import checked, dataset_names, gates, gradient_checks, run_files, table_files
from handgrad.storage.run_reader import Summary


@dataclass
class Contents:
    """An unpacked archive: its experiment and provenance, and what was read of it, if that was good."""

    folder: Path
    experiment: Experiment
    provenance: Mapping[str, Any]
    members: set[str]
    labels: dict[str, Labels] = field(default_factory=dict)
    runs: list[Summary] = field(default_factory=list)
    checks: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def verify_archive(path: Path, name: Path) -> list[str]:
    """Return what was verified of an archive, as lines; name: what people call it.

    Raises HandgradError with a line for each mistake, or if it is no archive of an experiment that this code knows.
    """
    with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder:
        try:
            bag = unpack(path, Path(folder))
            require_valid_bag(bag)
            contents = _read_contents(bag / "data", bag.name)
        except HandgradError as error:
            raise HandgradError(f"{name}: {str(error).replace(f'{folder}/', '')}") from error
        mistakes = _find_mistakes(contents)
    if mistakes:
        count = counted(len(mistakes), "mistake")
        mistakes.append(f"NOT verified: {count}{other_origin(contents.provenance)}")
        raise HandgradError("\n".join(f"{name}: {mistake}" for mistake in mistakes))
    return [
        f"{name}: the experiment {contents.experiment.name}, {size_text(path.stat().st_size)}",
        *_verified(contents),
        f"  sha256 of the archive: {file_sha256(path)}",
        "Verification cannot detect runs that were fabricated consistently (docs/archive.md).",
    ]


def _verified(contents: Contents) -> Iterator[str]:
    experiment, provenance = contents.experiment, contents.provenance
    yield f"  complete: a BagIt bag of {len(contents.members)} files, each with its sha256"
    yield f"  {counted(len(experiment.runs), 'run')} on {', '.join(dataset_names(experiment))}:"
    yield "    content_sha256 and misclassified examples of each agree with its arrays"
    yield f"  gradient checks: {len(gradient_checks(experiment))}, every figure within its limit"
    yield f"  gates: {len(gates(experiment))}, passed by their own verdict; they hold no figures"
    yield f"  {len(table_files(experiment))} files of tables, {README} and {CRATE}: equal when made again"
    if provenance["code"]["train_run"] != code_digest("train_run"):
        yield f"  trained by other code than this clone has: git revision {show(provenance.get('git_revision'))}"


def _read_contents(folder: Path, name: str) -> Contents:
    provenance = _read_json(folder, PROVENANCE)
    if provenance.get("format") != FORMAT:
        raise HandgradError(f"{PROVENANCE}: format is {show(provenance.get('format'))}, this handgrad reads {FORMAT}")
    code, versions = provenance.get("code"), provenance.get("versions")
    if not isinstance(code, dict) or not isinstance(versions, dict) or not isinstance(code.get("train_run"), str):
        raise HandgradError(f"{PROVENANCE}: expected versions, and code with the digest of train_run")
    try:
        experiment = _read_experiment(folder)
    except HandgradError as error:
        raise HandgradError(f"{COMPLETE}: {str(error).splitlines()[0]}{other_origin(provenance)}") from error
    if experiment.name != name:
        raise HandgradError(f"{COMPLETE}: its name is {experiment.name!r}, the folder in the archive is {name!r}")
    members = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return Contents(folder, experiment, provenance, members)


def _read_json(folder: Path, member: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / member).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HandgradError(f"{member}: missing, or not JSON ({error})") from error
    if not isinstance(content, dict):
        raise HandgradError(f"{member}: expected a mapping")
    return content


def _read_experiment(folder: Path) -> Experiment:
    """Read the complete experiment file, without a look at any other file that it names."""
    try:
        text = (folder / COMPLETE).read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise HandgradError("has an alias (*), which handgrad does not write there")
        config = yaml.safe_load(text)
        spanned = sum(
            math.prod(len(value) for value in block.values() if isinstance(value, list))
            for block in config["experiments"]
        )
        if spanned > MOST_RUNS:  # before anything goes through all of them
            raise HandgradError(f"spans {spanned} runs; read here: at most {MOST_RUNS}")
        table = folder / PUBLISHED
        config["published"]["table"] = str(table) if table.is_file() else None
        experiment = load_experiment(config, files=False)
        _ = experiment.has_published, experiment.has_published_dataset  # so that the table is read here
        return experiment
    except (OSError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HandgradError(f"not a complete experiment file ({reason})") from error


def _find_mistakes(contents: Contents) -> list[str]:
    """Return the mistakes of the members; if there are none, those of runs and checks; else those of the tables."""
    return list(_member_mistakes(contents)) or list(_content_mistakes(contents)) or list(_text_mistakes(contents))


def _member_mistakes(contents: Contents) -> Iterator[str]:
    missing = required_members(contents.experiment) - contents.members
    yield from (f"{name}: missing, the experiment has it" for name in sorted(missing))
    extra = contents.members - allowed_members(contents.experiment)
    yield from (f"{name}: extra, the experiment has no such file" for name in sorted(extra))


def _content_mistakes(contents: Contents) -> Iterator[str]:
    """Yield what is wrong with labels, runs and gradient checks; what is good goes into the contents."""
    experiment, folder = contents.experiment, contents.folder
    for dataset in dataset_names(experiment):
        member = labels_name(dataset)
        try:
            contents.labels[dataset] = parse_labels(_read_json(folder, member), experiment.datasets[dataset])
        except HandgradError as error:
            yield f"{member}: {str(error).removeprefix(f'{member}: ')}"
            return
    for path, run in zip(run_files(experiment), experiment.runs, strict=True):
        try:
            labels, code = contents.labels[run.dataset], contents.provenance["code"]["train_run"]
            contents.runs.append(read_run(folder / path, labels, code))
        except HandgradError as error:
            yield _line(error, folder)
    yield from _check_mistakes(contents)


def _check_mistakes(contents: Contents) -> Iterator[str]:
    """Yield gradient checks that have not passed, or are of something else than the experiment trains."""
    experiment, code = contents.experiment, contents.provenance["code"]
    kinds = (
        (gates(experiment), {"code_digest": code.get("check_gate")}),
        (
            gradient_checks(experiment),
            {"code_digest": code.get("check_gradients"), **asdict(experiment.gradient_check)},
        ),
    )
    for paths, settings in kinds:
        for path, (dataset, activation) in zip(paths, checked(experiment), strict=True):
            labels = contents.labels[dataset]
            data = {"data_digest": labels.data_digest, "data_content": labels.content_sha256}
            about = {"dataset": dataset, "activation": activation, **data, **settings}
            try:
                check, _ = read_check(contents.folder / path, about)
                if "epsilon" in settings:  # a gate holds no figures
                    contents.checks[path] = check
                    yield from (f"{path}: {line}" for line in figure_mistakes(check, activation))
            except HandgradError as error:
                yield _line(error, contents.folder)
            except (LookupError, TypeError, AttributeError) as error:
                yield f"{path}: not a gradient check ({error!r})"


def _text_mistakes(contents: Contents) -> Iterator[str]:
    """Yield tables and descriptions that are not, byte for byte, what the rest of the archive gives."""
    try:
        for member, text in _texts_again(contents):
            if (found := (contents.folder / member).read_bytes()) != text.encode():
                yield f"{member}: {_difference(found.decode(errors='replace'), text)}"
    except HandgradError as error:
        yield f"cannot be made again: {_line(error, contents.folder)}"
    except Exception as error:  # noqa: BLE001, checks and provenance may hold anything that JSON can
        yield f"tables or descriptions cannot be made again from runs, checks and {PROVENANCE}: {error!r}"


def _texts_again(contents: Contents) -> Iterator[tuple[str, str]]:
    experiment, provenance = contents.experiment, contents.provenance
    yield from tables_again(contents.folder, experiment, contents.labels, contents.runs, contents.checks)
    yield README, readme(experiment, str(provenance.get("git_revision")))
    yield CRATE, crate_text(experiment, provenance, contents.members)


def _difference(found: str, again: str) -> str:
    """Return the first line in which two texts differ."""
    pairs = zip_longest(found.split("\n"), again.split("\n"), fillvalue="(no line)")
    number, pair = next((i, pair) for i, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    equal = next((i for i, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
    start = max(0, equal - 30)
    is_, made = (show(("..." if start else "") + line[start:]) for line in pair)
    return f"line {number} is {is_}, made again it is {made}"


def _line(error: HandgradError, folder: Path) -> str:
    """Return an error about a file of an archive without what to do about one of ``results/``."""
    return str(error).replace(f"{folder}/", "").partition("; delete")[0]
