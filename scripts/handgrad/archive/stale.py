"""Which files of ``results/`` none of some experiments needs, so that they may go.

Only what the workflow itself writes is ever stale; whatever else lies there is not known and left alone. A
link is never followed: what it leads to may be somebody else's. Downloads (``resources/``) and their logs
stay.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from handgrad.archive.stale_checkpoints import CHECKPOINTS, checkpoint_of, needed_checkpoints
from handgrad.common.code_digests import digested_rules
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_checks import RESERVED_NAMES
from handgrad.experiment.runs import Run
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
    job_name,
    report_file,
)

RESULTS = "results"

#: what may be stale, in the order in which it is told
GROUPS = {
    "experiments": "tables, figures and pages that none of these experiments has",
    "runs": "runs that none of these experiments names",
    "checkpoints": "checkpoints that no run of these experiments would go on from",
    "checks": "gradient checks that none of these experiments needs",
    "data": "datasets that none of these experiments trains on; made again from the downloads, which stay",
    "logs": "logs and benchmarks of jobs that none of these experiments has",
}


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
    """What in the ``results/`` of a project none of these experiments needs."""
    files, unknown = _walk(folder)
    kept = _needed(folder, experiments, files)
    stale: dict[str, list[File]] = {group: [] for group in GROUPS}
    for path in sorted(files):
        known = _known(path, files)
        if known is None:
            unknown.append(path)
            continue
        group, need = known
        if group in stale and need.casefold() not in kept:
            stale[group].append(File(path, files[path]))
    return Inventory({group: found for group, found in stale.items() if found}, sorted(unknown))


def _walk(folder: Path) -> tuple[dict[str, int], list[str]]:
    """The plain files of ``results/`` with their sizes; and what is none and no folder, such as links."""
    files: dict[str, int] = {}
    others: list[str] = []
    for path in files_in(folder / RESULTS) if os.path.lexists(folder / RESULTS) else ():
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            others.append(relative)
        else:
            files[relative] = path.stat().st_size
    return files, others


def files_in(folder: Path) -> Iterator[Path]:
    """All that is in a folder and the folders in it, but for those folders; links are not followed.

    Raises OSError if one cannot be listed.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)
        else:
            yield path


def _needed(folder: Path, experiments: Iterable[Experiment], files: Iterable[str]) -> frozenset[str]:
    """All that these experiments need: files, and jobs by the names of their logs.

    In one case of letters, since some file systems do not tell Data from data.
    """
    needed: set[str] = set()
    for experiment in experiments:
        made = [*final_outputs(experiment), *data_files(experiment)]
        needed.update(made, map(job_name, made), [report_file(experiment)])
        needed.update(needed_checkpoints(folder, experiment, files))
    return frozenset(name.casefold() for name in needed)


# --- what a file is: its group, and what must be needed so that it is kept ---

_NAME = r"[A-Za-z0-9][\w.-]*"
_DATA = re.compile(rf"results/data/{_NAME}\.h5", re.ASCII)
_CHECK = re.compile(rf"results/checks/(?:failed/check_)?(gate|gradients)/({_NAME}_{_NAME}\.json)", re.ASCII)
_JOB = re.compile(r"results/(?:logs/(.+)\.(?:log|jsonl)|benchmarks/(.+)\.tsv)")
_DOWNLOADS = "download_file"
_PAGES = ("summary.html", "report.html")
_OF_EXPERIMENT = re.compile(
    rf"tables/(?:{'|'.join((*TABLES, COMPARISON, BEST_RUNS))})\.(?:{'|'.join((*TABLE_KINDS, CHECKSUMS))})"
    rf"|figures/(?:(?:{'|'.join(DATASET_FIGURES)})/{_NAME}|{BEST_FIGURE}|{COMPARISON})\.svg",
    re.ASCII,
)


def _known(path: str, files: Iterable[str]) -> tuple[str, str] | None:
    """The group of a file and what it is kept for; None if the workflow writes no such file."""
    top = PurePosixPath(path).parts[1]
    if top.lower() not in RESERVED_NAMES:
        return ("experiments", path) if _is_of_experiment(path, files) else None
    if _DATA.fullmatch(path):
        return "data", path
    if check := _CHECK.fullmatch(path):
        return "checks", f"results/checks/{check[1]}/{check[2]}"
    if job := _JOB.fullmatch(path):
        return _of_job(job[1] or job[2])
    if path.startswith(f"{CHECKPOINTS}/"):
        return ("checkpoints", path) if checkpoint_of(path) else None
    return ("runs", path) if _is_run(path) else None


def _of_job(job: str) -> tuple[str, str] | None:
    rule = job.partition("/")[0]
    if rule == _DOWNLOADS:
        return _DOWNLOADS, job  # in no group of what may go
    return ("logs", job) if rule in digested_rules() else None


def _is_run(path: str) -> bool:
    _, top, *rest = PurePosixPath(path).parts
    if top != "runs" or len(rest) != 2 or not rest[1].endswith(".h5"):
        return False
    try:
        Run.from_name(rest[0], rest[1].removesuffix(".h5"))
    except HandgradError:
        return False
    return True


def _is_of_experiment(path: str, files: Iterable[str]) -> bool:
    """Whether a file is an experiment's; a page only where a table or figure shows that the folder is one."""
    top, _, rest = path.removeprefix(f"{RESULTS}/").partition("/")
    if rest in _PAGES:
        beside = f"{RESULTS}/{top}/"
        return any(file.startswith(beside) and _OF_EXPERIMENT.fullmatch(file, len(beside)) for file in files)
    return bool(_OF_EXPERIMENT.fullmatch(rest))


# --- removing ---


def remove(folder: Path, files: Iterable[File]) -> Iterator[File]:
    """Remove files of ``results/``, and the folders that this leaves empty; yields each file when it is gone.

    Raises HandgradError if one cannot be removed, or if a link has taken the place of a folder on its way.
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
    """Remove a folder and those around it as far as they are empty, but not those all experiments share."""
    place = place.resolve()
    while place not in (root, *(root / name for name in RESERVED_NAMES)) and not any(place.iterdir()):
        place.rmdir()
        place = place.parent
