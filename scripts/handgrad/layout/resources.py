"""Estimate the operations, time, memory and disk space of jobs.

``facts`` is the registry entry of a dataset. Every job parses the workflow again, so this module imports little.
"""

import math
from collections.abc import Mapping
from typing import Any

from handgrad.experiment.config import CheckSettings
from handgrad.experiment.registry import input_count, test_count, value_bytes
from handgrad.experiment.runs import Run, training_cost
from handgrad.gradient_check.settings import GATE

Facts = Mapping[str, Any]

#: additional memory of a cluster job, which starts Snakemake again
SNAKEMAKE_MEGABYTES = 150

#: costs outside the matrix products, as the number of matrix-product operations that take the same time (measured with
#: benchmarks/profile_step.py): to gather and convert a pixel, softmax of a class, h and h' of a hidden unit
A_PIXEL, A_CLASS = 40, 1500
A_UNIT = {
    "softplus": 550,
    "tanh": 250,
    "cos": 300,
    "relu": 50,
    "sigmoid": 330,
    "gelu": 580,
    "silu": 430,
    "sin": 300,
}
ANOTHER_UNIT = 300
#: with momentum: additional cost of each weight of W1 in each update, to read and write the velocity
A_VELOCITY = 140
#: NumPy has no vectorised cos and sin for float64
SLOW_UNIT = {("cos", "float64"): 1400, ("sin", "float64"): 1400}
#: seconds for the function calls of an update, independent of all sizes
AN_UPDATE = 18e-6


def data_values(facts: Facts) -> int:
    """Return the number of inputs in both splits of a dataset."""
    examples: int = facts["train"] + test_count(facts)
    return input_count(facts) * examples


def train_size(run: Run, facts: Facts) -> int:
    """Return the number of training examples."""
    left: int = facts["train"] - run.validation_size
    return run.train_size or left


def updates(run: Run, facts: Facts) -> int:
    """Return the number of updates in an epoch."""
    return math.ceil(train_size(run, facts) / run.batch_size)


def epoch_seconds(run: Run, facts: Facts, rate: float) -> float:
    """Return the seconds of an epoch. rate: floating-point operations per second in matrix products."""
    return operations(run, facts) / rate + updates(run, facts) * AN_UPDATE


def operations(run: Run, facts: Facts) -> float:
    """Return the cost of an epoch and its evaluation, in floating-point operations of a matrix product.

    The constant cost of each update (AN_UPDATE) is not included.
    """
    D, K, M = input_count(facts), len(facts["class_names"]), run.hidden_units
    a_unit = SLOW_UNIT.get((run.activation, run.dtype), A_UNIT.get(run.activation, ANOTHER_UNIT))
    beside = A_PIXEL * D + A_CLASS * K + a_unit * M
    trained, evaluated = train_size(run, facts), float(test_count(facts) + run.validation_size)
    products = training_cost(run, inputs=D, classes=K, train_size=trained) / run.epochs
    velocity = A_VELOCITY * M * (D + 1) * updates(run, facts) if run.momentum else 0
    return products + velocity + trained * beside + evaluated * (2 * M * (D + 1 + K) + beside)


def max_seconds(run: Run, facts: Facts, epochs: int) -> float:
    """Return the seconds of some epochs of a run on a slow core: an upper bound for time limits on a cluster.

    The core is assumed to compute ten billion operations per second in matrix products. Each update takes 0.3 ms more,
    and 3 ns for each weight of W1, because it reads and writes all weights. With momentum, it also reads and writes
    the velocity, which takes another 3 ns for each weight. Current cores are three to twenty times faster.
    """
    inputs, passed = input_count(facts), train_size(run, facts)
    flop = training_cost(run, inputs=inputs, classes=len(facts["class_names"]), train_size=passed) / run.epochs
    passes = 2 if run.momentum else 1
    an_update = 3e-4 + passes * 3e-9 * run.hidden_units * (inputs + 1)
    return epochs * (flop * 1e-10 + updates(run, facts) * an_update)


def run_megabytes(run: Run, facts: Facts) -> int:
    """Return the memory to request for a run, in megabytes: 20 percent more than ``min_megabytes``."""
    return math.ceil(1.2 * min_megabytes(run, facts))


