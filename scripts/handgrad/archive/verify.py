"""Whether an archive, which may come from anywhere, is complete, and whether everything in it agrees.

Every mistake is a line, and most begin with the member.
"""

import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.archive.descriptions import crate_text, other_origin
from handgrad.archive.labels import Labels
from handgrad.archive.members import (
    COMPLETE,
    CRATE,
    FORMAT,
    PROVENANCE,
    PUBLISHED,
    README,
    labels_name,
    required_members,
)
from handgrad.archive.readme import readme
from handgrad.archive.runs import read_run
from handgrad.archive.tables import tables_again
from handgrad.archive.unpack import unpack
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.formatting import counted, size_text
from handgrad.common.hashing import file_sha256
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_checks import MOST_RUNS
from handgrad.experiment.config_errors import show
from handgrad.experiment.config_files import merge, read_config_file
from handgrad.experiment.runs import as_list
from handgrad.gradient_check.check import WIDEST
from handgrad.gradient_check.files import read_check
from handgrad.gradient_check.results import PARTS
from handgrad.layout.paths import (
    checked,
    dataset_names,
    gates,
    gradient_checks,
    report_file,
    run_files,
    table_files,
)
from handgrad.network.activations import ACTIVATIONS
from handgrad.tables.gradient_checks import BLOCKS


def verify_archive(path: Path, name: Path) -> list[str]:
    """Return what was verified of an archive, as lines; name: what people call it.

    Raises HandgradError with a line for each mistake.
    """
    size, origin = size_text(path.stat().st_size), ""
    mistakes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder, _found_in("archive", folder, mistakes):
        bag = unpack(path, Path(folder))
        provenance = _read_json(bag / "data", PROVENANCE)
        if (number := provenance.get("format")) != FORMAT:
            raise HandgradError(f"{PROVENANCE}: format is {show(number)}, this handgrad reads {FORMAT}")
        origin = other_origin(provenance)
        experiment = _read_experiment(bag / "data", bag.name)
        mistakes += _find_mistakes(bag / "data", experiment, provenance)
    if mistakes:
        mistakes.append(f"NOT verified: {counted(len(mistakes), 'mistake')}{origin}")
        raise HandgradError("\n".join(f"{name}: {mistake}" for mistake in mistakes))
    return [
        f"{name}: the experiment {experiment.name}, {size}",
        *_verified(experiment, provenance),
        f"  sha256 of the archive: {file_sha256(path)}",
        "Verification cannot detect runs that were fabricated consistently (docs/archive.md).",
    ]


@contextmanager
def _found_in(member: str, folder: Path | str, mistakes: list[str]) -> Iterator[None]:
    """Take what a block raises for mistakes of a member, without what to do about a file of ``results/``."""
    try:
        yield
    except HandgradError as error:
        mistakes += str(error).replace(f"{folder}/", "").removesuffix(f"; {REMEDY}").splitlines()
    except Exception as error:  # noqa: BLE001, it may hold anything, and h5py raises anything
        mistakes.append(f"{member}: not as this workflow writes it ({' '.join(repr(error).split())})")


def _verified(experiment: Experiment, provenance: Mapping[str, Any]) -> Iterator[str]:
    runs = counted(len(experiment.runs), "run")
    yield "  complete: a BagIt bag of all files of the experiment, each with its sha256"
    yield f"  {runs} on {', '.join(dataset_names(experiment))}: each agrees with its content_sha256 and the labels"
    yield f"  gradient checks: {len(gradient_checks(experiment))}, every figure within its limit"
    yield f"  gates: {len(gates(experiment))}, passed by their own verdict; they hold no figures"
    yield f"  {len(table_files(experiment))} files of tables, {README} and {CRATE}: equal when made again"
    if provenance["code"]["train_run"] != code_digest("train_run"):
        yield f"  trained by other code than this clone has: git revision {show(provenance.get('git_revision'))}"


def _read_json(folder: Path, member: str) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / member).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise HandgradError(f"{member}: missing, or no mapping in JSON ({error})") from error


def _read_experiment(folder: Path, name: str) -> Experiment:
    """Read the complete experiment file, without a look at any other file that it names."""
    table = folder / PUBLISHED
    published = {"table": str(table) if table.is_file() else None}
    config = merge(read_config_file(folder / COMPLETE), {"published": published})
    blocks = config["experiments"]
    spanned = sum(math.prod(len(as_list(value)) for value in block.values()) for block in blocks)
    if spanned > MOST_RUNS:  # before anything goes through all of them
        raise HandgradError(f"{COMPLETE}: spans {spanned} runs; read here: at most {MOST_RUNS}")
    experiment = load_experiment(config, files=False)
    if experiment.name != name:
        raise HandgradError(f"{COMPLETE}: its name is {experiment.name!r}, the folder in the archive is {name!r}")
    return experiment


