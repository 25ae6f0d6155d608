"""How far rounding may take a gradient from its exact value: a running error analysis, to first order.

u is half the spacing of the dtype's numbers at 1. Each function follows the forward or the backward pass with
two matrices for one: the value, in float64, and a bound of its error. A dot product of n terms is wrong by at
most ``accumulation(n)`` u times the sum of the terms' sizes. The guaranteed factor is n, for errors that all
have one sign; theirs are as good as random, so that sqrt(n) is already far more than is met (Higham and Mary,
SIAM J. Sci. Comput. 41, 2019).

h and h' carry the error of a to their values. What they make of it is found by evaluating them on either
side of a: so no second derivative is needed, and a kink in between widens the bound by its step.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from handgrad.network.activations import Activation, Array
from handgrad.network.model import Weights, forward, softmax

#: by how many u an elementwise function may miss, where its value is of size 1 or less, or of its value; the
#: worst that was met in float32, in NumPy's vectorized code, is 4 (tanh, squared)
ELEMENTWISE = 16


class GradientErrors(NamedTuple):
    """Bounds of the errors of the data term's value, of Y, N x K, and of its gradient."""

    value: float
    Y: Array
    gradient: Weights


def unit_roundoff(dtype: DTypeLike) -> float:
    """u, half the spacing at 1: 6.0e-8 in float32, 1.1e-16 in float64."""
    return float(np.finfo(dtype).eps) / 2


def accumulation(n: int) -> float:
    """The factor of u for a dot product of n terms whose factors are rounded once or twice themselves."""
    return 8 + float(np.sqrt(n))


def elementwise_error(f: Callable[[Array], Array], A: Array, dA: Array, u: float) -> Array:
    """A bound of the error of f(a) where a is wrong by up to dA."""
    value = f(A)
    carried = np.zeros_like(value)
    for part in (1, 0.83, 0.59, 0.31):  # f may come back to its value within dA
        for moved in (A + part * dA, A - part * dA):
            np.maximum(carried, np.abs(f(moved) - value), out=carried)
    bound: Array = carried + ELEMENTWISE * u * np.maximum(1, np.abs(value))
    return bound


def gradient_errors(X: Array, sizes: Array, T: Array, W: Weights, activation: Activation, u: float) -> GradientErrors:
    """Bounds for the data term of E and its gradient, computed with unit roundoff u; all arrays float64.

    sizes, N x (D+1): the size of the numbers that X is the sum of.
    """
    W1, W2 = (np.abs(w) for w in W)
    A, Z, S = forward(X, W, activation.h)
    dA = accumulation(X.shape[1]) * u * (sizes @ W1.T)
    dZ = np.zeros_like(Z)
    dZ[:, 1:] = elementwise_error(activation.h, A, dA, u)
    Z = np.abs(Z)
    dS = dZ @ W2.T + accumulation(Z.shape[1]) * u * (Z @ W2.T)
    # the largest logit is taken out, which rounds the others by their size
    largest = (dS + 4 * u * np.abs(S)).max(axis=1, keepdims=True)
    Y = softmax(S)
    # logits that are wrong by 1/2 leave nothing of a probability, also of one that underflows
    dY = np.where(largest < 0.5, Y * np.expm1(np.minimum(2 * largest, 1)) + (4 + S.shape[1]) * u, 1)
    value = float((2 * largest + 8 * u * (1 + np.abs(S).max(axis=1, keepdims=True))).sum())
    R, few = np.abs(T - Y), accumulation(len(X)) * u
    dG2 = dY.T @ Z + R.T @ (dZ + few * Z)
    back, slope = R @ W2[:, 1:], np.abs(activation.h_prime(A))
    d_back = (dY + accumulation(S.shape[1]) * u * R) @ W2[:, 1:]
    d_delta = d_back * slope + back * elementwise_error(activation.h_prime, A, dA, u)
    dG1 = (d_delta + few * back * slope).T @ sizes
    return GradientErrors(value, dY, Weights(dG1, dG2))
