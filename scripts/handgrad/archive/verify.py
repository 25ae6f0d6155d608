"""Verification of an archive, which may come from anyone: it must be complete and consistent.

Each mistake is one line; most lines begin with the path of a member.
"""

import json
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
from handgrad.experiment.blocks import block_of
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_block_checks import MOST_RUNS
from handgrad.experiment.config_errors import show
from handgrad.experiment.config_files import merge, read_config_file
from handgrad.experiment.runs import Run
from handgrad.gradient_check.check import WIDEST
from handgrad.gradient_check.files import read_check
from handgrad.gradient_check.results import PARTS
from handgrad.layout.paths import (
    checked,
    dataset_names,
    finished_files,
    gates,
    gradient_checks,
    report_file,
    run_file,
    run_files,
    search_files,
    table_files,
)
from handgrad.network.activations import ACTIVATIONS
from handgrad.tables.gradient_checks import BLOCKS


def verify_archive(path: Path, name: Path) -> list[str]:
    """Verify an archive and return lines that say what was verified.

    name: the path to show in these lines. Raises HandgradError with a line for each mistake.
    """
    size, origin = size_text(path.stat().st_size), ""
    mistakes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder, _found_in("archive", folder, mistakes):
        bag = unpack(path, Path(folder))
        provenance = _read_json(bag / "data", PROVENANCE)
        if (number := provenance.get("format")) != FORMAT:
            raise HandgradError(
                f"{PROVENANCE}: this version cannot read its format, found {show(number)}, expected {FORMAT}"
            )
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
        "Verification cannot detect runs that were fabricated consistently (docs/how-to/archive.md).",
    ]


@contextmanager
def _found_in(member: str, folder: Path | str, mistakes: list[str]) -> Iterator[None]:
    """Add what a block raises to the mistakes, without the remedy, which applies only to files of ``results/``.

    member: named if the error does not name it. folder: removed from paths.
    """
    try:
        yield
    except HandgradError as error:
        mistakes += str(error).replace(f"{folder}/", "").removesuffix(f"; {REMEDY}").splitlines()
    except Exception as error:  # noqa: BLE001, files may have any content, and h5py raises many types
        mistakes.append(f"{member}: not in the format of this workflow ({' '.join(repr(error).split())})")


def _verified(experiment: Experiment, provenance: Mapping[str, Any]) -> Iterator[str]:
    runs = counted(len(run_files(experiment)), "run file")
    yield "  complete: a BagIt bag of all files of the experiment, each with the right sha256"
    yield f"  {runs} on {', '.join(dataset_names(experiment))}: each agrees with its content_sha256 and the labels"
    if files := search_files(experiment):
        yield f"  searches: {counted(len(files), 'file')}; every ranking follows from the results that it ranks"
    yield f"  gradient checks: {len(gradient_checks(experiment))}, every difference is within its limit"
    yield f"  gates: {len(gates(experiment))}, each has the verdict passed; they hold no differences to check"
    yield f"  {len(table_files(experiment))} files of tables, {README} and {CRATE}: made again, with equal content"
    if provenance["code"]["train_run"] != code_digest("train_run"):
        yield f"  trained by different code than this clone has: git revision {show(provenance.get('git_revision'))}"


def _read_json(folder: Path, member: str) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / member).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise HandgradError(f"{member}: missing, or not a JSON object ({error})") from error


def _read_experiment(folder: Path, name: str) -> Experiment:
    """Read the complete experiment file without reading any other file that it names."""
    table = folder / PUBLISHED
    published = {"table": str(table) if table.is_file() else None}
    config = merge(read_config_file(folder / COMPLETE), {"published": published})
    blocks = config["experiments"]
    spanned = sum(block_of(block).combinations for block in blocks)
    if spanned > MOST_RUNS:  # checked before any code iterates over the runs
        raise HandgradError(f"{COMPLETE}: too many runs, found {spanned}, expected at most {MOST_RUNS}")
    experiment = load_experiment(config, files=False)
    spanned = sum(search.size for search in experiment.searches)
    if spanned > MOST_RUNS:
        raise HandgradError(f"{COMPLETE}: too many runs in searches, found {spanned}, expected at most {MOST_RUNS}")
    if experiment.name != name:
        raise HandgradError(
            f"{COMPLETE}: its name differs from the folder in the archive, found {experiment.name!r}, expected {name!r}"
        )
    return experiment


