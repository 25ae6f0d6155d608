"""Measure the seconds per epoch of handgrad, of alternative libraries and of a lower bound (``make bench``).

In each round, all contenders train on the same batches of random images, one after another, on one core. The bound
is the time of the two large matrix products of a step. The script writes speed.md, speed.csv and speed.svg, and
compares the times with those stored for this CPU (``stored_speed``).
"""

import argparse
import itertools
import platform
import sys
import time
from pathlib import Path

import one_core  # noqa: F401, must be imported before NumPy

# isort: split
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from contenders import CONTENDERS, LAYOUTS, Train, products
from handgrad.storage.run_writer import cpu_model, versions
from problem import BATCH_SIZE, DATASETS, Array, Cell, Images
from speed_report import BOUND, NOISE, OURS, write_report
from stored_speed import comparison, store, stored_path

ACTIVATIONS = ("softplus", "tanh", "cos")
HIDDEN_UNITS = (100, 200, 300)
DTYPES = ("float32", "float64")


def main(out: Path, rounds: int, batches: int, datasets: list[str], dtypes: list[str], keep: bool) -> None:
    """Measure all cells of the table, write the report and print the comparison with the stored table.

    keep: True also stores the table for this CPU.
    """
    rows = []
    for dataset in datasets:
        images = Images(DATASETS[dataset])
        for dtype, activation, hidden_units in itertools.product(dtypes, ACTIVATIONS, HIDDEN_UNITS):
            cell = Cell(dataset, activation, hidden_units, dtype)
            with threadpool_limits(1), np.errstate(all="ignore"):
                seconds = measure(cell, images, rounds, batches)
            what = {"dataset": cell.data.name, "dtype": dtype, "activation": activation, "M": hidden_units}
            rows.append({**what, **dict.fromkeys(CONTENDERS, np.nan), **seconds})
            print(*what.values(), *(f"{name} {value:.4f}" for name, value in seconds.items()), flush=True)
    how = f"medians of {rounds} rounds of {batches} batches of {BATCH_SIZE} each, scaled to an epoch; one core"
    table, path = pd.DataFrame(rows), stored_path()
    print(write_report(out, table, f"{machine()}; {how}"))
    print(comparison(table, path))
    if keep:
        store(table, path)


def measure(cell: Cell, images: Images, rounds: int, batches: int) -> dict[str, float]:
    """Return the median seconds per epoch of the bound and of each contender that supports this cell.

    Also returns, as NOISE, the standard error of the ratio of handgrad to the bound, relative to the ratio.
    """
    trains = {BOUND: best_products(cell, batches)}
    trains |= {name: train for name, make in CONTENDERS.items() if (train := make(cell, images))}
    rng = np.random.default_rng(1)
    for train in trains.values():  # warm up: compile, load, fill caches
        train(images.order(rng, batches))
    seconds: dict[str, list[float]] = {name: [] for name in trains}
    for _ in range(rounds):
        order = images.order(rng, batches)
        for name, train in trains.items():
            seconds[name].append(timed(train, order))
    share = batches * BATCH_SIZE / cell.data.examples
    ratios = np.log(np.divide(seconds[OURS], seconds[BOUND]))
    noise = float(ratios.std(ddof=1) / np.sqrt(rounds)) if rounds > 1 else np.nan
    return {name: float(np.median(values)) / share for name, values in seconds.items()} | {NOISE: noise}


def best_products(cell: Cell, batches: int) -> Train:
    """Return the two large products in the fastest memory layout."""
    candidates = [products(cell, layout) for layout in LAYOUTS]
    order = np.empty((batches, 1))
    times = [[timed(train, order) for train in candidates] for _ in range(3)]
    return candidates[int(np.median(times, axis=0).argmin())]


def timed(train: Train, order: Array) -> float:
    """Return the seconds that training on these rows takes."""
    began = time.perf_counter()
    train(order)
    return time.perf_counter() - began


def machine() -> str:
    """Return the processor, the operating system and the versions of all libraries."""
    found = dict(versions())
    names = [f"Python {found['python']}", f"NumPy {found['numpy']}"]
    for module, name in (
        ("scipy", "SciPy"),
        ("sklearn", "scikit-learn"),
        ("torch", "PyTorch"),
        ("jax", "JAX"),
    ):
        if module in sys.modules:
            names.append(f"{name} {sys.modules[module].__version__}")
    return f"{cpu_model()}, {platform.system()}; {', '.join(names)}; BLAS: {found['blas']}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=100, help="batches per round; an epoch has 500 or 600")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=["mnist", "cifar10"])
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--store", action="store_true", dest="keep", help="store the table as that of this CPU")
    main(**vars(parser.parse_args()))