def min_megabytes(run: Run, facts: Facts) -> int:
    """Return the memory that a run needs, in megabytes: the largest resident set, fitted to measurements.

    It is the sum of: Python and its libraries; the data; three arrays of the size of W1, or four with
    momentum; and the batches. The arrays of the size of W1 include the float64 draw of the initial weights and, later,
    the checkpoint. The batches are the full batch, the last batch, and the blocks of 500 examples that are evaluated.
    Each batch holds its pixels as bytes and as numbers, and four numbers for each hidden unit and example, or five
    with softplus.
    """
    return (_bytes_beside_units(run, facts) + run.hidden_units * _bytes_of_unit(run, facts)) // 10**6


def max_units(run: Run, facts: Facts, megabytes: int) -> int:
    """Return the maximum number of hidden units that fit into this memory; less than 1 if none fit."""
    return (megabytes * 10**6 - _bytes_beside_units(run, facts)) // _bytes_of_unit(run, facts)


def _bytes_beside_units(run: Run, facts: Facts) -> int:
    inputs = input_count(facts)
    an_input = value_bytes(facts) + _number_bytes(run)
    data = data_values(facts) * value_bytes(facts)
    return 100 * 10**6 + data + _batch_examples(run, facts) * (an_input * inputs + 1000)


def _bytes_of_unit(run: Run, facts: Facts) -> int:
    weights = (4 if run.momentum else 3) * input_count(facts)
    values = 5 if run.activation == "softplus" else 4
    return _number_bytes(run) * (weights + values * _batch_examples(run, facts))


def _batch_examples(run: Run, facts: Facts) -> int:
    """Return the number of examples in all batch buffers; each batch size that occurs has one buffer."""
    trained, block = train_size(run, facts), 500
    sizes = {min(run.batch_size, trained), trained % run.batch_size}
    for count in (test_count(facts), run.validation_size):
        sizes |= {min(count, block), count % block}
    return sum(sizes)


def _number_bytes(run: Run) -> int:
    return 8 if run.dtype == "float64" else 4


def preprocess_megabytes(facts: Facts) -> int:
    """Return the memory to make a dataset file, in megabytes: the data twice, the source files, and Python."""
    files: int = sum(file["size"] for file in facts["files"].values())
    copies = 2 if value_bytes(facts) == 1 else 20  # pandas holds a table as text and as float64
    return 200 + (copies * data_values(facts) * value_bytes(facts) + files) // 10**6


def check_megabytes(facts: Facts, check: CheckSettings) -> int:
    """Return the memory of a gradient check or a gate, in megabytes.

    It includes Python, the data, and float64 arrays: sixteen of the size of W1, eight of the size of X.
    """
    inputs, data = input_count(facts) + 1, data_values(facts) * value_bytes(facts)
    hidden_units, examples = max(check.hidden_units, GATE.hidden_units), max(check.examples, GATE.examples)
    return 200 + (data + (16 * 8 * hidden_units + 8 * 8 * examples) * inputs) // 10**6


def run_bytes(run: Run, facts: Facts) -> int:
    """Return the size of a run file, in bytes: weights, predictions, probabilities of the test split, and the rest."""
    predictions: int = test_count(facts) * (1 + 2 * len(facts["class_names"]))
    return weight_bytes(run, facts) + predictions + 56 * run.epochs + 15_000


def checkpoint_bytes(run: Run, facts: Facts) -> int:
    """Return the size of the checkpoint of a finished run, in bytes."""
    velocity = weight_bytes(run, facts) if run.momentum else 0
    return run_bytes(run, facts) + velocity


def stopped_bytes(run: Run, facts: Facts) -> int:
    """Return the size of the checkpoint of a run that has not ended, in bytes."""
    return weight_bytes(run, facts) * (2 if run.momentum else 1) + 4_000


def weight_bytes(run: Run, facts: Facts) -> int:
    """Return the size of W1 and W2 in bytes."""
    D, K, M = input_count(facts), len(facts["class_names"]), run.hidden_units
    return (M * (D + 1) + K * (M + 1)) * _number_bytes(run)


def data_bytes(facts: Facts) -> int:
    """Return the size of a dataset file, in bytes: its inputs and labels."""
    labels: int = facts["train"] + test_count(facts)
    return data_values(facts) * value_bytes(facts) + labels + 100_000
