"""The activation functions h, their derivatives h', and h for complex numbers.

To add one, add an entry to ``ACTIVATIONS``: configs accept it, gradient checks and tests cover it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """An elementwise function of the pre-activations A; each callable keeps shape and dtype.

    ``complex_h`` is h for complex arguments (the complex step needs an analytic continuation of h near
    the real line); None if there is none.
    """

    h: Callable[[Array], Array]
    h_prime: Callable[[Array], Array]
    complex_h: Callable[[Array], Array] | None


def softplus(A: Array) -> Array:
    """log(1 + e^a), as max(a, 0) + log(1 + e^-|a|), which cannot overflow."""
    return np.maximum(A, 0) + np.log1p(np.exp(-np.abs(A)))


def sigmoid(A: Array) -> Array:
    """1 / (1 + e^-a), as (1 + tanh(a/2)) / 2, which cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * A))


def complex_softplus(A: Array) -> Array:
    """log(1 + e^a) for complex a; the sign of Re(a) picks the form in which the exponential stays small."""
    positive = A.real > 0
    return np.where(positive, A, 0) + np.log1p(np.exp(np.where(positive, -A, A)))


def tanh_prime(A: Array) -> Array:
    """1 - tanh(a)^2."""
    return 1 - np.tanh(A) ** 2


def cos_prime(A: Array) -> Array:
    """-sin(a)."""
    return -np.sin(A)


ACTIVATIONS: dict[str, Activation] = {
    "softplus": Activation(softplus, sigmoid, complex_softplus),
    "tanh": Activation(np.tanh, tanh_prime, np.tanh),
    "cos": Activation(np.cos, cos_prime, np.cos),
}
