"""Group the jobs of an experiment: by the order in which they can run, and by the lines of a table."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from handgrad.common.formatting import counted
from handgrad.experiment.searches import Search
from handgrad.layout.jobs import PARTS, RANKING_RULE, SEARCH_PART, Job


class WithJob(Protocol):
    """What belongs to a job, such as its estimate or its status."""

    @property
    def job(self) -> Job:
        """The job."""


_T = TypeVar("_T", bound=WithJob)


def waves(items: Iterable[_T]) -> list[list[_T]]:
    """Return the items in groups that run one after the other: each part, but each rung and each ranking of a search.

    The same rungs of several searches are in one group.
    """
    found: dict[tuple[int, int, bool], list[_T]] = {}
    for item in items:
        place = PARTS.index(item.job.part), item.job.rung or 0, item.job.rule == RANKING_RULE
        found.setdefault(place, []).append(item)
    return [found[place] for place in sorted(found)]


def table_lines(items: Sequence[_T]) -> Iterator[tuple[str, list[_T]]]:
    """Yield the lines of a table with their titles: each part, but each rung of a search.

    The title of a search is a line without items.
    """
    for part in PARTS:
        own = [item for item in items if item.job.part == part]
        if part == SEARCH_PART:
            for search in dict.fromkeys(item.job.search for item in own):
                assert search is not None, "a job of this part belongs to a search"
                yield from _search_lines(search, [item for item in own if item.job.search is search])
        elif own:
            yield part, own


def _search_lines(search: Search, items: Sequence[_T]) -> Iterator[tuple[str, list[_T]]]:
    yield f"search experiments[{search.block}], {search.dataset}", []
    rungs: dict[int, list[_T]] = {}
    for item in items:
        rungs.setdefault(-1 if item.job.rule == RANKING_RULE else item.job.rung or 0, []).append(item)
    rankings = rungs.pop(-1, [])
    yield from ((f"  {part_title(search, part)}", rungs[part]) for part in sorted(rungs))
    if rankings:
        yield "  rankings", rankings


def part_title(search: Search, part: int) -> str:
    """Return the size of a part of a search and its epochs: ``27 until epoch 3``. The finalists are the last part."""
    if part > len(search.rungs):
        return f"{counted(search.finalists, 'finalist')} x {counted(len(search.more_seeds), 'more seed')}"
    seeds = f" x {len(search.seeds)} seeds" if len(search.seeds) > 1 else ""
    return f"{search.sizes[part]:,}{seeds} until epoch {search.until(part, search.candidates[0])}"


def search_title(search: Search) -> str:
    """Return the size of a search, of its parts, and the epochs that halving saves, in one line."""
    parts = [part_title(search, part) for part in range(len(search.sizes))] if search.rungs else []
    finalists = [part_title(search, len(search.sizes))] if search.more_seeds else []
    title = f"{counted(len(search.settings), 'setting')}: {', '.join([*parts, *finalists]) or 'no more seeds'}"
    if search.rungs:
        ends = [search.until(part, search.candidates[0]) for part in range(len(search.sizes))]
        steps = (end - begin for begin, end in pairwise([0, *ends]))
        trained = len(search.seeds) * sum(map(operator.mul, search.sizes, steps))
        title += f" ({counted(trained, 'epoch')} instead of {ends[-1] * len(search.candidates):,})"
    return title
