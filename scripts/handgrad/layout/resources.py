"""What jobs need, by the numbers of a run and of its dataset: operations, time, memory, room on disk.

``facts`` is a dataset's entry in the registry. Light, because Snakemake parses the workflow in every job.
"""

import math
from collections.abc import Mapping
from typing import Any

from handgrad.experiment.config import CheckSettings
from handgrad.experiment.runs import Run, training_cost
from handgrad.gradient_check.settings import GATE

Facts = Mapping[str, Any]

#: what a job on a cluster needs besides its script: Snakemake, which starts again in each
SNAKEMAKE_MEGABYTES = 150

#: what else is done, in operations of a matrix product that take as long (benchmarks/profile_step.py shows
#: the parts): a pixel that is gathered and converted, the softmax of a class, and h and h' of a hidden unit
A_PIXEL, A_CLASS = 40, 1500
A_UNIT = {"softplus": 550, "tanh": 250, "cos": 300}
ANOTHER_UNIT = 300
#: with momentum: each weight of W1 in each update, since the velocity passes through memory
A_VELOCITY = 140
#: cos in float64 has no vector code in NumPy
SLOW_UNIT = {("cos", "float64"): 1400}
#: seconds of an update that do not depend on any size: calls
AN_UPDATE = 18e-6


def pixels_of_image(facts: Facts) -> int:
    """Return D, the number of pixel values of an image."""
    return math.prod(facts["image_shape"])


def pixels_of_dataset(facts: Facts) -> int:
    """Return how many pixel values a dataset has, both splits together."""
    images: int = facts["train"] + facts["test"]
    return pixels_of_image(facts) * images


def train_size(run: Run, facts: Facts) -> int:
    """Return how many examples an epoch passes."""
    left: int = facts["train"] - run.validation_size
    return run.train_size or left


def updates(run: Run, facts: Facts) -> int:
    """Return how many updates an epoch has."""
    return math.ceil(train_size(run, facts) / run.batch_size)


def epoch_seconds(run: Run, facts: Facts, rate: float) -> float:
    """Return the seconds of an epoch at so many floating-point operations a second in matrix products."""
    return operations(run, facts) / rate + updates(run, facts) * AN_UPDATE


def operations(run: Run, facts: Facts) -> float:
    """Return what an epoch computes, its evaluation too, in floating-point operations of a matrix product.

    Apart from what each update costs whatever its size (AN_UPDATE).
    """
    D, K, M = pixels_of_image(facts), len(facts["class_names"]), run.hidden_units
    a_unit = SLOW_UNIT.get((run.activation, run.dtype), A_UNIT.get(run.activation, ANOTHER_UNIT))
    beside = A_PIXEL * D + A_CLASS * K + a_unit * M
    trained, evaluated = train_size(run, facts), float(facts["test"] + run.validation_size)
    products = training_cost(run, inputs=D, classes=K, train_size=trained) / run.epochs
    velocity = A_VELOCITY * M * (D + 1) * updates(run, facts) if run.momentum else 0
    return products + velocity + trained * beside + evaluated * (2 * M * (D + 1 + K) + beside)


def max_seconds(run: Run, facts: Facts) -> float:
    """Return the seconds of a run on a slow core, that of a cluster's oldest node: an upper bound, to ask for.

    Ten billion operations a second in matrix products; and for each update 0.3 ms, and 3 ns for a weight of
    W1, since an update passes over all of them however few its examples are; twice that with momentum, which
    passes over the velocity too. A core of today is three to twenty times as fast.
    """
    inputs, passed = pixels_of_image(facts), train_size(run, facts)
    flop = training_cost(run, inputs=inputs, classes=len(facts["class_names"]), train_size=passed)
    passes = 2 if run.momentum else 1
    an_update = 3e-4 + passes * 3e-9 * run.hidden_units * (inputs + 1)
    return flop * 1e-10 + run.epochs * updates(run, facts) * an_update


