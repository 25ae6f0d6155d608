"""Searches: the entries of ``experiments`` with ``halving`` or ``finalists``, for each dataset.

Every job builds them again, so this module imports only the standard library.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from handgrad.experiment.blocks import Block
from handgrad.experiment.runs import Run


def setting_of(run: Run) -> dict[str, Any]:
    """Return the setting of a run: all axes without the seed."""
    return {axis: value for axis, value in vars(run).items() if axis != "seed"}


@dataclass(frozen=True, kw_only=True, eq=False)  # compared by identity, because it holds many runs
class Search:
    """The settings of one entry of ``experiments`` on one dataset, of which the best go on.

    block: index of the entry. candidates: all runs, each setting with each seed, in table order. rungs: the epochs
    after which settings stop; empty without halving. keep: the share of settings that is promoted after a rung.
    finalists: number of settings that are trained with more seeds, 0 for none. more_seeds: seeds of finalists that the
    candidates lack.
    """

    block: int
    dataset: str
    candidates: tuple[Run, ...]
    rungs: tuple[int, ...] = ()
    keep: Fraction = Fraction(1)
    finalists: int = 0
    more_seeds: tuple[int, ...] = ()

    @functools.cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the candidates."""
        return tuple(dict.fromkeys(run.seed for run in self.candidates))

    @functools.cached_property
    def settings(self) -> tuple[Run, ...]:
        """The candidates with the first seed, one for each setting."""
        return tuple(run for run in self.candidates if run.seed == self.seeds[0])

    @functools.cached_property
    def activations(self) -> tuple[str, ...]:
        """The activations of the candidates."""
        return tuple(dict.fromkeys(run.activation for run in self.candidates))

    @functools.cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of settings in each rung and, last, in the final part."""
        first = len(self.settings)
        return tuple(itertools.accumulate(self.rungs, lambda size, _: math.ceil(size * self.keep), initial=first))

    @property
    def size(self) -> int:
        """The number of runs that may be trained: the candidates, and each setting with each seed of finalists."""
        return len(self.candidates) + bool(self.finalists) * len(self.settings) * len(self.more_seeds)

    def until(self, part: int, run: Run) -> int:
        """Return the epochs after which a rung stops, or the final part ends. run: one of the candidates."""
        return (*self.rungs, run.epochs)[part]

    @property
    def shape(self) -> dict[str, Any]:
        """The numbers of a search as plain values; ``search.parts.Shape`` describes them."""
        until = [self.until(part, self.candidates[0]) for part in range(len(self.sizes))]
        seeds = {"seeds": list(self.seeds), "more_seeds": list(self.more_seeds)}
        numbers = {"until": until, "sizes": list(self.sizes), "promoted": list(self.promoted)}
        return {"block": self.block, "dataset": self.dataset, **seeds, **numbers}

    @property
    def rankings(self) -> range:
        """The numbers of the rungs that are ranked. The final part is ranked only to find finalists."""
        return range(len(self.rungs) + bool(self.finalists))

    @property
    def promoted(self) -> tuple[int, ...]:
        """The number of settings that go on after each rung and, last, of finalists."""
        return (*self.sizes[1:], self.finalists)

    def slots_of(self, part: str | None, rung: int) -> int:
        """Return the number of slots in a rung, or in the part ``final`` or ``finalists``."""
        if part is None:
            return self.sizes[rung] if rung < len(self.sizes) else 0
        return self.finalists if part == "finalists" else self.sizes[-1]

    def slots(self, part: int) -> Iterator[tuple[int, int]]:
        """Yield the slots of a rung, and of the final part, as pairs of rank (from 0) and seed."""
        return itertools.product(range(self.sizes[part]), self.seeds)

    def finalist_slots(self) -> Iterator[tuple[int, int]]:
        """Yield the slots of finalists as pairs of rank (from 0) and new seed."""
        return itertools.product(range(self.finalists), self.more_seeds)

    def possible_finalists(self) -> Iterator[Run]:
        """Yield each setting with each seed that finalists add."""
        if self.finalists:
            for run in self.settings:
                yield from (replace(run, seed=seed) for seed in self.more_seeds)


def searches_of(blocks: Sequence[Block]) -> tuple[Search, ...]:
    """Return the searches of some entries, in the order of the entries and of their datasets."""
    found = []
    for number, block in enumerate(blocks):
        if block.halving or block.finalists:
            datasets: dict[str, list[Run]] = {}
            for run in block.table.runs:
                datasets.setdefault(run.dataset, []).append(run)
            found += [_search(number, block, dataset, runs) for dataset, runs in datasets.items()]
    return tuple(found)


def _search(number: int, block: Block, dataset: str, runs: Sequence[Run]) -> Search:
    seeds = {run.seed for run in runs}
    halving, finalists = block.halving or {}, block.finalists or {}
    return Search(
        block=number,
        dataset=dataset,
        candidates=tuple(runs),
        rungs=tuple(halving.get("epochs", ())),
        keep=Fraction(str(halving.get("keep", 1))),
        finalists=finalists.get("count", 0),
        more_seeds=tuple(seed for seed in finalists.get("seeds", ()) if seed not in seeds),
    )
