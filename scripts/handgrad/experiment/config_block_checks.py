"""Find mistakes in an entry of ``experiments`` that a schema cannot find.

Each check yields one line for each mistake. path: the keys that lead to the entry.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from handgrad.experiment.blocks import Block, named_values
from handgrad.experiment.config_errors import key_path, mistake, unknown
from handgrad.experiment.registry import missing_facts
from handgrad.experiment.runs import canonical_text
from handgrad.experiment.searches import Search, searches_of, setting_of

Path = list[Any]
Datasets = Mapping[str, Mapping[str, Any]]

MOST_RUNS = 100_000


def block_mistakes(path: Path, block: Block, datasets: Datasets) -> Iterator[str]:
    """Yield the mistakes of a block. Its runs are checked if the block itself has no mistake."""
    named = dict.fromkeys(named_values(block.axes["dataset"]))
    wrong = [dataset for dataset in named if dataset not in datasets]
    mistakes = [unknown([*path, "dataset"], dataset, datasets, many=True) for dataset in wrong]
    mistakes += [*_distribution_mistakes(path, block), *_samples_mistakes(path, block), *_zip_mistakes(path, block)]
    if not mistakes and block.combinations > MOST_RUNS:
        mistakes = [f"{key_path(path)}: spans {block.combinations} runs, expected at most {MOST_RUNS}"]
    yield from mistakes or _run_mistakes(path, block, datasets)


def _distribution_mistakes(path: Path, block: Block) -> Iterator[str]:
    for axis, distribution in block.drawn.items():
        ((name, ends),) = distribution.items()
        if name == "choice":
            continue
        if None in ends or not ends[0] < ends[1]:
            yield mistake([*path, axis, name], ends, "two numbers, the lower one first")
        elif name == "log_uniform" and ends[0] <= 0:
            yield mistake([*path, axis, name], ends, "numbers greater than 0, because they have a logarithm")


def _samples_mistakes(path: Path, block: Block) -> Iterator[str]:
    drawn = ", ".join(block.drawn)
    if drawn and block.samples is None:
        yield f"{key_path(path)}: lacks samples, the number of values to draw for {drawn}"
    elif block.samples is not None and not drawn:
        remedy = "write one, such as {log_uniform: [0.001, 0.1]}, or remove samples"
        yield mistake([*path, "samples"], block.samples, "null, because no axis has a distribution", remedy)


def _zip_mistakes(path: Path, block: Block) -> Iterator[str]:
    seen: set[str] = set()
    for i, group in enumerate(block.zip):
        place = [*path, "zip", i]
        sizes = {axis: len(block.axes[axis]) for axis in group}
        if drawn := [axis for axis in group if axis in block.drawn]:
            yield mistake(place, list(group), f"axes with lists of values, but {drawn[0]} is drawn")
        elif len(set(sizes.values())) > 1:
            found = ", ".join(f"{axis} has {size}" for axis, size in sizes.items())
            yield f"{key_path(place)}: found lists of different lengths, expected equal lengths: {found}"
        if again := seen.intersection(group):
            yield mistake(place, list(group), f"each axis in one group, but {min(again)} is in an earlier one too")
        seen.update(group)


def _run_mistakes(path: Path, block: Block, datasets: Datasets) -> Iterator[str]:
    """Yield the mistakes that depend on the combinations of values."""
    table = block.table
    if block.samples is not None and table.samples < block.samples:
        most = f"at most {table.samples}: no more different combinations of {', '.join(block.drawn)} were found"
        yield mistake([*path, "samples"], block.samples, most, "widen a distribution, or write lists of values")
    if not table.runs:
        yield f"{key_path([*path, 'exclude'])}: leaves out all {block.combinations} combinations, expected to keep one"
    batches: dict[tuple[str, int, int | None], dict[int, None]] = {}
    for run in table.runs:
        batches.setdefault((run.dataset, run.validation_size, run.train_size), {})[run.batch_size] = None
    for split, sizes in batches.items():
        if not missing_facts(datasets[split[0]]):  # otherwise the entry of the dataset has a mistake of its own
            yield from _split_mistakes(path, *split, list(sizes), datasets)
    for search in searches_of([block]):
        yield from _search_mistakes(path, block, search)


def _search_mistakes(path: Path, block: Block, search: Search) -> Iterator[str]:
    """Yield the mistakes of ``halving`` and ``finalists`` on one dataset."""
    key = "halving" if block.halving else "finalists"
    if not all(run.validation_size for run in search.candidates):
        yield f"{key_path([*path, key])}: ranks settings on validation examples; set validation_size"
    seeds: dict[Any, set[int]] = {}
    for run in search.candidates:
        seeds.setdefault(tuple(setting_of(run).values()), set()).add(run.seed)
    if any(found != set(search.seeds) for found in seeds.values()):
        yield f"{key_path([*path, key])}: found settings with different seeds, expected the same seeds for all"
        return
    if search.size > MOST_RUNS:
        yield f"{key_path([*path, 'finalists'])}: spans {search.size} runs, expected at most {MOST_RUNS}"
    if block.halving:
        yield from _rung_mistakes([*path, "halving"], search)
    if search.finalists > search.sizes[-1]:
        yield mistake(
            [*path, "finalists", "count"],
            search.finalists,
            f"at most {search.sizes[-1]}, the settings trained to the end",
        )


def _rung_mistakes(path: Path, search: Search) -> Iterator[str]:
    rungs, ends = list(search.rungs), list(dict.fromkeys(run.epochs for run in search.candidates))
    if len(ends) > 1:
        yield mistake([*path[:-1], "epochs"], ends, "one value, because of halving")
    elif not all(one < next_one for one, next_one in itertools.pairwise([*rungs, *ends])):
        yield mistake([*path, "epochs"], rungs, f"increasing numbers of epochs below epochs: {ends[0]}")
    if not 0 < search.keep < 1:
        yield mistake([*path, "keep"], str(search.keep), "a fraction between 0 and 1, such as 1/3")


def _split_mistakes(
    path: Path, dataset: str, validation: int, train: int | None, batches: list[int], datasets: Datasets
) -> Iterator[str]:
    """Yield the mistakes of one split of a dataset and of its batch sizes."""
    images = datasets[dataset]["train"]
    left = images - validation
    rows = left if train is None else train
    limits = [("validation_size", validation, images - 1), ("train_size", train or 0, left)]
    limits += [("batch_size", batch, rows) for batch in batches]
    wrong = next((limit for limit in limits if limit[1] > limit[2]), None)
    if wrong:
        axis, value, most = wrong
        sizes = f"train_size {canonical_text(train)}, validation_size {validation}"
        yield mistake(
            [*path, axis], value, f"at most {most}: {key_path([dataset])} has {images} training examples ({sizes})"
        )
