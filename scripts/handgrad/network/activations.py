"""Activation functions h, with their derivatives h', complex forms and fused forms.

To add an activation, add an entry to ``ACTIVATIONS``. Configs then accept it; gradient checks and tests cover it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """An elementwise function of the pre-activations A. Each callable keeps shape and dtype.

    - h, h_prime: the function and its derivative.
    - complex_h: h for complex arguments, analytic near the real line; the complex step needs it. None: no such form.
    - fused: ``fused(A, H, H_prime)`` writes h(A) into H and h'(A) into H_prime, with few passes over memory. It may
      overwrite A. None: training calls h and h_prime.
    - spread, bias: initial standard deviation and mean of the pre-activations under ``init: scaled``.
    - periodic: True if h has the period 2 pi. ``init: scaled`` then draws random phases as biases.
    """

    h: Callable[[Array], Array]
    h_prime: Callable[[Array], Array]
    complex_h: Callable[[Array], Array] | None
    fused: Callable[[Array, Array, Array], None] | None = None
    spread: float = 1.0
    bias: float = 0.0
    periodic: bool = False

    def evaluate(self, A: Array, H: Array, H_prime: Array) -> None:
        """Write h(A) into H and h'(A) into H_prime. May overwrite A."""
        if self.fused is not None:
            self.fused(A, H, H_prime)
        else:
            H[...] = self.h(A)
            H_prime[...] = self.h_prime(A)


def softplus(A: Array) -> Array:
    """Return log(1 + e^a), computed as ``max(a, 0) + log(1 + e^-|a|)``, which cannot overflow."""
    return np.maximum(A, 0) + np.log1p(np.exp(-np.abs(A)))


def sigmoid(A: Array) -> Array:
    """Return 1 / (1 + e^-a), computed as (1 + tanh(a/2)) / 2, which cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * A))


def complex_softplus(A: Array) -> Array:
    """Return log(1 + e^a) for complex a. The sign of Re(a) selects the form in which the exponential stays small."""
    positive = A.real > 0
    return np.where(positive, A, 0) + np.log1p(np.exp(np.where(positive, -A, A)))


def tanh_prime(A: Array) -> Array:
    """Return 1 - tanh(a)^2."""
    return 1 - np.tanh(A) ** 2


def cos_prime(A: Array) -> Array:
    """Return -sin(a)."""
    return -np.sin(A)


def exponent_limit(dtype: DTypeLike) -> float:
    """Return the limit x at which exponents are clamped: 29.1 in float32, 236 in float64.

    It is a third of the way to the smallest normal number. Beyond it, adding e^-x to 1 changes no bit (2e-13 in
    float32). Up to it, no product of two numbers e^-x is denormal. Arithmetic on denormal numbers is 10 to 100 times
    slower.
    """
    return -float(np.log(np.finfo(dtype).tiny)) / 3


def fused_softplus(A: Array, H: Array, H_prime: Array) -> None:
    """With E = e^a: h = max(a, log(1 + E)) and h' = E / (1 + E). Where E is clamped above, h = a."""
    limit = exponent_limit(A.dtype)
    E = np.minimum(A, limit, out=H_prime)
    np.maximum(E, -limit, out=E)
    np.exp(E, out=E)
    np.log1p(E, out=H)
    np.maximum(H, A, out=H)
    np.add(E, 1, out=A)
    np.divide(E, A, out=H_prime)


def fused_tanh(A: Array, H: Array, H_prime: Array) -> None:
    """h = tanh(a), h' = 1 - h^2."""
    np.tanh(A, out=H)
    np.multiply(H, H, out=H_prime)
    np.subtract(1, H_prime, out=H_prime)


def fused_cos(A: Array, H: Array, H_prime: Array) -> None:
    """h = cos(a), h' = -sin(a)."""
    np.cos(A, out=H)
    np.sin(A, out=H_prime)
    np.negative(H_prime, out=H_prime)


ACTIVATIONS: dict[str, Activation] = {
    "softplus": Activation(softplus, sigmoid, complex_softplus, fused_softplus, spread=4.0, bias=-2.0),
    "tanh": Activation(np.tanh, tanh_prime, np.tanh, fused_tanh),
    "cos": Activation(np.cos, cos_prime, np.cos, fused_cos, spread=0.2, periodic=True),
}
