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
    - kinks: the points at which h is continuous but has no derivative. The gradient checks keep away from them.
    """

    h: Callable[[Array], Array]
    h_prime: Callable[[Array], Array]
    complex_h: Callable[[Array], Array] | None
    fused: Callable[[Array, Array, Array], None] | None = None
    spread: float = 1.0
    bias: float = 0.0
    periodic: bool = False
    kinks: tuple[float, ...] = ()

    def evaluate(self, A: Array, H: Array, H_prime: Array) -> None:
        """Write h(A) into H and h'(A) into H_prime. May overwrite A."""
        if self.fused is not None:
            self.fused(A, H, H_prime)
        else:
            H[...] = self.h(A)
            H_prime[...] = self.h_prime(A)


def exponent_limit(dtype: DTypeLike) -> float:
    """Return the limit x at which exponents are clamped: 29.1 in float32, 236 in float64.

    It is a third of the way to the smallest normal number. Beyond it, adding e^-x to 1 changes no bit (2e-13 in
    float32). Up to it, no product of two numbers e^-x is denormal. Arithmetic on denormal numbers is 10 to 100 times
    slower.
    """
    return -float(np.log(np.finfo(dtype).tiny)) / 3


def softplus(A: Array) -> Array:
    """Return log(1 + e^a), computed as ``max(a, 0) + log(1 + e^-|a|)``, which cannot overflow."""
    return np.maximum(A, 0) + np.log1p(np.exp(-np.abs(A)))


def complex_softplus(A: Array) -> Array:
    """Return log(1 + e^a) for complex a. The sign of Re(a) selects the form in which the exponential stays small."""
    positive = A.real > 0
    return np.where(positive, A, 0) + np.log1p(np.exp(np.where(positive, -A, A)))


def fused_softplus(A: Array, H: Array, H_prime: Array) -> None:
    """With E = e^a: h = max(a, log(1 + E)) and h' = E / (1 + E). Where E is clamped above, h = a.

    log(1 + E) = log(U) + (E - (U - 1)) / U, where U is 1 + E after rounding and U - 1 is exact. The error is at most
    3 units in the last place. NumPy's log1p is not vectorised without AVX-512 and takes four times as long.
    """
    limit = exponent_limit(A.dtype)
    E = np.clip(A, -limit, limit, out=H_prime)
    np.exp(E, out=E)
    U = E + 1
    np.log(U, out=H)
    np.maximum(H, A, out=H)
    np.subtract(U, 1, out=A)
    np.subtract(E, A, out=A)
    np.divide(A, U, out=A)
    np.add(H, A, out=H)
    np.divide(E, U, out=H_prime)


def sigmoid(A: Array) -> Array:
    """Return 1 / (1 + e^-a) for real or complex a, or e^a / (1 + e^a) where Re(a) < 0; neither can overflow."""
    E = np.exp(np.where(A.real < 0, A, -A))
    s: Array = np.where(A.real < 0, E, 1) / (1 + E)
    return s


def sigmoid_prime(A: Array) -> Array:
    """Return s(a) (1 - s(a)), where s is the sigmoid and 1 - s(a) = s(-a)."""
    return sigmoid(A) * sigmoid(-A)


def fused_sigmoid(A: Array, H: Array, H_prime: Array) -> None:
    """h = 1 / (1 + e^-a), h' = h (1 - h). Where a is clamped, h has its value at the clamp."""
    limit = exponent_limit(A.dtype)
    np.negative(A, out=H)
    E = np.clip(H, -limit, limit, out=H)
    np.exp(E, out=E)
    np.add(E, 1, out=H)
    np.divide(1, H, out=H)
    np.subtract(1, H, out=H_prime)
    np.multiply(H, H_prime, out=H_prime)


def tanh_prime(A: Array) -> Array:
    """Return 1 - tanh(a)^2."""
    return 1 - np.tanh(A) ** 2


#: below -20 and above 20, tanh(a) is exactly -1 or 1 in both dtypes; the clamp keeps e^2a from overflowing
TANH_END = 20.0


def fused_tanh(A: Array, H: Array, H_prime: Array) -> None:
    """h = tanh(a), h' = 1 - h^2. In float64, h = 1 - 2 / (1 + e^2a), with an absolute error of at most 4e-16.

    Without AVX-512, NumPy's tanh in float64 takes twice as long as this form. In float32, it is fast.
    """
    if A.dtype == np.float64:
        np.clip(A, -TANH_END, TANH_END, out=A)
        np.multiply(A, 2, out=H)
        np.exp(H, out=H)
        np.add(H, 1, out=H)
        np.divide(2, H, out=H)
        np.subtract(1, H, out=H)
    else:
        np.tanh(A, out=H)
    np.multiply(H, H, out=H_prime)
    np.subtract(1, H_prime, out=H_prime)


def cos_prime(A: Array) -> Array:
    """Return -sin(a)."""
    return -np.sin(A)


def fused_cos(A: Array, H: Array, H_prime: Array) -> None:
    """h = cos(a), h' = -sin(a)."""
    np.cos(A, out=H)
    np.sin(A, out=H_prime)
    np.negative(H_prime, out=H_prime)


def fused_sin(A: Array, H: Array, H_prime: Array) -> None:
    """h = sin(a), h' = cos(a)."""
    np.sin(A, out=H)
    np.cos(A, out=H_prime)


def relu(A: Array) -> Array:
    """Return max(a, 0)."""
    return np.maximum(A, 0)


def relu_prime(A: Array) -> Array:
    """Return 1 where a > 0, otherwise 0."""
    return (A > 0).astype(A.dtype)


