"""The parts of a search: its rungs, its final part and its finalists. Each must follow from the one before."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.experiment.runs import Run
from handgrad.search.ranking import Ranked, Ranking, rank, read_ranking, require_runs
from handgrad.search.rung_files import RungResult, read_result, result_of
from handgrad.storage.run_reader import Summary


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The numbers of a search, see ``experiment.searches.Search``. until, sizes, promoted: one for each part."""

    block: int
    dataset: str
    seeds: Sequence[int]
    more_seeds: Sequence[int]
    until: Sequence[int]
    sizes: Sequence[int]
    promoted: Sequence[int]


@dataclass(frozen=True)
class Part:
    """A rung of a search, or its final part. settings: from the best to the worst; the first ``promoted`` go on."""

    number: int
    until: int
    promoted: int
    settings: tuple[Ranked, ...]
    results: tuple[RungResult, ...]


def read_parts(
    shape: Shape, results: Iterator[str], rankings: Iterator[str], digests: Mapping[str, str], content: str
) -> tuple[list[Part], dict[str, str]]:
    """Return the parts of a search with halving, and the digest of each of its files by path.

    results, rankings: paths, part by part; only those of this search are taken. digests: code_digest and data_digest.
    content: the content_sha256 of the data.

    Raises HandgradError if a file was changed or was made with different code or data, if a ranking does not follow
    from the results of its rung, or if a slot holds a different run than its ranking says.
    """
    parts: list[Part] = []
    sums: dict[str, str] = {}
    before: Ranking | None = None
    for number, (until, size, promoted) in enumerate(zip(shape.until, shape.sizes, shape.promoted, strict=True)):
        found = {}
        for path in itertools.islice(results, size * len(shape.seeds)):
            found[path], sums[path] = read_result(path, until, dataset=shape.dataset, data_content=content, **digests)
        named = before.slots(shape.seeds) if before else [f"{shape.dataset}/{Path(path).stem}" for path in found]
        require_runs(found, named)
        before = Ranking(number, promoted, rank(found.values()))
        if promoted:
            path = next(rankings)
            _require_ranking(path, before, digests)
            sums[path] = file_sha256(path)
        parts.append(Part(number, until, promoted, before.settings, tuple(found.values())))
    return parts, sums


def finalist_runs(
    shape: Shape,
    ranked: Iterator[str],
    rankings: Iterator[str],
    finalists: Iterator[str],
    runs: Mapping[str, Summary],
    digests: Mapping[str, str],
) -> list[Run]:
    """Return the runs that the finalists of a search add.

    ranked, rankings, finalists: paths of the ranked run files, of last rankings and of the run files with new seeds;
    only those of this search are taken. runs: run files by path.

    Raises HandgradError if the last ranking does not follow from the ranked runs, or if a slot holds a different run.
    """
    path, count, seeds = next(rankings), shape.promoted[-1], shape.more_seeds
    found = [result_of(runs[path]) for path in itertools.islice(ranked, shape.sizes[-1] * len(shape.seeds))]
    ranking = Ranking(len(shape.sizes) - 1, count, rank(found))
    _require_ranking(path, ranking, digests)
    added = {path: result_of(runs[path]) for path in itertools.islice(finalists, count * len(seeds))}
    require_runs(added, ranking.slots(seeds))
    return [result.run for result in added.values()]


def _require_ranking(path: str, expected: Ranking, digests: Mapping[str, str]) -> None:
    if read_ranking(path, rung=expected.rung, **digests) != expected:
        raise HandgradError(f"{path}: does not follow from the results that it ranks; {REMEDY}")
