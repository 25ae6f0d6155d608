"""The searches that need no new training: they choose among settings whose whole histories are known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.search.ranking import Ranked, rank
from handgrad.search.rung_files import RungResult
from histories import DIVERGED, History

#: name of a run -> its whole history
Histories = Mapping[str, History]


@dataclass(frozen=True)
class Found:
    """What a search found, and what it cost.

    run: name of the best run; None if no run finished. validation_faults, test_faults: of its final weights.
    epochs: number of epochs that were trained.
    """

    run: str | None
    validation_faults: int | None
    test_faults: int | None
    epochs: int


def whole_search(runs: Sequence[Run], known: Histories) -> Found:
    """Return the best of these runs, all trained to the end: the full search, or a random search with fewer runs."""
    epochs = sum(known[run.name].epochs for run in runs)
    best = next(iter(ranked(runs, known)), None)
    if best is None or best.diverged:
        return Found(None, None, None, epochs)
    history = known[best.run.name]
    return Found(best.run.name, history.faults[-1], history.test_faults, epochs)


def halving(search: Search, known: Histories) -> Found:
    """Return what successive halving finds with the ranking of the workflow: after each rung, only the best go on."""
    left, epochs, before = search.candidates, 0, 0
    for until, size in zip(search.rungs, search.promoted, strict=False):
        epochs += trained_epochs(left, known, before, until)
        left = tuple(one.run for one in ranked(left, known, until)[:size])
        before = until
    found = whole_search(left, known)
    return replace(found, epochs=epochs + trained_epochs(left, known, before, left[0].epochs))


def planned_epochs(search: Search) -> int:
    """Return the epochs of successive halving if no run diverges."""
    until = [search.until(part, search.candidates[0]) for part in range(len(search.sizes))]
    return sum(size * (end - start) for size, start, end in zip(search.sizes, [0, *until], until, strict=False))


def trained_epochs(runs: Iterable[Run], known: Histories, before: int, until: int) -> int:
    """Return the epochs that these runs train between two stops; a run that diverges trains fewer."""
    return sum(max(0, min(known[run.name].epochs, until) - before) for run in runs)


def ranked(runs: Iterable[Run], known: Histories, until: int | None = None) -> tuple[Ranked, ...]:
    """Return the ranking of some runs after this number of epochs, or after their last."""
    return rank(_result(run, known[run.name], run.epochs if until is None else until) for run in runs)


def _result(run: Run, history: History, until: int) -> RungResult:
    diverged = history.status == DIVERGED and history.epochs <= until
    status = DIVERGED if diverged else "stopped"
    return RungResult(run, until, status, history.faults[:until], history.losses[:until])
