"""The input of every contender: a cell of the table, and random images of its shape and range."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.datasets.data import Split
from handgrad.datasets.scaling import Scaling
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Weights, initial_weights

Array = NDArray[Any]

BATCH_SIZE = 100
CLASSES = 10
LEARNING_RATE = 0.001
L2 = 0.01


@dataclass(frozen=True)
class Dataset:
    """The shape of a dataset, and the settings that the published runs use for it."""

    name: str
    examples: int
    inputs: int
    pixels: str
    batch_gradient: str
    dtype: type = np.uint8

    @property
    def scaling(self) -> Scaling:
        """The scaling of the stored inputs."""
        return Scaling(1.0 if self.pixels == "raw" else 1 / 255, stored=self.dtype)

    @property
    def eta(self) -> float:
        """Learning rate relative to the gradient of the sum over a batch."""
        return LEARNING_RATE if self.batch_gradient == "sum" else LEARNING_RATE / BATCH_SIZE


DATASETS = {
    "mnist": Dataset("MNIST", 60_000, 784, "unit", "sum"),
    "cifar10": Dataset("CIFAR-10", 50_000, 3072, "raw", "mean"),
    "table": Dataset("table of features", 500_000, 50, "raw", "mean", np.float32),
}


@dataclass(frozen=True)
class Cell:
    """One line of the table."""

    dataset: str
    activation: str
    hidden_units: int
    dtype: str

    @property
    def data(self) -> Dataset:
        """The dataset of this cell."""
        return DATASETS[self.dataset]

    def first_weights(self) -> Weights:
        """Return the initial weights of the published runs, the same for all contenders."""
        return initial_weights(
            "published",
            ACTIVATIONS[self.activation],
            inputs=self.data.inputs,
            hidden_units=self.hidden_units,
            classes=CLASSES,
            seed=0,
            dtype=self.dtype,
        )


class Images:
    """Random images or features, and labels, with floating-point copies for contenders that need them."""

    def __init__(self, dataset: Dataset) -> None:
        rng = np.random.default_rng(0)
        size = (dataset.examples, dataset.inputs)
        pixels = dataset.dtype is np.uint8
        x = rng.integers(0, 256, size, np.uint8) if pixels else rng.standard_normal(size, np.float32)
        self.dataset = dataset
        self.split = Split(x, rng.integers(0, CLASSES, len(x), np.uint8))
        self.scaling = dataset.scaling
        self._copies: dict[str, tuple[Array, Array]] = {}

    def inputs(self, dtype: str) -> Array:
        """Return X, N x (D+1), with X[:, 0] = 1."""
        return self._copies_of(dtype)[0]

    def pixels(self, dtype: str) -> Array:
        """Return X without the column of ones, N x D."""
        return self._copies_of(dtype)[1]

    def _copies_of(self, dtype: str) -> tuple[Array, Array]:
        if dtype not in self._copies:  # only the last dtype is kept; cells are sorted by dtype
            X = self.scaling.inputs(self.split.x, dtype)
            self._copies = {dtype: (X, np.ascontiguousarray(X[:, 1:]))}
        return self._copies[dtype]

    def order(self, rng: np.random.Generator, batches: int) -> Array:
        """Return random row numbers for a number of batches, batches x BATCH_SIZE."""
        return rng.permutation(len(self.split.y))[: batches * BATCH_SIZE].reshape(batches, BATCH_SIZE)