def _find_mistakes(folder: Path, experiment: Experiment, provenance: Mapping[str, Any]) -> list[str]:
    """Return the mistakes in an archive.

    It checks the list of files first, then runs and gradient checks, then the files that are made again. It stops after
    the first of these steps that finds a mistake.
    """
    members = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    required = required_members(experiment)
    mistakes = [f"{name}: missing, but the experiment needs it" for name in sorted(required - members)]
    extra = members - required - {report_file(experiment)}
    mistakes += [f"{name}: extra, the experiment does not have this file" for name in sorted(extra)]
    if mistakes:
        return mistakes
    labels = {dataset: _read_labels(folder, experiment, dataset) for dataset in dataset_names(experiment)}
    code = provenance["code"]["train_run"]
    runs = {}
    for path, dataset, run in _expected_runs(experiment):
        with _found_in(path, folder, mistakes):
            runs[path] = read_run(folder / path, run, labels[dataset], code)
    checks = _read_checks(folder, experiment, labels, provenance["code"], mistakes)
    if not mistakes:
        with _found_in("searches", folder, mistakes):
            mistakes += _differences(folder, tables_again(folder, experiment, labels, runs, checks, code))
        texts = {labels_name(dataset): one.text() for dataset, one in labels.items()}
        texts[README] = readme(experiment, str(provenance["git_revision"]))
        trained = {path: summary.run for path, summary in runs.items()}
        texts[CRATE] = crate_text(experiment, provenance, trained, members)
        mistakes += _differences(folder, texts.items())
    return mistakes


def _expected_runs(experiment: Experiment) -> Iterator[tuple[str, str, Run | None]]:
    """Yield the path and the dataset of each run file, and its run; None in a slot of a search."""
    yield from ((run_file(run.dataset, run.name), run.dataset, run) for run in experiment.runs)
    for search in experiment.searches:
        yield from ((path, search.dataset, None) for path in finished_files(experiment.name, search))


def _read_labels(folder: Path, experiment: Experiment, dataset: str) -> Labels:
    found = _read_json(folder, labels_name(dataset))
    entry, test = experiment.datasets[dataset], np.array(found["test_labels"], np.uint8)
    if test.max(initial=0) >= (classes := len(entry["class_names"])):
        raise HandgradError(
            f"{labels_name(dataset)}: label out of range, found {test.max()}, expected less than {classes}"
        )
    return Labels(entry, found["content_sha256"], test)


def _read_checks(
    folder: Path, experiment: Experiment, labels: Mapping[str, Labels], code: Mapping[str, str], mistakes: list[str]
) -> list[dict[str, Any]]:
    """Return the gradient checks. Mistakes: checks and gates that failed, or that are for different code or data."""
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
    """Yield a line for each part of a check with a difference or limit that is too large. The verdict is ignored."""
    for block, part in product(BLOCKS, PARTS):
        found = check["blocks"][block][part]
        if part == "complex" and found is None and ACTIVATIONS[activation].complex_h is None:
            continue
        difference, limit = found["max_rel_difference"], found["limit"]
        if not 0 <= difference <= limit <= WIDEST[part]:
            found = f"relative difference {difference} with limit {limit}"
            expected = f"a difference within the limit, and a limit of at most {WIDEST[part]:g}"
            yield f"{block}, {PARTS[part]}: found {found}, expected {expected}"


def _differences(folder: Path, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the first difference of each file from its expected text."""
    for member, text in texts:
        found = (folder / member).read_bytes().decode(errors="surrogateescape")
        if found != text:
            start = len(os.path.commonprefix([found, text]))  # noqa: RUF071, compares characters on purpose
            line = text.count("\n", 0, start) + 1
            is_, again = (show(one[max(0, start - 30) : start + 30]) for one in (found, text))
            yield f"{member}: line {line} differs when made again, found {is_}, expected {again}"
