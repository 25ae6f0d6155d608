"""The problems on which a gradient is checked: random examples, with weights of ordinary size or huge weights."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import ImageData, PixelScaling, Rows, Split, one_hot
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.network.activations import ACTIVATIONS, Activation, Array
from handgrad.network.model import Weights, forward, objective

UNITS = 8  # hidden units of the small networks


class Problem(NamedTuple):
    """The objective E as a function of the weights, and weights W to check it at. Everything is float64.

    X, N x (D+1), and T, N x K, contain the given rows of the split, with the given scaling. Training's step receives
    split, rows and scaling instead of X and T.
    """

    X: Array
    T: Array
    W: Weights
    activation: Activation
    l2: float
    split: Split
    rows: Rows
    scaling: PixelScaling

    def objective(self, W: Weights) -> float:
        """Return E(W), computed by the model."""
        return float(objective(W, self.X, self.T, self.activation.h, self.l2))

    @property
    def data(self) -> ImageData:
        """The examples in the form that training takes."""
        return ImageData(self.split, self.split, (), 0, (), {}, "")

    def examples(self, rows: Rows) -> tuple[Array, Array, Array]:
        """Return inputs X, the sum of the absolute terms of each input, and targets T, for some rows; all float64."""
        x, scaling = self.split.x[rows], self.scaling
        sizes = PixelScaling(scaling.factor, scaling.scale, None if scaling.shift is None else np.abs(scaling.shift))
        T = one_hot(self.split.y[rows], self.T.shape[1], np.float64)
        return scaling.inputs(x, np.float64), sizes.inputs(x, np.float64), T


@dataclass(frozen=True)
class Size:
    """The largest pre-activation of a network, the largest spread of its logits, and the mean of its logits."""

    pre_activation: float
    spread: float
    logit: float


#: huge: pre-activations beyond the clamps of both dtypes (29.1, 236), logits beyond the range of exp (88.7, 709.8)
SIZES = {"ordinary": Size(3.0, 4.0, 0.0), "huge": Size(400.0, 300.0, 1000.0)}


def random_problem(data: ImageData, activation: str, settings: Settings) -> Problem:
    """Return a problem with random examples and random weights, which are the same for every activation.

    Examples are drawn from the training split without replacement. If the split has too few, the gate takes all of
    them. Weights are normal with standard deviation 1/sqrt(D+1) and 1/sqrt(M+1), bias columns included. W2 = 0, as at
    the start of a run, would make the data term independent of W1, and a wrong dE/dW1 could pass.

    Raises HandgradError if settings other than GATE ask for more examples than the split has.
    """
    split, n = data.train, len(data.train.y)
    if settings.examples > n and settings != GATE:
        raise HandgradError(
            f"gradient_check: examples is {settings.examples}, but the training split has {n}; set a smaller number"
        )
    rng = generator(settings.seed, Purpose.CHECK_EXAMPLES)
    rows = np.sort(rng.choice(n, min(settings.examples, n), replace=False))
    scaling = PixelScaling.of(settings.pixels, x=split.x, rows=np.arange(n), max_value=data.max_value)
    return Problem(
        X=scaling.inputs(split.x[rows], np.float64),
        T=one_hot(split.y[rows], data.classes, np.float64),
        W=random_weights(data.inputs, settings.hidden_units, data.classes, settings.seed),
        activation=ACTIVATIONS[activation],
        l2=settings.l2,
        split=split,
        rows=rows,
        scaling=scaling,
    )


def random_weights(inputs: int, hidden_units: int, classes: int, seed: int) -> Weights:
    """Return float64 weights at which no part of the gradient vanishes (see ``random_problem``)."""
    rng = generator(seed, Purpose.CHECK_WEIGHTS)
    W1 = rng.standard_normal((hidden_units, inputs + 1)) / np.sqrt(inputs + 1)
    W2 = rng.standard_normal((classes, hidden_units + 1)) / np.sqrt(hidden_units + 1)
    return Weights(W1, W2)


def sized_weights(problem: Problem, size: Size) -> Weights:
    """Return the problem's weights, scaled row by row so that pre-activations and logits have a given size.

    The pre-activation of each unit that is farthest from 0 has a size between 4 and ``pre_activation``; units have
    alternating signs. For each class, the largest distance of a logit from ``logit`` is between 1 and ``spread``.
    """
    W, h = problem.W, problem.activation.h
    A = problem.X @ W.W1.T
    sizes = np.geomspace(min(4, size.pre_activation), size.pre_activation, (len(W.W1) + 1) // 2)
    signed = np.stack([sizes, -sizes], axis=1).ravel()[: len(W.W1)]
    W = W._replace(W1=W.W1 * (signed / _outermost(A))[:, None])
    S = forward(problem.X, W, h).S
    W2 = W.W2 * (np.geomspace(1, size.spread, len(W.W2)) / _outermost(S))[:, None]
    W2[:, 0] += size.logit
    return W._replace(W2=W2)


def small_problems(data: ImageData, problem: Problem, seed: int) -> dict[str, Problem]:
    """Return a problem with UNITS hidden units for each name in SIZES, on the problem's examples.

    With huge weights the inputs are standardized, so that the check covers the shift of pixels.
    """
    x = problem.split.x[problem.rows]
    standard = PixelScaling.of("standardize", x=x, rows=np.arange(len(x)), max_value=data.max_value)
    small = problem._replace(W=random_weights(data.inputs, UNITS, data.classes, seed))
    huge = small._replace(X=standard.inputs(x, np.float64), scaling=standard)
    return {
        name: it._replace(W=sized_weights(it, SIZES[name])) for name, it in {"ordinary": small, "huge": huge}.items()
    }


def _outermost(columns: Array) -> Array:
    """Return the entry of each column that is farthest from 0."""
    farthest: Array = np.take_along_axis(columns, np.abs(columns).argmax(axis=0)[None], axis=0)[0]
    return farthest
