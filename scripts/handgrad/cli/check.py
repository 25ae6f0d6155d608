"""``handgrad check``: check an experiment file and print every mistake."""

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from handgrad.cli.options import print_json
from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.experiment.blocks import Block
from handgrad.experiment.config import Experiment, read_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.registry import data_digest
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout.memory import too_large
from handgrad.layout.paths import data_files
from handgrad.monitor.groups import search_title


def check_file(file: Path, changes: Iterable[str] = (), *, as_json: bool) -> int:
    """Check an experiment file and print its runs and warnings; return the exit status.

    changes: see ``read_experiment``. as_json: print one JSON document, mistakes included. Raises ConfigError after a
    mistake if ``as_json`` is False.
    """
    try:
        own, experiment = read_experiment(file, changes)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"file": str(file), "ok": False, "mistakes": error.mistakes})
        return 1
    runs = experiment.run_counts
    warnings = list(_warnings(own, experiment))
    entries = block_counts(experiment.blocks)
    if as_json:
        facts = {"name": experiment.name, "runs": runs, "entries": list(map(asdict, entries)), "warnings": warnings}
        print_json({"file": str(file), "ok": True, **facts, "searches": [one.shape for one in experiment.searches]})
        return 0
    datasets = ", ".join(f"{dataset} {number}" for dataset, number in runs.items())
    print(f"{file}: ok: {counted(runs.total(), 'run')} in {experiment.name} (datasets: {datasets})")
    if any(block.samples or block.zip or block.exclude for block in experiment.blocks):
        print(*(f"  experiments[{i}]: {_in_words(entry)}" for i, entry in enumerate(entries)), sep="\n")
    for search in experiment.searches:
        print(f"  experiments[{search.block}], {search.dataset}: {search_title(search)}")
    for warning in warnings:
        print(f"{file}: {warning} (warning)", file=sys.stderr)
    return 0


@dataclass(frozen=True)
class BlockCounts:
    """How many combinations each key of an entry of ``experiments`` gives and takes.

    grid: combinations of listed values. zip: steps of each group. samples: 0 if no axis is drawn. excluded: by item of
    ``exclude``. repeated: combinations that occurred before, also in earlier entries. runs: all that are left.
    """

    grid: int
    zip: list[int]
    samples: int
    excluded: list[int]
    repeated: int
    runs: int


def block_counts(blocks: Iterable[Block]) -> list[BlockCounts]:
    """Return the counts of each block."""
    found, seen = [], set[Run]()
    for block in blocks:
        groups, drawn = [tuple(group) for group in block.zip], tuple(block.drawn)
        grid = math.prod(size for axes, size in block.sizes.items() if axes not in (*groups, drawn))
        excluded, new = list(block.table.excluded), set(block.table.runs) - seen
        repeated = block.combinations - sum(excluded) - len(new)
        zipped = [block.sizes[group] for group in groups]
        found.append(BlockCounts(grid, zipped, block.samples or 0, excluded, repeated, len(new)))
        seen |= new
    return found


def _in_words(counts: BlockCounts) -> str:
    """Return ``grid 6 x zip 2 x samples 81, exclude[0] -12: 960 runs``."""
    gives = [f"grid {counts.grid}", *(f"zip[{i}] {size}" for i, size in enumerate(counts.zip))]
    gives += [f"samples {counts.samples}"] if counts.samples else []
    takes = [f"exclude[{i}] -{number}" for i, number in enumerate(counts.excluded)]
    takes += [f"repeated -{counts.repeated}"] if counts.repeated else []
    return f"{', '.join([' x '.join(gives), *takes])}: {counted(counts.runs, 'run')}"


def _warnings(own: dict[str, Any], experiment: Experiment) -> Iterator[str]:
    if "experiments" in own and "name" not in own:
        yield f"name: missing, so the tables would overwrite those in results/{experiment.name}/; add a name"
    for i, block in enumerate(experiment.blocks):
        nothing = [place for place, number in enumerate(block.table.excluded) if not number]
        yield from (f"experiments[{i}].exclude[{place}]: leaves out no combination" for place in nothing)
    for path in map(Path, data_files(experiment)):
        if path.is_file():
            yield from _stored_warnings(path, data_digest(experiment.datasets[path.stem]))
    yield from dict.fromkeys(line for search in experiment.searches for line in _search_warnings(search))
    if line := too_large(experiment.all_runs, experiment.datasets):
        yield line


def _search_warnings(search: Search) -> Iterator[str]:
    entry = f"experiments[{search.block}]"
    if search.finalists and not search.more_seeds:
        yield f"{entry}.finalists.seeds: the settings have all these seeds already, so no run is added"
    idle = [rung for rung, (one, next_one) in enumerate(pairwise(search.sizes)) if one == next_one]
    if idle:
        until, left = search.rungs[idle[0]], counted(search.sizes[idle[0]], "setting")
        yield f"{entry}.halving.epochs: no setting stops after epoch {until}, because only {left} is left"


def _stored_warnings(path: Path, expected: str) -> Iterator[str]:
    """Yield the warnings that are stored in a dataset file."""
    from handgrad.datasets.data import open_data  # loads h5py, which takes as long as all other imports
    from handgrad.storage.provenance import source

    with suppress(HandgradError), open_data(path, expected) as stored:  # the job that reads the file reports damage
        yield from (f"{path.stem}: {warning}" for warning in source(stored).warnings)
