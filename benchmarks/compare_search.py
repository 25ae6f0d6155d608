"""Compare the full search, successive halving, random search and Optuna (``make bench-search``).

    python benchmarks/compare_search.py [--out FOLDER] [--repeats 10] [--cores 2] CONFIG [CONFIG ...]

The configs are experiment files. Snakemake has already made results/data/ from them. Each entry with ``halving`` is the
space of one dataset. Its samples are all trained to the end: the pool. Each repeat draws candidates from the pool,
and each search is simulated with their histories. Optuna suggests and trains its own settings. The histories are kept
in the output folder, so that a repetition trains nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_files import read_config
from handgrad.experiment.registry import data_digest
from handgrad.experiment.searches import Search
from handgrad.layout import paths
from histories import Source, history_of
from optuna_search import PRUNERS, Study, optuna_version
from optuna_search import search as optuna_search
from search_methods import Found, Histories, halving, planned_epochs, whole_search
from search_report import FULL, HALVING, RANDOM, RANDOM_TWICE, Comparison, optuna_name, write_report

DRAWN = 81  # candidates of a search


def main(configs: Sequence[Path], out: Path, repeats: int, cores: int) -> None:
    """Compare the searches of each space, and write the report."""
    experiment = load_experiment(read_config(configs))
    with ProcessPoolExecutor(cores) as pool:
        comparisons = [compare(experiment, space, out, repeats, pool) for space in experiment.searches]
    print(write_report(out, comparisons, optuna_version()))


def compare(experiment: Experiment, space: Search, out: Path, repeats: int, pool: ProcessPoolExecutor) -> Comparison:
    """Train the pool of a space and Optuna's trials, and return what each search found in each repeat."""
    runs = space.candidates
    source = source_of(experiment, space.dataset, out / "histories")
    known = dict(zip((run.name for run in runs), pool.map(history_of, runs, [source] * len(runs)), strict=True))
    print(f"{space.dataset}: {len(runs)} settings are trained", flush=True)
    block, searches = experiment.blocks[space.block], [draw(space, repeat) for repeat in range(repeats)]
    found = [simulated(search, known) for search in searches]
    for pruner in PRUNERS if optuna_version() else ():
        studies = [Study(block, search, source, pruner, seed) for seed, search in enumerate(searches)]
        for methods, one in zip(found, pool.map(optuna_search, studies), strict=True):
            methods[optuna_name(pruner)] = one
        print(f"{space.dataset}: Optuna with {pruner} has searched {repeats} times", flush=True)
    return Comparison(run=runs[0], pool=len(runs), drawn=DRAWN, test_examples=source.test_examples, repeats=found)


def source_of(experiment: Experiment, dataset: str, folder: Path) -> Source:
    """Return the file of a dataset in results/data/."""
    return Source(Path(paths.DATA.format(dataset=dataset)), data_digest(experiment.datasets[dataset]), folder)


def draw(space: Search, repeat: int) -> Search:
    """Return a search with candidates that are drawn from the pool, in random order."""
    order = np.random.default_rng(repeat).permutation(len(space.candidates))[:DRAWN]
    return replace(space, candidates=tuple(space.candidates[i] for i in order))


def simulated(search: Search, known: Histories) -> dict[str, Found]:
    """Return what each method finds among the candidates of a search."""
    runs, whole_runs = search.candidates, planned_epochs(search) // search.candidates[0].epochs
    return {
        FULL: whole_search(runs, known),
        HALVING: halving(search, known),
        RANDOM: whole_search(runs[:whole_runs], known),
        RANDOM_TWICE: whole_search(runs[: 2 * whole_runs], known),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, metavar="CONFIG")
    parser.add_argument("--out", type=Path, default=Path("results/search_bench"))
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    main(options.configs, options.out, options.repeats, options.cores)
