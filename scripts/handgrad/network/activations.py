"""The activation functions h, their derivatives h', h for complex numbers, and what training computes.

To add one, add an entry to ``ACTIVATIONS``: configs accept it, gradient checks and tests cover it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """An elementwise function of the pre-activations A; each callable keeps shape and dtype.

    ``complex_h`` is h for complex arguments (the complex step needs an analytic continuation of h near
    the real line); None if there is none. ``fused(A, H, H_prime)`` writes h(A) and h'(A) into these, in the
    fewest passes over memory, and may use A for what lies between; None if h and h' alone are to serve.

    spread, bias and periodic are for the initial weights ``scaled``: the standard deviation and the mean that
    suit the pre-activations, and whether h has the period 2 pi: then a random phase is the bias.
    """

    h: Callable[[Array], Array]
    h_prime: Callable[[Array], Array]
    complex_h: Callable[[Array], Array] | None
    fused: Callable[[Array, Array, Array], None] | None = None
    spread: float = 1.0
    bias: float = 0.0
    periodic: bool = False

    def evaluate(self, A: Array, H: Array, H_prime: Array) -> None:
        """Write h(A) into H and h'(A) into H_prime; A is no longer what it was."""
        if self.fused is not None:
            self.fused(A, H, H_prime)
        else:
            H[...] = self.h(A)
            H_prime[...] = self.h_prime(A)


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


def exponent_limit(dtype: DTypeLike) -> float:
    """Where exponents are clamped: a third of the way to the smallest normal number; 29.1 in float32.

    Beyond it e^-x changes nothing that is added to 1 (2e-13 there), and short of it no product of two such
    numbers is denormal; arithmetic on denormal numbers is slower by one or two orders of magnitude.
    """
    return -float(np.log(np.finfo(dtype).tiny)) / 3


def fused_softplus(A: Array, H: Array, H_prime: Array) -> None:
    """E = e^a serves both: h = log(1 + E), which is a itself where E was clamped, and h' = E / (1 + E)."""
    limit = exponent_limit(A.dtype)
    E = np.minimum(A, limit, out=H_prime)
    np.maximum(E, -limit, out=E)
    np.exp(E, out=E)
    np.log1p(E, out=H)
    np.maximum(H, A, out=H)
    np.add(E, 1, out=A)
    np.divide(E, A, out=H_prime)


def fused_tanh(A: Array, H: Array, H_prime: Array) -> None:
    """h' = 1 - h^2."""
    np.tanh(A, out=H)
    np.multiply(H, H, out=H_prime)
    np.subtract(1, H_prime, out=H_prime)


def fused_cos(A: Array, H: Array, H_prime: Array) -> None:
    """h' = -sin(a)."""
    np.cos(A, out=H)
    np.sin(A, out=H_prime)
    np.negative(H_prime, out=H_prime)


ACTIVATIONS: dict[str, Activation] = {
    "softplus": Activation(softplus, sigmoid, complex_softplus, fused_softplus, spread=4.0, bias=-2.0),
    "tanh": Activation(np.tanh, tanh_prime, np.tanh, fused_tanh),
    "cos": Activation(np.cos, cos_prime, np.cos, fused_cos, spread=0.2, periodic=True),
}
