"""The check of the activations, over the whole range of pre-activations."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from handgrad.gradient_check.numeric_gradients import COMPLEX_STEP
from handgrad.gradient_check.results import Comparison, compare
from handgrad.gradient_check.rounding import elementwise_error, unit_roundoff
from handgrad.network.activations import Activation, Array

DTYPES = ("float32", "float64")
#: beyond the clamps of exponents (29.1 in float32, 236 in float64) and the overflow of e^a (709.8)
MAX_PRE_ACTIVATION = 1024.0
DIFFERENCE_STEP = 2.0**-17
TINY = float(np.finfo(float).tiny)


def pre_activations(dtype: str) -> Array:
    """Return 0 and values of both signs, with sizes from 1e-6 to MAX_PRE_ACTIVATION. They are densest up to 40."""
    sizes = np.concatenate([np.geomspace(1e-6, MAX_PRE_ACTIVATION, 400), np.linspace(0.0123, 40, 400)])
    return np.concatenate([-sizes, [0], sizes]).astype(dtype)


def check_activation(activation: Activation) -> Iterator[Comparison]:
    """Compare h, h' and their fused forms in each dtype with float64 values. Then compare these with slopes of h.

    The limits allow for a few roundings of the value (``rounding.ELEMENTWISE``) and for two roundings of a.
    """
    for dtype in DTYPES:
        A = pre_activations(dtype)
        a, u = A.astype(np.float64), unit_roundoff(dtype)
        H, H_prime = np.full_like(A, np.nan), np.full_like(A, np.nan)
        activation.evaluate(A.copy(), H, H_prime)
        for kind, f, fused in (("h", activation.h, H), ("h'", activation.h_prime, H_prime)):
            limit = _rounding(f, a, u)
            yield _compare_values(kind, A, f(a), f(A), limit)
            yield _compare_values(f"fused {kind}", A, f(a), fused, limit)
    yield from _check_slopes(activation)


def _rounding(f: Callable[[Array], Array], a: Array, u: float) -> Array:
    return elementwise_error(f, a, 2 * u * np.maximum(1, np.abs(a)), u)


def _check_slopes(activation: Activation) -> Iterator[Comparison]:
    """Compare h and h' with the complex form. Without a complex form, compare h' with central differences of h."""
    h, h_prime = activation.h, activation.h_prime
    a, u = pre_activations("float64"), unit_roundoff("float64")
    if activation.complex_h is not None:
        value = activation.complex_h(a + 1j * COMPLEX_STEP)
        yield _compare_values("h", a, value.real, h(a), _rounding(h, a, u))
        slope, limit = value.imag / COMPLEX_STEP, _rounding(h_prime, a, u)
    else:
        ahead, behind = a + DIFFERENCE_STEP, a - DIFFERENCE_STEP
        slope = (h(ahead) - h(behind)) / (ahead - behind)
        # The change of h' within a step is larger than the truncation error. At a kink, it includes the jump of h'.
        change = elementwise_error(h_prime, a, np.full_like(a, DIFFERENCE_STEP), u)
        limit = change + 32 * u * np.maximum(1, np.abs(h(a))) / DIFFERENCE_STEP
    yield _compare_values("h'", a, slope, h_prime(a), limit)


def _compare_values(kind: str, A: Array, analytic: Array, numeric: Array, limit: Array) -> Comparison:
    """Compare the values that the dtype can represent. Larger values of h are left out."""
    fits = np.abs(analytic) < np.finfo(A.dtype).max / 16
    a = A[fits]
    compared = partial(compare, dtype=A.dtype.name, where=lambda at: f"a = {a[at]:.6g}")
    return compared(kind, kind, analytic[fits], numeric[fits], scale=limit[fits])
