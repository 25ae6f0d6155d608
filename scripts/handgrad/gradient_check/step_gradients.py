"""The gradients that training's own steps follow, as ``batch`` computes them in float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.gradient_check.numeric_gradients import Problem
from handgrad.network.model import Weights
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.momentum import Velocity

Array = NDArray[Any]


def step_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that training's own step follows: the change of the weights in one update, over eta.

    eta makes the changes as large as the weights or larger, so that rounding of their sum hides nothing; it
    is a power of two, so that it rounds nothing itself. Everything is as in training: pixels and labels are
    loaded, and W1 has decayed since it was last multiplied in.
    """
    eta = _large_step(analytic)
    w1_scale = 0.75
    W = in_step_order(Weights(problem.W.W1 / w1_scale, problem.W.W2.copy()))
    first = Weights(w1_scale * W.W1, problem.W.W2)
    W.W1[...] *= _forward(problem, W, w1_scale).ascend(w1_scale, eta, problem.l2)
    return Weights(*((after - before) / eta for after, before in zip(W, first, strict=True)))


def momentum_gradient(problem: Problem, analytic: Weights) -> Weights:
    """The gradient that a step with momentum follows: what it adds to a velocity V, by that and by W.

    V <- mu V + c g and W <- W + eta V: g is (V - mu V_before)/c and ((W - W_before)/eta - mu V_before)/c, and
    their mean is returned. V is the gradient turned round, which is as large. The numbers that ``momentum``
    keeps apart from the arrays are none that hides a mistake, and eta is small enough that they stay apart.
    """
    l2, mu, c, w1_scale, share = problem.l2, 0.5, 0.25, 0.75, -problem.l2
    eta = min(_large_step(analytic), 2.0 ** np.floor(np.log2(1 / (8 * l2))) if l2 else np.inf)
    first = in_step_order(Weights(*(g[::-1, ::-1].copy() for g in analytic)))
    W = in_step_order(Weights(problem.W.W1 / w1_scale, problem.W.W2.copy()))
    V = Velocity((first.W1 - share * W.W1) / 0.5, first.W2.copy(), 0.5, share)
    before = Weights(w1_scale * W.W1, W.W2.copy())
    w1_scale = _forward(problem, W, w1_scale).ascend_with_momentum(V, mu, c, w1_scale, eta, l2)
    V.materialize(W.W1)
    W.W1[...] *= w1_scale
    moved = [(w - w_before) / eta for w, w_before in zip(W, before, strict=True)]
    both = zip((V.W1, V.W2), moved, first, strict=True)
    return Weights(*(((one + other) / 2 - mu * v) / c for one, other, v in both))


def _large_step(analytic: Weights) -> float:
    """A power of two that times the gradient is about 1 or larger, in the block where that is smallest."""
    smallest = min((size for g in analytic if (size := float(np.abs(g).max())) > 0), default=1.0)
    return float(2.0 ** -np.floor(np.log2(smallest))) if np.isfinite(smallest) else 1.0


def _forward(problem: Problem, W: Weights, w1_scale: float) -> Batch:
    """A batch of all the problem's examples for these weights, as far as its probabilities."""
    batch = Batch(W, problem.scaling, problem.activation, len(problem.rows))
    batch.load(problem.split, problem.rows)
    batch.forward(w1_scale)
    batch.softmax()
    return batch
