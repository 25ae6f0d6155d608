"""The problems on which a gradient is checked: random examples, with weights of ordinary size or huge weights."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from handgrad.common.randomness import Purpose, generator
from handgrad.datasets.data import Dataset, Split, one_hot
from handgrad.datasets.inputs import InputSpec, Rows
from handgrad.datasets.scaling import Scaling
from handgrad.gradient_check.settings import DIRECTION_STEP, Settings
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
    scaling: Scaling

    def objective(self, W: Weights) -> float:
        """Return E(W), computed by the model."""
        return float(objective(W, self.X, self.T, self.activation.h, self.l2))

    @property
    def data(self) -> Dataset:
        """The examples in the form that training takes."""
        return Dataset(self.split, self.split, InputSpec(), (), {}, "")

    def examples(self, rows: Rows) -> tuple[Array, Array, Array]:
        """Return inputs X, the sum of the absolute terms of each input, and targets T, for some rows; all float64."""
        x, scaling = self.split.x[rows], self.scaling
        T = one_hot(self.split.y[rows], self.T.shape[1], np.float64)
        return scaling.inputs(x, np.float64), scaling.absolute_terms(x), T


@dataclass(frozen=True)
class Size:
    """The largest pre-activation of a network, the largest spread of its logits, and the mean of its logits."""

    pre_activation: float
    spread: float
    logit: float


#: huge: pre-activations beyond the clamps of both dtypes (29.1, 236), logits beyond the range of exp (88.7, 709.8)
SIZES = {"ordinary": Size(3.0, 4.0, 0.0), "huge": Size(400.0, 300.0, 1000.0)}


def random_problem(data: Dataset, activation: str, settings: Settings) -> Problem:
    """Return a problem with random examples and random weights, the same for every activation without a kink.

    Examples are drawn from the training split without replacement. If the split has too few, all are taken. Weights
    are normal with standard deviation 1/sqrt(D+1) and 1/sqrt(M+1), bias columns included. W2 = 0, as at the start of a
    run, would make the data term independent of W1, and a wrong dE/dW1 could pass. Biases are then moved so that no
    step of the check crosses a kink, because a difference across a kink is not a derivative.
    """
    split, n = data.train, len(data.train.y)
    rng = generator(settings.seed, Purpose.CHECK_EXAMPLES)
    rows = np.sort(rng.choice(n, min(settings.examples, n), replace=False))
    scaling = Scaling.of(settings.pixels, x=split.x, rows=np.arange(n), max_value=data.spec.max_value)
    X = scaling.inputs(split.x[rows], np.float64)
    W = random_weights(data.inputs, settings.hidden_units, data.classes, settings.seed)
    h = ACTIVATIONS[activation]
    # twice the step of an entry, because of rounding; ten standard deviations of a step along a random direction
    reach = max(2 * settings.epsilon * float(np.abs(X).max()), 10 * DIRECTION_STEP)
    return Problem(
        X=X,
        T=one_hot(split.y[rows], data.classes, np.float64),
        W=W._replace(W1=away_from_kinks(W.W1, X, h.kinks, reach)),
        activation=h,
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


def away_from_kinks(W1: Array, X: Array, kinks: tuple[float, ...], reach: float) -> Array:
    """Return W1 with biases moved as little as possible so that no pre-activation is within ``reach`` of a kink."""
    W1 = W1.copy()
    for row, a in zip(W1, W1 @ X.T, strict=True):
        # a move of the bias by one of these numbers would put an example on a kink
        onto = np.sort(np.subtract.outer(kinks, a).ravel())
        # between two of them that are far enough apart are the allowed moves
        first, last = np.array([-np.inf, *(onto + reach)]), np.array([*(onto - reach), np.inf])
        moves = np.clip(0, first, last)[first <= last]
        row[0] += moves[np.abs(moves).argmin()]
    return W1


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


def small_problems(data: Dataset, problem: Problem, seed: int) -> dict[str, Problem]:
    """Return a problem with UNITS hidden units for each name in SIZES, on the problem's examples.

    With huge weights the inputs are standardized, so that the check covers the shift of inputs.
    """
    x = problem.split.x[problem.rows]
    standard = Scaling.of("standardize", x=x, rows=np.arange(len(x)), max_value=data.spec.max_value)
    small = problem._replace(W=random_weights(data.inputs, UNITS, data.classes, seed))
    huge = small._replace(X=standard.inputs(x, np.float64), scaling=standard)
    return {
        name: it._replace(W=sized_weights(it, SIZES[name])) for name, it in {"ordinary": small, "huge": huge}.items()
    }


def _outermost(columns: Array) -> Array:
    """Return the entry of each column that is farthest from 0."""
    farthest: Array = np.take_along_axis(columns, np.abs(columns).argmax(axis=0)[None], axis=0)[0]
    return farthest
