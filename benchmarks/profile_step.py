"""Measure the parts of a training step, the cost of evaluation, and the cost of a step with diverged weights.

    python benchmarks/profile_step.py [--dataset mnist] [--hidden-units 200] [--dtype float32]

Prints Markdown tables with medians of several rounds over random images, on one core with one BLAS thread.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import one_core  # noqa: F401, must be imported before NumPy

# isort: split
import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Weights
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.loop import batches_of, evaluate
from problem import BATCH_SIZE, DATASETS, L2, Cell, Images

ROUNDS = 9
STEPS = 100
EVALUATED = 10_000

#: factors of the weights, by their names in the table
AWAY = {"1e6 times as large": 1e6, "infinite": np.inf, "not a number": np.nan}


def main(dataset: str, hidden_units: int, dtype: str) -> None:
    """Print all tables."""
    images = Images(DATASETS[dataset])
    cells = {name: Cell(dataset, name, hidden_units, dtype) for name in ACTIVATIONS}
    with threadpool_limits(1), np.errstate(all="ignore"):
        print("| microseconds of a step |", " | ".join(cells), f"|\n|---|{'--:|' * len(cells)}")
        parts = {name: parts_of_a_step(cell, images) for name, cell in cells.items()}
        for part in next(iter(parts.values())):
            print("|", part, "|", " | ".join(f"{1e6 * found[part]:.0f}" for found in parts.values()), "|")
        print("\n| evaluating 10,000 examples |", " | ".join(cells), f"|\n|---|{'--:|' * len(cells)}")
        updates = images.dataset.examples / BATCH_SIZE
        shares = [evaluation(cell, images) / updates / parts[name]["total"] for name, cell in cells.items()]
        print("| percent of an epoch's updates |", " | ".join(f"{100 * share:.1f}" for share in shares), "|")
        print("\n| a step whose weights are |", " | ".join(cells), f"|\n|---|{'--:|' * len(cells)}")
        times = [away(cell, images) for cell in cells.values()]
        for name in AWAY:
            print("|", name, "|", " | ".join(f"{ratios[name]:.2f} times" for ratios in times), "|")


def batch_of(cell: Cell, images: Images, scale: float = 1.0) -> Batch:
    """Return a batch whose weights are all random, including the output weights."""
    rng = np.random.default_rng(0)
    first = cell.first_weights()
    W = Weights(scale * first.W1, scale * 0.1 * rng.standard_normal(first.W2.shape).astype(cell.dtype))
    return Batch(in_step_order(W), images.scaling, ACTIVATIONS[cell.activation], BATCH_SIZE)


def parts_of_a_step(cell: Cell, images: Images) -> dict[str, float]:
    """Return the median seconds of each part of a step, and of its two large products alone."""
    batch, order = batch_of(cell, images), images.order(np.random.default_rng(1), STEPS)
    W1, _ = batch.W
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        seconds = dict.fromkeys(("load", "forward", "softmax", "ascend"), 0.0)
        w1_scale = 1.0
        for rows in order:
            seconds["load"] += timed(batch.load, images.split, rows)
            seconds["forward"] += timed(batch.forward, w1_scale)
            seconds["softmax"] += timed(batch.softmax)
            began = time.perf_counter()
            w1_scale = batch.ascend(w1_scale, cell.data.eta, L2)
            seconds["ascend"] += time.perf_counter() - began
        W1[...] *= w1_scale
        product = sum(timed(np.matmul, batch.X, W1.T, batch.A) for _ in order)
        seconds["product X W1' (part of forward)"] = product
        add = {"beta": 1.0, "c": W1, "trans_b": True, "overwrite_c": True}
        product = sum(timed(batch.add_product, 1e-30, batch.A.T, batch.X.T, **add) for _ in order)
        seconds["update of W1 (part of ascend)"] = product
        rounds.append(seconds)
    medians = {part: statistics.median(found[part] for found in rounds) / STEPS for part in rounds[0]}
    whole = sum(medians[part] for part in ("load", "forward", "softmax", "ascend"))
    return {**medians, "total": whole}


def timed(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - began


def evaluation(cell: Cell, images: Images) -> float:
    """Return the median seconds of evaluating EVALUATED examples."""
    of_size = batches_of(batch_of(cell, images).W, images.scaling, ACTIVATIONS[cell.activation])
    rows = np.arange(EVALUATED)
    return statistics.median(timed(evaluate, of_size, images.split, rows) for _ in range(ROUNDS))


def away(cell: Cell, images: Images) -> dict[str, float]:
    """Return the time of a step with diverged weights, relative to ordinary weights.

    eta is 0, so the steps do not change the weights.
    """
    batches = {name: batch_of(cell, images, scale) for name, scale in {"": 1.0, **AWAY}.items()}
    order = images.order(np.random.default_rng(1), STEPS)

    def steps(batch: Batch) -> None:
        for rows in order:
            batch.load(images.split, rows)
            batch.forward()
            batch.softmax()
            batch.ascend(1.0, 0.0, 0.0)

    rounds = [{name: timed(steps, batch) for name, batch in batches.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(found[name] / found[""] for found in rounds) for name in AWAY}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=DATASETS, default="mnist")
    parser.add_argument("--hidden-units", type=int, default=200)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    main(options.dataset, options.hidden_units, options.dtype)
