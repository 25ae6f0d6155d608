"""Finding and removing stale files: files of ``results/`` that none of the given experiments needs.

Only files that the workflow writes can be stale. All other files are unknown and are never removed. Links are never
followed, because they may lead to files of other people. Downloads (``resources/``) and their logs are kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from handgrad.common.code_digests import digested_rules
from handgrad.common.errors import HandgradError
from handgrad.experiment.config import Experiment
from handgrad.experiment.runs import Run, is_short_name
from handgrad.layout import paths
from handgrad.layout.figures import DATASET_FIGURES, OVERALL_FIGURES
from handgrad.layout.jobs import jobs_of

RESULTS = "results"
#: groups of stale files, in the order of the list
GROUPS = {
    "experiments": "tables, figures and pages that none of these experiments has",
    "runs": "runs that none of these experiments has",
    "searches": "rungs, rankings and runs of searches that none of these experiments has",
    "checkpoints": "checkpoints of runs that none of these experiments has, with any number of epochs",
    "checks": "gradient checks that none of these experiments needs",
    "data": "datasets that none of these experiments uses; they can be made again from the downloads, which are kept",
    "logs": "logs and benchmarks of jobs that none of these experiments has",
}
_CHECKPOINT = f"{paths.CHECKPOINTS}/{{dataset}}/{{run}}.checkpoint"
_RUNG_0 = Path(paths.CANDIDATE).parent.name
_PROGRESS = paths.LOG.removesuffix("log") + "jsonl"
#: path templates of the files that the workflow writes, by group
_WRITTEN = {
    "experiments": (paths.TABLE, paths.FIGURE, paths.DATASET_FIGURE, paths.PAGE, paths.REPORT),
    "runs": (paths.RUN,),
    "searches": (paths.CANDIDATE, paths.RANKING, paths.PROMOTED, paths.FINISHED),
    "checkpoints": (_CHECKPOINT, f"{_CHECKPOINT}.rejected"),
    "checks": (paths.GATE, paths.GRADIENT_CHECK, paths.FAILED_CHECK),
    "data": (paths.DATA,),
    "logs": (paths.LOG, _PROGRESS, paths.BENCHMARK),
    "kept": ("results/README.md", paths.COMPARISON_PAGE, "results/{jobs}/download_file/{dataset}/{file}"),
}


@dataclass(frozen=True)
class File:
    """A file. path: relative to the project folder. size: in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Inventory:
    """The stale files of ``results/`` by group, and the paths of unknown files."""

    stale: Mapping[str, Sequence[File]]
    unknown: Sequence[str]

    @property
    def files(self) -> list[File]:
        """Return all stale files."""
        return [file for files in self.stale.values() for file in files]


def take_inventory(folder: Path, experiments: Iterable[Experiment]) -> Inventory:
    """Return the files in ``results/`` of a project that none of these experiments needs."""
    pattern, needed = _pattern(), set(map(_key, _needed(experiments)))
    stale: dict[str, list[File]] = {group: [] for group in GROUPS}
    unknown = []
    for path in sorted(files_in(folder / RESULTS)):
        name = path.relative_to(folder).as_posix()
        match = pattern.fullmatch(name)
        group = match and match.lastgroup
        if group is None or not _is_ours(path, group):
            unknown.append(name)
        elif group in stale and _key(name) not in needed:
            stale[group].append(File(name, path.stat().st_size))
    return Inventory({group: found for group, found in stale.items() if found}, unknown)


def files_in(folder: Path) -> Iterator[Path]:
    """Yield all paths in a folder and its subfolders, except the folders. Links are not followed.

    Raises OSError if a folder cannot be listed.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            yield from files_in(path)
        else:
            yield path


def _pattern() -> re.Pattern[str]:
    """Return a pattern of all paths that the workflow writes. Its named groups are the keys of ``_WRITTEN``."""
    name = "[^/.][^/]*"  # not hidden
    names = {
        "table": (*paths.TABLES, *paths.OPTIONAL_TABLES, paths.BEST_RUNS),
        "kind": (*paths.TABLE_KINDS, re.escape(paths.CHECKSUMS)),
        "figure": (*DATASET_FIGURES, *OVERALL_FIGURES),
        "rule": digested_rules(),
        "name": (name, f"{name}/{name}", f"{name}/{name}/{name}"),
        "part": (paths.FINAL, paths.FINALISTS),
        **dict.fromkeys(("block", "rung", "slot", "seed"), ("[0-9]+",)),
    }

    def values(wildcard: "re.Match[str]") -> str:
        return f"(?:{'|'.join(names.get(wildcard[1], [name]))})"

    groups = {group: "|".join(map(re.escape, templates)) for group, templates in _WRITTEN.items()}
    whole = "|".join(f"(?P<{group}>{templates})" for group, templates in groups.items())
    return re.compile(re.sub(r"\\{(\w+)\\}", values, whole))


def _is_ours(path: Path, group: str) -> bool:
    """Return whether the workflow wrote a file, judged by its folder and its name."""
    if path.is_symlink() or not path.is_file():
        return False
    if group in ("runs", "checkpoints") or path.parent.name == _RUNG_0:
        with suppress(HandgradError):
            name = re.sub(r"\.(h5|json|checkpoint(\.rejected)?)$", "", path.name)
            return is_short_name(name) or bool(Run.from_name(path.parent.name, name))
        return False
    # a page without a folder of tables may belong to another program
    alone = path.suffix == ".html" and path.parent.name != "tables" and not (path.parent / "tables").is_dir()
    return group == "kept" or not alone


def _needed(experiments: Iterable[Experiment]) -> Iterator[str]:
    """Yield every file that these experiments need, whether it exists or not."""
    for experiment in experiments:
        yield from (*paths.final_outputs(experiment), *paths.data_files(experiment), paths.report_file(experiment))
        for job in jobs_of(experiment):
            yield from (str(job.log), str(job.log.with_suffix(".jsonl")), str(job.benchmark))
        for check in (*paths.gates(experiment), *paths.gradient_checks(experiment)):
            yield check.replace("results/checks/", "results/checks/failed/check_")
        for run in experiment.all_runs:
            yield from (_CHECKPOINT.format(dataset=run.dataset, run=name) for name in run.names_with_any_epochs())


def _key(path: str) -> str:
    """Return a key for comparing paths. Checkpoints that differ only in epochs have the same key.

    A longer run can continue from the checkpoint of a shorter one.
    """
    if path.startswith(paths.CHECKPOINTS):
        path = re.sub(r"_ep_\d+_", "_ep_*_", path).removesuffix(".rejected")
    return path.casefold()  # some file systems ignore case


def remove(folder: Path, files: Iterable[File]) -> Iterator[File]:
    """Remove files of ``results/`` and the folders that become empty; yield each file after its removal.

    Raises HandgradError if a folder on the path was replaced by a link. Raises OSError if a file cannot be removed.
    """
    root = (folder / RESULTS).resolve()
    for file in files:
        path = folder / file.path
        if path.parent.resolve() != root / path.parent.relative_to(folder / RESULTS):
            raise HandgradError(f"{file.path}: a folder on its path was replaced by a link; the file was not removed")
        path.unlink(missing_ok=True)
        for place in PurePosixPath(file.path).parents[:-2]:
            with suppress(OSError):  # the folder is not empty
                (folder / place).rmdir()
        yield file
