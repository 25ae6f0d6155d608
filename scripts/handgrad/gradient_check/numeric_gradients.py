"""Numeric gradients of E(W), in float64, to compare ``model.gradients`` with.

The gradients of all entries use a shortcut. An entry of W1 affects one hidden unit m; an entry of W2 affects one
logit k:

    S(W1[m, d] + eps) = S + [h(A[:, m] + eps X[:, d]) - h(A[:, m])] W2[:, m+1]'
    S(W2[k, m] + eps) = S, with eps Z[:, m] added to its column k

So the code perturbs all D+1 entries of a unit at once, without a matrix product, and equal inputs only once.
Slopes of the plain objective, along directions and at single entries, do not use the shortcut. They verify it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from handgrad.gradient_check.problem import Problem
from handgrad.gradient_check.settings import DIRECTION_STEP
from handgrad.network.activations import Array
from handgrad.network.model import Weights, forward

#: returns values at a step (real or complex) along one or many lines through W
AlongLine = Callable[[Any], Any]
#: returns the slope at step 0 of an AlongLine
Slope = Callable[[AlongLine], Any]

COMPLEX_STEP = 1e-30
DIRECTIONS = 10  # per block
BLOCK = 2**16  # perturbed logits in memory at once; 512 kB in float64 fit into a core's cache


# --- numeric gradients of every entry, by the shortcut -------------------------------------------------


def central_slope(epsilon: float) -> Slope:
    """Return the slope f -> (f(eps) - f(-eps)) / (2 eps). Error: eps^2 f'''/6, rounding ``1e-16 |f| / eps``."""
    return lambda f: (f(epsilon) - f(-epsilon)) / (2 * epsilon)


def complex_slope(f: AlongLine) -> Any:
    """Return Im f(i eps) / eps with eps = 1e-30. Its error eps^2 f'''/6 is negligible, and nothing is subtracted."""
    return f(1j * COMPLEX_STEP).imag / COMPLEX_STEP


class _Point(NamedTuple):
    """Arrays of the unperturbed network. The logits S are K x N x 1, because examples are summed last. y: labels, N."""

    A: Array
    Z: Array
    S: Array
    y: Array
    W2: Array


def numeric_gradient(problem: Problem, slope: Slope, h: Callable[[Array], Array]) -> Weights:
    """Return dE/dW1, M x (D+1), and dE/dW2, K x (M+1), by perturbing every entry.

    h: computes the perturbed outputs of hidden units. It is the activation's h, or its complex form for complex
    steps. The unperturbed outputs always use the real h.
    """
    X, T, W, activation, l2, *_ = problem
    A, Z, S = forward(X, W, activation.h)
    point = _Point(A, Z, S.T[:, :, None], T.argmax(axis=1), W.W2)
    G1, G2 = np.empty_like(W.W1), np.empty_like(W.W2)
    x, gather = _distinct(X)
    slopes = np.empty(x.shape)
    for m in range(len(G1)):
        for columns in _pieces(x.shape[1], T.size):
            slopes[:, columns] = slope(partial(hidden_weight_terms, point, m, x[:, columns], h))
        G1[m] = (slopes if gather is None else np.take_along_axis(slopes, gather, axis=1)).sum(axis=0)
    for k in range(len(G2)):
        for columns in _pieces(G2.shape[1], T.size):
            G2[k, columns] = slope(partial(output_weight_terms, point, k, columns)).sum(axis=0)
    for G, w in zip((G1, G2), W, strict=True):
        G -= slope(partial(entry_penalties, w, l2))
    return Weights(G1, G2)


def _distinct(X: Array) -> tuple[Array, Array | None]:
    """Return the distinct inputs, N x P, and for each input the index of its distinct value, N x (D+1).

    Equal inputs have equal slopes, and pixels have at most 256 values. If this saves nothing, return X and None.
    """
    values, gather = np.unique(X, return_inverse=True)
    if 2 * len(values) > X.shape[1]:
        return X, None
    return np.broadcast_to(values, (len(X), len(values))), gather.reshape(X.shape)


def _pieces(columns: int, logits: int) -> Iterator[slice]:
    """Yield slices of columns. Perturbing a slice needs at most BLOCK logits, or the slice is a single column."""
    width = max(1, BLOCK // logits)
    for start in range(0, columns, width):
        yield slice(start, min(start + width, columns))


def hidden_weight_terms(point: _Point, m: int, x: Array, h: Callable[[Array], Array], step: Any) -> Array:
    """Return the data term of each example with W1[m, d] + step, for P entries d one at a time: N x P.

    x: the inputs X[:, d] of these entries, N x P.
    """
    change = h(point.A[:, m, None] + step * x) - point.Z[:, m + 1, None]
    S = point.W2[:, m + 1, None, None] * change
    S += point.S
    return _data_terms(S, point.y)


def output_weight_terms(point: _Point, k: int, columns: slice, step: Any) -> Array:
    """Return the data term of each example with W2[k, m] + step, for each m in columns one at a time: N x P."""
    change = step * point.Z[:, columns]
    S = np.empty((len(point.S), *change.shape), change.dtype)
    S[:] = point.S
    S[k] += change
    return _data_terms(S, point.y)


def entry_penalties(w: Array, l2: float, step: Any) -> Array:
    """Return ``(lambda/2) (w + step)^2`` for each entry. The rest of the penalty does not depend on the entry."""
    penalties: Array = l2 / 2 * (w + step) ** 2
    return penalties


def _data_terms(S: Array, y: Array) -> Array:
    """Return S_ynp - logsumexp_k S_knp, N x P, where y is the label of n. Overwrites S, which saves an array.

    It does not call the model, because it verifies the model.
    """
    terms: Array = S[y, np.arange(len(y))]
    largest = S.real.max(axis=0)
    terms -= largest
    S -= largest
    np.exp(S, out=S)
    terms -= np.log(S.sum(axis=0))
    return terms


# --- the plain objective, without the shortcut -----------------------------------------------------------


def direction_slopes(problem: Problem, block: str, gradient: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return <gradient, V> and central differences of E along V, for random V of norm 1 in one block."""
    slope = central_slope(direction_step(problem, block))
    analytic, numeric = np.empty(DIRECTIONS), np.empty(DIRECTIONS)
    for i in range(DIRECTIONS):
        V = rng.standard_normal(gradient.shape)
        V /= np.linalg.norm(V)
        analytic[i] = np.vdot(gradient, V)
        numeric[i] = slope(partial(_along, problem, block, V))
    return analytic, numeric