def _find_mistakes(folder: Path, experiment: Experiment, provenance: Mapping[str, Any]) -> list[str]:
    """Return the mistakes of the list of files; if none, those of runs and checks; if none, of what is made again."""
    members = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    required = required_members(experiment)
    mistakes = [f"{name}: missing, the experiment has it" for name in sorted(required - members)]
    extra = members - required - {report_file(experiment)}
    mistakes += [f"{name}: extra, the experiment has no such file" for name in sorted(extra)]
    if mistakes:
        return mistakes
    labels = {dataset: _read_labels(folder, experiment, dataset) for dataset in dataset_names(experiment)}
    runs = []
    for path, run in zip(run_files(experiment), experiment.runs, strict=True):
        with _found_in(path, folder, mistakes):
            runs.append(read_run(folder / path, labels[run.dataset], provenance["code"]["train_run"]))
    checks = _read_checks(folder, experiment, labels, provenance["code"], mistakes)
    if not mistakes:
        mistakes += _differences(folder, tables_again(folder, experiment, labels, runs, checks))
        texts = {labels_name(dataset): one.text() for dataset, one in labels.items()}
        texts[README] = readme(experiment, str(provenance["git_revision"]))
        texts[CRATE] = crate_text(experiment, provenance, members)
        mistakes += _differences(folder, texts.items())
    return mistakes


def _read_labels(folder: Path, experiment: Experiment, dataset: str) -> Labels:
    found = _read_json(folder, labels_name(dataset))
    entry, test = experiment.datasets[dataset], np.array(found["test_labels"], np.uint8)
    if test.max(initial=0) >= (classes := len(entry["class_names"])):
        raise HandgradError(f"{labels_name(dataset)}: a label is {test.max()}, expected less than {classes}")
    return Labels(entry, found["content_sha256"], test)


def _read_checks(
    folder: Path, experiment: Experiment, labels: Mapping[str, Labels], code: Mapping[str, str], mistakes: list[str]
) -> list[dict[str, Any]]:
    """Return the gradient checks. Mistakes: those that have not passed, or are of something else than is trained."""
    settings = {"code_digest": code["check_gradients"], **asdict(experiment.gradient_check)}
    checks = []
    rows = zip(checked(experiment), gates(experiment), gradient_checks(experiment), strict=True)
    for (dataset, activation), gate, path in rows:
        data = {"data_digest": labels[dataset].digest, "data_content": labels[dataset].content}
        about = {"dataset": dataset, "activation": activation, **data}
        with _found_in(gate, folder, mistakes):
            read_check(folder / gate, {**about, "code_digest": code["check_gate"]})
        with _found_in(path, folder, mistakes):
            check, _ = read_check(folder / path, {**about, **settings})
            mistakes += [f"{path}: {line}" for line in _figure_mistakes(check, activation)]
            checks.append(check)
    return checks


def _figure_mistakes(check: Mapping[str, Any], activation: str) -> Iterator[str]:
    """Yield the parts of a check whose difference or limit is too large, whatever its verdict says."""
    for block, part in product(BLOCKS, PARTS):
        found = check["blocks"][block][part]
        if part == "complex" and found is None and ACTIVATIONS[activation].complex_h is None:
            continue
        difference, limit = found["max_rel_difference"], found["limit"]
        if not 0 <= difference <= limit <= WIDEST[part]:
            found = f"the relative difference is {difference}, its limit {limit}"
            yield f"{block}, {PARTS[part]}: {found}; expected no larger difference, and a limit up to {WIDEST[part]:g}"


def _differences(folder: Path, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield, of each file that differs from its text, where it first does."""
    for member, text in texts:
        found = (folder / member).read_bytes().decode(errors="surrogateescape")
        if found != text:
            start = len(os.path.commonprefix([found, text]))  # noqa: RUF071, characters are meant
            line = text.count("\n", 0, start) + 1
            is_, again = (show(one[max(0, start - 30) : start + 30]) for one in (found, text))
            yield f"{member}: line {line}: found {is_}, made again {again}"
