"""Bounds of the rounding error of a gradient, by a running error analysis to first order.

The unit roundoff u is half the spacing of the dtype's numbers at 1. The forward and the backward pass carry two
matrices for each quantity: its value in float64 and a bound of its error. The bound for a dot product of n terms is
``accumulation(n)`` u times the sum of the absolute terms. The guaranteed factor is n, for errors of equal sign. Real
errors are nearly random, so sqrt(n) is already generous (Higham and Mary, SIAM J. Sci. Comput. 41, 2019).

h and h' pass on the error of a. The code evaluates them on both sides of a to bound the error of their values. This
needs no second derivative. A kink inside the range widens the bound by its jump.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from handgrad.network.activations import Activation, Array
from handgrad.network.model import Weights, forward, softmax

#: allowed error of an elementwise function, in units of ``u max(1, |value|)``; the largest error that was measured in
#: float32 with NumPy's vectorized code is 4 (tanh squared)
ELEMENTWISE = 16


class GradientErrors(NamedTuple):
    """Bounds of the errors of the data term, of Y, N x K, and of the gradient of the data term."""

    value: float
    Y: Array
    gradient: Weights


def unit_roundoff(dtype: DTypeLike) -> float:
    """Return u, half the spacing at 1: 6.0e-8 in float32, 1.1e-16 in float64."""
    return float(np.finfo(dtype).eps) / 2


def accumulation(n: int) -> float:
    """Return the factor of u for a dot product of n terms. Each factor of a term may be rounded once or twice."""
    return 8 + float(np.sqrt(n))


def elementwise_error(f: Callable[[Array], Array], A: Array, dA: Array, u: float) -> Array:
    """Return a bound of the error of f(a) for an error of a up to dA."""
    value = f(A)
    carried = np.zeros_like(value)
    for part in (1, 0.83, 0.59, 0.31):  # for a periodic f, the change at dA alone may be too small
        for moved in (A + part * dA, A - part * dA):
            np.maximum(carried, np.abs(f(moved) - value), out=carried)
    bound: Array = carried + ELEMENTWISE * u * np.maximum(1, np.abs(value))
    return bound


def gradient_errors(X: Array, sizes: Array, T: Array, W: Weights, activation: Activation, u: float) -> GradientErrors:
    """Return error bounds for the data term of E and its gradient at unit roundoff u. All arrays are float64.

    sizes: N x (D+1), for each entry of X the sum of its absolute terms.
    """
    W1, W2 = (np.abs(w) for w in W)
    A, Z, S = forward(X, W, activation.h)
    dA = accumulation(X.shape[1]) * u * (sizes @ W1.T)
    dZ = np.zeros_like(Z)
    dZ[:, 1:] = elementwise_error(activation.h, A, dA, u)
    Z = np.abs(Z)
    dS = dZ @ W2.T + accumulation(Z.shape[1]) * u * (Z @ W2.T)
    # subtracting the largest logit of a row rounds every logit by its size
    largest = (dS + 4 * u * np.abs(S)).max(axis=1, keepdims=True)
    Y = softmax(S)
    # if a logit may be wrong by 1/2, nothing is known about the probabilities, so the bound is 1
    dY = np.where(largest < 0.5, Y * np.expm1(np.minimum(2 * largest, 1)) + (4 + S.shape[1]) * u, 1)
    value = float((2 * largest + 8 * u * (1 + np.abs(S).max(axis=1, keepdims=True))).sum())
    R, few = np.abs(T - Y), accumulation(len(X)) * u
    dG2 = dY.T @ Z + R.T @ (dZ + few * Z)
    back, slope = R @ W2[:, 1:], np.abs(activation.h_prime(A))
    d_back = (dY + accumulation(S.shape[1]) * u * R) @ W2[:, 1:]
    d_delta = d_back * slope + back * elementwise_error(activation.h_prime, A, dA, u)
    dG1 = (d_delta + few * back * slope).T @ sizes
    return GradientErrors(value, dY, Weights(dG1, dG2))