def direction_step(problem: Problem, block: str) -> float:
    """Return the step along a V of norm 1 that changes the outputs of a block by about DIRECTION_STEP.

    For an input x, a step t changes each output by ``t |x| / sqrt(entries)`` times a standard normal number. This
    step keeps truncation and rounding equally far from the limit for raw and for scaled pixels.
    """
    longest = float(np.linalg.norm(block_inputs(problem, block), axis=1).max())
    return DIRECTION_STEP * float(np.sqrt(getattr(problem.W, block).size)) / longest


def block_inputs(problem: Problem, block: str) -> Array:
    """Return the inputs of a block: X for W1; Z, N x (M+1), for W2."""
    return problem.X if block == "W1" else forward(problem.X, problem.W, problem.activation.h).Z


def _along(problem: Problem, block: str, V: Array, step: float) -> float:
    return problem.objective(problem.W._replace(**{block: getattr(problem.W, block) + step * V}))


def plain_slopes(problem: Problem, block: str, entries: Array, epsilon: float) -> Array:
    """Return central differences of E, shape P, at some entries (rows and columns, P x 2) of a block."""
    w = getattr(problem.W, block).copy()
    W = problem.W._replace(**{block: w})

    def value(entry: tuple[int, ...], step: float) -> float:
        kept = w[entry]
        w[entry] += step
        result = problem.objective(W)
        w[entry] = kept
        return result

    slope = central_slope(epsilon)
    return np.array([slope(partial(value, tuple(entry))) for entry in entries])