def run_megabytes(run: Run, facts: Facts) -> int:
    """Return the memory to ask for a run: a fifth more than what it needs by measurement."""
    return math.ceil(1.2 * min_megabytes(run, facts))


def min_megabytes(run: Run, facts: Facts) -> int:
    """Return the memory that a run needs: its largest resident set, by measurement.

    Python and its libraries, the pixels as bytes, three arrays like W1 (initial weights are drawn in float64;
    later, a checkpoint is made in memory), four with momentum, and the batches: the full and the last one,
    and the 500 examples that are evaluated at once. A batch holds its pixels as bytes and as numbers, and
    three numbers a hidden unit.
    """
    return (_bytes_beside_units(run, facts) + run.hidden_units * _bytes_of_unit(run, facts)) // 10**6


def max_units(run: Run, facts: Facts, megabytes: int) -> int:
    """Return the most hidden units that a run could have in so much memory; less than 1 if none."""
    return (megabytes * 10**6 - _bytes_beside_units(run, facts)) // _bytes_of_unit(run, facts)


def _bytes_beside_units(run: Run, facts: Facts) -> int:
    inputs = pixels_of_image(facts)
    a_pixel = 1 + _number_bytes(run)
    return 100 * 10**6 + pixels_of_dataset(facts) + _batch_examples(run, facts) * (a_pixel * inputs + 1000)


def _bytes_of_unit(run: Run, facts: Facts) -> int:
    weights = (4 if run.momentum else 3) * pixels_of_image(facts)
    return _number_bytes(run) * (weights + 3 * _batch_examples(run, facts))


def _batch_examples(run: Run, facts: Facts) -> int:
    """The examples of all batches that are in memory: a batch of each size that occurs is made once."""
    trained, block = train_size(run, facts), 500
    sizes = {min(run.batch_size, trained), trained % run.batch_size}
    for count in (facts["test"], run.validation_size):
        sizes |= {min(count, block), count % block}
    return sum(sizes)


def _number_bytes(run: Run) -> int:
    return 8 if run.dtype == "float64" else 4


def preprocess_megabytes(facts: Facts) -> int:
    """Return the memory of making a dataset's file: the pixels twice, the files they come from, and Python itself."""
    files: int = sum(file["size"] for file in facts["files"].values())
    return 200 + (2 * pixels_of_dataset(facts) + files) // 10**6


def check_megabytes(facts: Facts, check: CheckSettings) -> int:
    """Return the memory of a check, enough for the gate as well.

    Pixels as bytes, sixteen float64 arrays like W1, eight like X, and Python.
    """
    inputs, pixels = pixels_of_image(facts) + 1, pixels_of_dataset(facts)
    hidden_units, examples = max(check.hidden_units, GATE.hidden_units), max(check.examples, GATE.examples)
    return 200 + (pixels + (16 * 8 * hidden_units + 8 * 8 * examples) * inputs) // 10**6


def run_bytes(run: Run, facts: Facts) -> int:
    """Return the size of a run's file: weights, predictions and probabilities of the test split, and the rest."""
    predictions: int = facts["test"] * (1 + 2 * len(facts["class_names"]))
    return weight_bytes(run, facts) + predictions + 56 * run.epochs + 15_000


def checkpoint_bytes(run: Run, facts: Facts) -> int:
    """Return the size of the checkpoint that a finished run leaves."""
    velocity = weight_bytes(run, facts) if run.momentum else 0
    return run_bytes(run, facts) + velocity


def weight_bytes(run: Run, facts: Facts) -> int:
    """Return the size of W1 and W2."""
    D, K, M = pixels_of_image(facts), len(facts["class_names"]), run.hidden_units
    return (M * (D + 1) + K * (M + 1)) * _number_bytes(run)


def data_bytes(facts: Facts) -> int:
    """Return the size of a dataset's file: a byte a pixel and a label."""
    labels: int = facts["train"] + facts["test"]
    return pixels_of_dataset(facts) + labels + 100_000
