"""Which checkpoints an experiment needs: its runs' own, and those that its runs would go on from.

A run goes on from the furthest checkpoint of one that is equal in all but ``epochs`` (``checkpoint``), so
the checkpoint of a run that nobody names any more may still save a named one its first epochs.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import open_data
from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.storage.checkpoint import SUFFIX, Origin, Unusable, path_of, read_checkpoint

CHECKPOINTS = "results/checkpoints"
REJECTED = f"{SUFFIX}.rejected"  # what ``checkpoint`` sets aside


def checkpoint_of(path: str) -> Run | None:
    """The run that a file is the checkpoint of, be it one that was set aside; None if it is neither."""
    dataset, _, name = path.removeprefix(f"{CHECKPOINTS}/").partition("/")
    for suffix in (SUFFIX, REJECTED):
        if name.endswith(suffix):
            try:
                return Run.from_name(dataset, name.removesuffix(suffix))
            except HandgradError:
                return None
    return None


def needed_checkpoints(folder: Path, experiment: Experiment, files: Iterable[str]) -> Iterator[str]:
    """The checkpoints, of those among the files of a project, that an experiment needs."""
    relatives: dict[Run, list[Run]] = {}
    for path in sorted(files):
        if path.startswith(f"{CHECKPOINTS}/") and path.endswith(SUFFIX) and (found := checkpoint_of(path)):
            relatives.setdefault(replace(found, epochs=0), []).append(found)
    content_of = functools.cache(functools.partial(_content, folder, experiment))
    for run in experiment.runs:
        own = _path(run)
        yield from (own, f"{own}.rejected")
        others = [other for other in relatives.get(replace(run, epochs=0), ()) if other != run]
        if others and run.can_be_extended:
            yield from map(_path, _beginnings(folder, content_of(run.dataset), run, others))


def _path(run: Run) -> str:
    return path_of(Path(CHECKPOINTS), run).as_posix()


def _content(folder: Path, experiment: Experiment, dataset: str) -> str | None:
    """The content_sha256 of a dataset; None if it is not known."""
    digest = data_digest(experiment.datasets[dataset])
    try:
        with open_data(folder / f"results/data/{dataset}.h5", digest) as stored:
            return stored.content
    except HandgradError:
        return None


def _beginnings(folder: Path, content: str | None, run: Run, others: list[Run]) -> list[Run]:
    """Of the checkpoints of other runs, the one that a run would go on from: its own counts last, as there.

    All of them if the data are not there, by which alone one can tell.
    """
    if content is None:
        return others
    origin = Origin(run, code_digest("train_run"), content)
    furthest, best = (-1, 0), run
    for candidate in (*others, run):
        position = _position(folder, replace(origin, run=candidate))
        if position is not None and furthest <= position <= (run.epochs, 0):
            furthest, best = position, candidate
    return [best]


def _position(folder: Path, origin: Origin) -> tuple[int, int] | None:
    """Where the checkpoint of a run stands; None if nothing can go on from it.

    Raises OSError if it cannot be read, since one that may be of use must not be called stale.
    """
    try:
        return read_checkpoint(path_of(folder / CHECKPOINTS, origin.run), origin).state.position
    except (Unusable, FileNotFoundError):
        return None
