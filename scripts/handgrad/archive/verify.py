"""Whether an archive, which may come from anywhere, is complete, and whether everything in it agrees.

Every mistake is a line that begins with the member.
"""

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True)
class Contents:
    """An unpacked archive: its experiment, provenance, and the names of its files."""

    folder: Path
    experiment: Experiment
    provenance: Mapping[str, Any]
    members: set[str]


class Mistakes(list[str]):
    """What is wrong with an archive, a line each."""

    @contextmanager
    def found_in(self, member: str, folder: Path) -> Iterator[None]:
        """Take what a block raises for a mistake of a member, without what to do about a file of ``results/``."""
        try:
            yield
        except HandgradError as error:
            line = str(error).replace(f"{folder}/", "").partition("; delete")[0]
            self.append(line if line.startswith(member) else f"{member}: {line}")
        except Exception as error:  # noqa: BLE001, it may hold anything, and h5py raises anything
            self.append(f"{member}: not as this workflow writes it ({' '.join(repr(error).split())})")


def verify_archive(path: Path, name: Path) -> list[str]:
    """Return what was verified of an archive, as lines; name: what people call it.

    Raises HandgradError with a line for each mistake, or if it is no archive of an experiment that this code knows.
    """
    with tempfile.TemporaryDirectory(prefix="handgrad-verify-") as folder:
        try:
            contents = _read_contents(unpack(path, Path(folder)))
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


def _verified(contents: Contents) -> list[str]:
    experiment, provenance = contents.experiment, contents.provenance
    lines = [
        f"  complete: a BagIt bag of {len(contents.members)} files, each with its sha256",
        f"  {counted(len(experiment.runs), 'run')} on {', '.join(dataset_names(experiment))}:",
        "    content_sha256 and misclassified examples of each agree with its arrays",
        f"  gradient checks: {len(gradient_checks(experiment))}, every figure within its limit",
        f"  gates: {len(gates(experiment))}, passed by their own verdict; they hold no figures",
        f"  {len(table_files(experiment))} files of tables, {README} and {CRATE}: equal when made again",
    ]
    if provenance["code"]["train_run"] != code_digest("train_run"):
        revision = show(provenance.get("git_revision"))
        lines.append(f"  trained by other code than this clone has: git revision {revision}")
    return lines


def _read_contents(bag: Path) -> Contents:
    require_valid_bag(bag)
    folder = bag / "data"
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
    if experiment.name != bag.name:
        raise HandgradError(f"{COMPLETE}: its name is {experiment.name!r}, the folder in the archive is {bag.name!r}")
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


def _find_mistakes(contents: Contents) -> Mistakes:
    """Return the mistakes of the list of files; if there are none, those of labels, of runs and checks, or of texts."""
    experiment, folder, code = contents.experiment, contents.folder, contents.provenance["code"]
    mistakes = Mistakes()
    missing = required_members(experiment) - contents.members
    extra = contents.members - allowed_members(experiment)
    mistakes += [f"{name}: missing, the experiment has it" for name in sorted(missing)]
    mistakes += [f"{name}: extra, the experiment has no such file" for name in sorted(extra)]
    labels: dict[str, Labels] = {}
    for dataset in () if mistakes else dataset_names(experiment):
        with mistakes.found_in(member := labels_name(dataset), folder):
            labels[dataset] = parse_labels(_read_json(folder, member), experiment.datasets[dataset])
    if mistakes:
        return mistakes
    runs = []
    for path, run in zip(run_files(experiment), experiment.runs, strict=True):
        with mistakes.found_in(path, folder):
            runs.append(read_run(folder / path, labels[run.dataset], code["train_run"]))
    checks = _read_checks(contents, labels, mistakes)
    if not mistakes:
        texts = tables_again(folder, experiment, labels, runs, checks)
        with mistakes.found_in("tables", folder):
            mistakes += _differences(folder, texts)
        with mistakes.found_in(PROVENANCE, folder):
            mistakes += _differences(folder, _descriptions(contents))
    return mistakes


def _read_checks(
    contents: Contents, labels: Mapping[str, Labels], mistakes: Mistakes
) -> Mapping[str, Mapping[str, Any]]:
    """Return the gradient checks. Mistakes: those that have not passed, or are of something else than is trained."""
    experiment, folder, code = contents.experiment, contents.folder, contents.provenance["code"]
    settings = {"code_digest": code.get("check_gradients"), **asdict(experiment.gradient_check)}
    checks = {}
    rows = zip(checked(experiment), gates(experiment), gradient_checks(experiment), strict=True)
    for (dataset, activation), gate, path in rows:
        data = {"data_digest": labels[dataset].data_digest, "data_content": labels[dataset].content_sha256}
        about = {"dataset": dataset, "activation": activation, **data}
        with mistakes.found_in(gate, folder):
            read_check(folder / gate, {**about, "code_digest": code.get("check_gate")})
        with mistakes.found_in(path, folder):
            checks[path], _ = read_check(folder / path, {**about, **settings})
            mistakes += [f"{path}: {line}" for line in figure_mistakes(checks[path], activation)]
    return checks


def _descriptions(contents: Contents) -> Iterator[tuple[str, str]]:
    yield README, readme(contents.experiment, str(contents.provenance.get("git_revision")))
    yield CRATE, crate_text(contents.experiment, contents.provenance, contents.members)


def _differences(folder: Path, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield, of each file that differs from its text, the first line that does."""
    for member, text in texts:
        found = (folder / member).read_bytes()
        if found != text.encode():
            lines = zip_longest(found.decode(errors="replace").split("\n"), text.split("\n"), fillvalue="(no line)")
            number, pair = next((i, pair) for i, pair in enumerate(lines, 1) if pair[0] != pair[1])
            equal = next((i for i, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
            is_, again = (show(line[max(0, equal - 30) :]) for line in pair)
            yield f"{member}: line {number} is {is_}, made again it is {again}"
