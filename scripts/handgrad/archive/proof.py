"""Whether what an unpacked archive holds is one experiment, and agrees with itself: all but its tables.

The archive may come from anywhere. Every finding is a line that begins with the member.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from handgrad.archive.checks import figure_mistakes
from handgrad.archive.labels import label_mistakes, labels_name
from handgrad.archive.pack import COMPLETE, ENVIRONMENT, FORMAT, GIVEN, PROVENANCE, PUBLISHED, README, SUMS
from handgrad.archive.reader import Unpacked
from handgrad.archive.readme import readme
from handgrad.archive.runs import Made, run_mistakes
from handgrad.common.code_digests import PROJECT
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import size_text
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_checks import MOST_RUNS
from handgrad.experiment.config_errors import show
from handgrad.gradient_check.files import parse_check
from handgrad.layout.paths import (
    archived_outputs,
    checked,
    dataset_names,
    gates,
    gradient_checks,
    report_file,
    run_files,
)
from handgrad.storage.provenance import git_revision

MOST_TEXT = 50_000_000  # bytes of JSON or YAML that are read at once


@dataclass(frozen=True)
class Contents:
    """What an archive says it is: its experiment, with the published table of the archive; and provenance."""

    folder: Path
    experiment: Experiment
    provenance: Mapping[str, Any]


def read_contents(unpacked: Unpacked) -> Contents:
    """What an unpacked archive says it is. Raises HandgradError if it cannot be told."""
    provenance = read_json(unpacked.folder / PROVENANCE, PROVENANCE)
    if provenance.get("format") != FORMAT:
        raise HandgradError(f"{PROVENANCE}: format is {show(provenance.get('format'))}, this handgrad reads {FORMAT}")
    for key in ("versions", "code"):
        if not isinstance(provenance.get(key), dict):
            raise HandgradError(f"{PROVENANCE}: {key} is no mapping")
    if not isinstance(code := provenance["code"].get("train_run"), str):
        raise HandgradError(f"{PROVENANCE}: code.train_run is {show(code)}, expected a digest")
    try:
        experiment = _read_experiment(unpacked.folder)
    except HandgradError as error:
        raise HandgradError(f"{error}{other_code(provenance)}") from error
    if not unpacked.name == experiment.name == provenance.get("experiment"):
        raise HandgradError(
            f"{COMPLETE}: its name is {experiment.name!r}; the folder in the archive is {unpacked.name!r}, "
            f"the experiment in {PROVENANCE} {show(provenance.get('experiment'))}"
        )
    return Contents(unpacked.folder, experiment, provenance)


def other_code(provenance: Mapping[str, Any]) -> str:
    """Where to verify an archive that the code of another git revision packed; else nothing."""
    there, here = provenance.get("git_revision"), git_revision(PROJECT)
    if there == here:
        return ""
    return f"; packed by the code of git revision {show(there)}, this is {here!r}: verify it in a clone of that"


def read_json(path: Path, member: str) -> dict[str, Any]:
    """A mapping from a JSON member. Raises HandgradError if it is none."""
    try:
        content = json.loads(_text(path, member))
    except (ValueError, RecursionError) as error:
        raise HandgradError(f"{member}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise HandgradError(f"{member}: expected a mapping")
    return content


def _text(path: Path, member: str) -> str:
    if not path.is_file():
        raise HandgradError(f"{member}: missing")
    if path.stat().st_size > MOST_TEXT:
        raise HandgradError(f"{member}: has {size_text(path.stat().st_size)}, allowed: {size_text(MOST_TEXT)}")
    return path.read_text(encoding="utf-8", errors="replace")


def _read_experiment(folder: Path) -> Experiment:
    """The experiment of the complete file, without a look at any other file that it names."""
    text = _text(folder / COMPLETE, COMPLETE)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise HandgradError("has an alias (*), which handgrad does not write there")
        config = yaml.safe_load(text)
        _require_few_runs(config)
        table = folder / PUBLISHED
        config["published"]["table"] = str(table) if table.is_file() else None
        experiment = load_experiment(config, files=False)
        _ = experiment.has_published, experiment.has_published_dataset  # so that the table is read here
        return experiment
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HandgradError(f"{COMPLETE}: not a complete experiment file ({reason})") from error
    except HandgradError as error:
        first = str(error).splitlines()[0].replace(f"{folder}/", "")
        raise HandgradError(f"{COMPLETE}: {first}") from error


def _require_few_runs(config: Any) -> None:
    spanned = 0
    for block in config["experiments"]:
        runs = 1
        for value in block.values():
            runs *= len(value) if isinstance(value, list) else 1
        spanned += runs
    if spanned > MOST_RUNS:
        raise HandgradError(f"spans {spanned} runs; read here: at most {MOST_RUNS}")


def member_mistakes(contents: Contents, members: Mapping[str, str]) -> Iterator[str]:
    """Members that the archive of this experiment must have and has not, and those that it must not have."""
    experiment = contents.experiment
    needed = {README, SUMS, PROVENANCE, GIVEN, COMPLETE, *ENVIRONMENT, *archived_outputs(experiment)}
    needed.update(map(labels_name, dataset_names(experiment)))
    if experiment.has_published_dataset:
        needed.add(PUBLISHED)
    yield from (f"{name}: missing, the experiment has it" for name in sorted(needed - set(members)))
    more = set(members) - needed - {report_file(experiment)}
    yield from (f"{name}: extra, the experiment has no such file" for name in sorted(more))


def readme_mistakes(contents: Contents) -> Iterator[str]:
    """Whether the README, which tells what to type, is the one that this code writes of the experiment."""
    written = readme(contents.experiment, str(contents.provenance.get("git_revision")))
    if (contents.folder / README).read_bytes() != written.encode():
        yield f"{README}: is not what make archive writes there; do nothing that it says"


def content_mistakes(contents: Contents) -> Iterator[str]:
    """What is wrong with data, runs and gradient checks of an archive that has all its members."""
    made: dict[str, Made] = {}
    for dataset in dataset_names(contents.experiment):
        wrong, origin = _read_labels(contents, dataset)
        yield from wrong
        if origin:
            made[dataset] = origin
    for path, run in zip(run_files(contents.experiment), contents.experiment.runs, strict=True):
        if run.dataset in made:
            mistakes = run_mistakes(contents.folder / path, run, made[run.dataset])
            yield from (f"{path}: {line}" for line in mistakes)
    yield from _check_mistakes(contents, made)


def _read_labels(contents: Contents, dataset: str) -> tuple[list[str], Made | None]:
    member, entry = labels_name(dataset), contents.experiment.datasets[dataset]
    try:
        content = read_json(contents.folder / member, member)
    except HandgradError as error:
        return [str(error)], None
    if wrong := list(label_mistakes(content, entry)):
        return [f"{member}: {line}" for line in wrong], None
    labels = np.array(content["test_labels"], np.uint8)
    return [], Made(
        contents.provenance["code"]["train_run"],
        content["data_digest"],
        labels,
        len(entry["class_names"]),
        content["content_sha256"],
    )


def _check_mistakes(contents: Contents, made: Mapping[str, Made]) -> Iterator[str]:
    """Gradient checks that have not passed, or are of something else than the experiment trains."""
    experiment, code = contents.experiment, contents.provenance["code"]
    kinds = (
        (gates(experiment), {"code_digest": code.get("check_gate")}),
        (
            gradient_checks(experiment),
            {"code_digest": code.get("check_gradients"), **asdict(experiment.gradient_check)},
        ),
    )
    for paths, expected in kinds:
        for path, (dataset, activation) in zip(paths, checked(experiment), strict=True):
            must = {"dataset": dataset, "activation": activation, "passed": True, **expected}
            if dataset in made:
                must |= {"data_digest": made[dataset].data, "data_content": made[dataset].content}
            try:
                found = parse_check(_text(contents.folder / path, path).encode(), path)
            except HandgradError as error:
                yield str(error).partition("; delete")[0]
                continue
            for key, value in must.items():
                if found.get(key) != value:
                    yield f"{path}: {key} is {show(found.get(key))}, expected {show(value)}"
            if paths is not kinds[0][0]:  # a gate holds no figures
                yield from (f"{path}: {line}" for line in figure_mistakes(found, activation))