def complex_relu(A: Array) -> Array:
    """Return a where Re(a) > 0, otherwise 0."""
    return np.where(A.real > 0, A, 0)


def fused_relu(A: Array, H: Array, H_prime: Array) -> None:
    """h = max(a, 0), h' = 1 where a > 0, otherwise 0."""
    np.maximum(A, 0, out=H)
    np.greater(A, 0, out=H_prime)


def silu(A: Array) -> Array:
    """Return a s(a), where s is the sigmoid, for real or complex a."""
    return A * sigmoid(A)


def silu_prime(A: Array) -> Array:
    """Return s(a) + a s'(a), where s is the sigmoid."""
    slope: Array = sigmoid(A) + A * sigmoid_prime(A)
    return slope


def fused_silu(A: Array, H: Array, H_prime: Array) -> None:
    """``fused_gated`` with v = a. Where a is below the clamp, h and h' take their values at the clamp."""
    limit = exponent_limit(A.dtype)
    np.maximum(A, -limit, out=A)
    np.minimum(A, limit, out=H_prime)
    np.negative(H_prime, out=H)
    fused_gated(A, H, H_prime)


def fused_gated(A: Array, H: Array, H_prime: Array) -> None:
    """Write h = a s(v) and h' = s(v) + a v' s'(v), for an inner function v of a; s is the sigmoid.

    Before the call, H is -v and H_prime is a v'. With E = e^-v: s = 1 / (1 + E) and h' = s (1 + a v' E s).
    """
    E = np.exp(H, out=H)
    np.multiply(H_prime, E, out=H_prime)
    np.add(E, 1, out=H)
    s = np.divide(1, H, out=H)
    np.multiply(H_prime, s, out=H_prime)
    np.add(H_prime, 1, out=H_prime)
    np.multiply(H_prime, s, out=H_prime)
    np.multiply(A, s, out=H)


#: gelu(a) = a s(v) with v = GELU_SLOPE (a + GELU_CUBE a^3), where s is the sigmoid, since (1 + tanh(v/2))/2 = s(v)
GELU_SLOPE = 1.5957691216057308  # 2 sqrt(2/pi)
GELU_CUBE = 0.044715
#: at this a, v is 42: e^-v no longer changes 1, and (e^-v)^2 is not denormal, in both dtypes
GELU_LIMIT = 7.5
#: beyond this a, the sigmoid of v is exactly 0 or 1 in both dtypes; clamped here, a^3 cannot overflow
GELU_END = 40.0


def gelu(A: Array) -> Array:
    """Return a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3))), the tanh form of Hendrycks and Gimpel (2016)."""
    return A * sigmoid(_gelu_inner(np.clip(A, -GELU_END, GELU_END)))


def gelu_prime(A: Array) -> Array:
    """Return s(v) + a v' s'(v), where v' = GELU_SLOPE (1 + 3 GELU_CUBE a^2)."""
    A = np.clip(A, -GELU_END, GELU_END)
    V = _gelu_inner(A)
    slope: Array = sigmoid(V) + A * GELU_SLOPE * (1 + 3 * GELU_CUBE * A * A) * sigmoid_prime(V)
    return slope


def complex_gelu(A: Array) -> Array:
    """Return ``gelu`` for complex a."""
    return A * sigmoid(_gelu_inner(A))


def fused_gelu(A: Array, H: Array, H_prime: Array) -> None:
    """``fused_gated`` with v = GELU_SLOPE (a + GELU_CUBE a^3), and a v' = 3 v - 2 GELU_SLOPE a."""
    np.maximum(A, -GELU_LIMIT, out=A)
    B = np.minimum(A, GELU_LIMIT, out=H_prime)
    np.multiply(B, B, out=H)
    np.multiply(H, -GELU_SLOPE * GELU_CUBE, out=H)
    np.subtract(H, GELU_SLOPE, out=H)
    np.multiply(H, B, out=H)
    np.multiply(B, 2 / 3 * GELU_SLOPE, out=H_prime)
    np.add(H_prime, H, out=H_prime)
    np.multiply(H_prime, -3, out=H_prime)
    fused_gated(A, H, H_prime)


def _gelu_inner(A: Array) -> Array:
    v: Array = GELU_SLOPE * (A + GELU_CUBE * A * A * A)
    return v


ACTIVATIONS: dict[str, Activation] = {
    "softplus": Activation(softplus, sigmoid, complex_softplus, fused_softplus, spread=4.0, bias=-2.0),
    "tanh": Activation(np.tanh, tanh_prime, np.tanh, fused_tanh),
    "cos": Activation(np.cos, cos_prime, np.cos, fused_cos, spread=0.2, periodic=True),
    # with half of the units on, outputs with a spread of sqrt(2) have mean square 1 (He et al., ICCV 2015)
    "relu": Activation(relu, relu_prime, complex_relu, fused_relu, spread=2**0.5, kinks=(0.0,)),
    # s(a) = (1 + tanh(a/2)) / 2, so a spread of 2 is tanh's spread of 1
    "sigmoid": Activation(sigmoid, sigmoid_prime, sigmoid, fused_sigmoid, spread=2.0),
    "gelu": Activation(gelu, gelu_prime, complex_gelu, fused_gelu, spread=2**0.5),
    "silu": Activation(silu, silu_prime, silu, fused_silu, spread=2**0.5),
    # sin(a) = cos(a - pi/2): with random phases, this is cos
    "sin": Activation(np.sin, np.cos, np.sin, fused_sin, spread=0.2, periodic=True),
}
