"""Which checkpoints an experiment needs: those of its runs, and those that its runs would go on from.

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
    """Return the run that a file is the checkpoint of, even one that was set aside; None if it is neither."""
    dataset, _, name = path.removeprefix(f"{CHECKPOINTS}/").partition("/")
    ending = REJECTED if name.endswith(REJECTED) else SUFFIX
    try:
        return Run.from_name(dataset, name.removesuffix(ending)) if name.endswith(ending) else None
    except HandgradError:
        return None


def needed_checkpoints(folder: Path, experiment: Experiment, files: Iterable[str]) -> Iterator[str]:
    """Yield the checkpoints that an experiment needs, its own and those among the files of a project."""
    relatives: dict[Run, list[Run]] = {}
    for path in sorted(files):
        if path.startswith(f"{CHECKPOINTS}/") and path.endswith(SUFFIX) and (found := checkpoint_of(path)):
            relatives.setdefault(replace(found, epochs=0), []).append(found)
    content_of = functools.cache(functools.partial(_content, folder, experiment))
    for run in experiment.runs:
        yield from (_path(run), f"{_path(run)}.rejected")
        others = [other for other in relatives.get(replace(run, epochs=0), ()) if other != run]
        if others and run.can_be_extended:
            content = content_of(run.dataset)
            # without the data one cannot tell which of them serves
            yield from map(_path, others if content is None else _beginning(folder, content, run, others))


def _path(run: Run) -> str:
    return path_of(Path(CHECKPOINTS), run).as_posix()


def _content(folder: Path, experiment: Experiment, dataset: str) -> str | None:
    """Return the content_sha256 of a dataset; None if it is not known."""
    try:
        with open_data(folder / f"results/data/{dataset}.h5", data_digest(experiment.datasets[dataset])) as stored:
            return stored.content
    except HandgradError:
        return None


def _beginning(folder: Path, content: str, run: Run, others: list[Run]) -> list[Run]:
    """Return, of runs with a checkpoint, the one that a run would go on from; its own counts last, as there."""
    origin = Origin(run, code_digest("train_run"), content)
    found = [(_position(folder, replace(origin, run=candidate)), candidate) for candidate in (*others, run)]
    usable = [(position, candidate) for position, candidate in found if position and position <= (run.epochs, 0)]
    furthest = max((position for position, _ in usable), default=None)
    return [candidate for position, candidate in usable if position == furthest][-1:]


def _position(folder: Path, origin: Origin) -> tuple[int, int] | None:
    """Return where the checkpoint of a run is; None if nothing can go on from it.

    Raises OSError if it cannot be read, since one that may be of use must not be called stale.
    """
    try:
        return read_checkpoint(path_of(folder / CHECKPOINTS, origin.run), origin).state.position
    except (Unusable, FileNotFoundError):
        return None
