"""Which files of ``results/`` none of some experiments needs, so that they can be removed.

Only what the workflow itself writes is ever stale; everything else there is unknown and left alone. A link is never
followed: it may lead to files of somebody else. Downloads (``resources/``) and their logs stay.
"""

import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from handgrad.archive.stale_checkpoints import checkpoint_of, needed_checkpoints
from handgrad.common.code_digests import digested_rules
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_checks import RESERVED_NAMES
from handgrad.experiment.runs import Run
from handgrad.layout.jobs import jobs_of
from handgrad.layout.paths import (
    BEST_FIGURE,
    BEST_RUNS,
    CHECKSUMS,
    COMPARISON,
    DATASET_FIGURES,
    TABLE_KINDS,
    TABLES,
    data_files,
    final_outputs,
    gates,
    gradient_checks,
    report_file,
)

RESULTS = "results"
README = "results/README.md"  # tracked by Git

#: what may be stale, in the order in which it is listed
GROUPS = {
    "experiments": "tables, figures and pages that none of these experiments has",
    "runs": "runs that none of these experiments names",
    "checkpoints": "checkpoints that no run of these experiments would go on from",
    "checks": "gradient checks that none of these experiments needs",
    "data": "datasets that none of these experiments trains on; made again from the downloads, which stay",
    "logs": "logs and benchmarks of jobs that none of these experiments has",
}

_TABLES = [f"tables/{name}.{kind}" for name in (*TABLES, COMPARISON) for kind in (*TABLE_KINDS, CHECKSUMS)]
_TABLES += [f"tables/{BEST_RUNS}.{kind}" for kind in ("csv", CHECKSUMS)]
_FIGURES = [f"figures/{figure}/*.svg" for figure in DATASET_FIGURES]
_FIGURES += [f"figures/{figure}.svg" for figure in (BEST_FIGURE, COMPARISON)]
_PAGES = ("summary.html", "report.html")
_CHECKS = ("gate", "gradients", "failed/check_gate", "failed/check_gradients")
#: what the workflow writes in a folder of results/, that of an experiment under *
_WRITTEN = {"data": ["*.h5"], "checks": [f"{kind}/*_*.json" for kind in _CHECKS], "*": [*_TABLES, *_FIGURES]}
#: where the files lie that each job writes besides its outputs, and their endings
_OF_JOBS = {"logs": (".log", ".jsonl"), "benchmarks": (".tsv",)}
_DOWNLOADS = "download_file"
_rules = functools.cache(lambda: frozenset(digested_rules()))


@dataclass(frozen=True)
class File:
    """A file, as its path from the folder of the project, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Inventory:
    """What of ``results/`` is stale, by group, and what is not known there."""

    stale: Mapping[str, Sequence[File]]
    unknown: Sequence[str]

    @property
    def files(self) -> list[File]:
        """All that is stale."""
        return [file for files in self.stale.values() for file in files]


def take_inventory(folder: Path, experiments: Sequence[Experiment]) -> Inventory:
    """Return what in the ``results/`` of a project none of these experiments needs."""
    files: dict[str, int] = {}
    unknown = []
    for path in files_in(folder / RESULTS) if os.path.lexists(folder / RESULTS) else ():
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            unknown.append(name)
        elif name != README:
            files[name] = path.stat().st_size
    needed = {name.casefold() for name in _needed(folder, experiments, files)}  # some file systems ignore case
    stale: dict[str, list[File]] = {group: [] for group in GROUPS}
    for name, size in sorted(files.items()):
        group = _group(name, files)
        if group is None:
            unknown.append(name)
        elif group in stale and name.casefold() not in needed:
            stale[group].append(File(name, size))
    return Inventory({group: found for group, found in stale.items() if found}, sorted(unknown))


def files_in(folder: Path) -> Iterator[Path]:
    """Yield everything in a folder and the folders in it, except those folders; links are not followed.

    Raises OSError if one cannot be listed.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)
        else:
            yield path


def _needed(folder: Path, experiments: Iterable[Experiment], files: Iterable[str]) -> Iterator[str]:
    """Yield every file that these experiments need, whether it is there or not."""
    for experiment in experiments:
        outputs = [*final_outputs(experiment), *data_files(experiment)]
        yield from (*outputs, report_file(experiment))
        for job in jobs_of(experiment):
            yield from (str(job.log), str(job.log.with_suffix(".jsonl")), str(job.benchmark))
        for check in (*gates(experiment), *gradient_checks(experiment)):
            yield check.replace("results/checks/", "results/checks/failed/check_")
        yield from needed_checkpoints(folder, experiment, files)


def _group(name: str, files: Iterable[str]) -> str | None:
    """Return the group of a file; None if the workflow writes no such file."""
    _, top, *rest = PurePosixPath(name).parts
    if top in _OF_JOBS:
        if len(rest) < 2 or not name.endswith(_OF_JOBS[top]) or rest[0] not in {*_rules(), _DOWNLOADS}:
            return None
        return _DOWNLOADS if rest[0] == _DOWNLOADS else "logs"
    if top == "checkpoints":
        return top if checkpoint_of(name) else None
    if top == "runs":
        return top if len(rest) == 2 and _is_run(*rest) else None
    if top in _WRITTEN:
        return top if _is_written(top, rest) else None
    if top.lower() in RESERVED_NAMES:
        return None
    if rest in ([page] for page in _PAGES):  # only a folder with tables or figures is that of an experiment
        others = (PurePosixPath(other).parts[1:] for other in files)
        return "experiments" if any(other[0] == top and _is_written("*", other[1:]) for other in others) else None
    return "experiments" if _is_written("*", rest) else None


def _is_written(top: str, rest: Sequence[str]) -> bool:
    """Return whether the workflow writes a file; rest: its path in the folder."""
    path = PurePosixPath(*rest)
    hidden = path.name.startswith(".")
    return not hidden and any(len(rest) == pattern.count("/") + 1 and path.match(pattern) for pattern in _WRITTEN[top])


def _is_run(dataset: str, name: str) -> bool:
    try:
        return name.endswith(".h5") and bool(Run.from_name(dataset, name.removesuffix(".h5")))
    except HandgradError:
        return False


def remove(folder: Path, files: Iterable[File]) -> Iterator[File]:
    """Remove files of ``results/``, and the folders that this leaves empty; yields each file once it is removed.

    Raises HandgradError if one cannot be removed, or if a link has taken the place of a folder on its path.
    """
    root = (folder / RESULTS).resolve()
    for file in files:
        path = folder / file.path
        inside = PurePosixPath(file.path).relative_to(RESULTS)
        try:
            if path.parent.resolve() != root / inside.parent:
                raise HandgradError(f"{file.path}: a link leads to it, which was none before; left alone")
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, root)
        except OSError as error:
            raise HandgradError(f"{file.path}: cannot be removed ({error.strerror})") from error
        yield file


def _remove_empty(place: Path, root: Path) -> None:
    """Remove a folder and its parents as far as they are empty, except those that all experiments share."""
    place = place.resolve()
    while place not in (root, *(root / name for name in RESERVED_NAMES)) and not any(place.iterdir()):
        place.rmdir()
        place = place.parent
