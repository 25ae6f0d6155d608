"""Whether h, h' and the fused form of both are right for pre-activations of every size, in each dtype."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.gradient_check.held import Ledger
from handgrad.gradient_check.numeric_gradients import COMPLEX_STEP
from handgrad.gradient_check.rounding import elementwise_error, unit_roundoff
from handgrad.network.activations import Activation

Array = NDArray[Any]

DTYPES = ("float32", "float64")
#: far beyond the clamps of exponents, 29.1 in float32 and 236 in float64, and where e^a overflows, 709.8
LARGEST = 1024.0
DIFFERENCE_STEP = 2.0**-17


def pre_activations(dtype: str) -> Array:
    """0 and both signs of sizes from 1e-6 to LARGEST, the densest up to 40."""
    sizes = np.concatenate([np.geomspace(1e-6, LARGEST, 400), np.linspace(0.0123, 40, 400)])
    return np.concatenate([-sizes, [0], sizes]).astype(dtype)


def check_activation(activation: Activation, ledger: Ledger) -> None:
    """Hold what is computed elementwise against float64, and that against slopes of h.

    A value may miss by a few roundings (``rounding.ELEMENTWISE``), and by what two roundings of a change.
    """
    for dtype in DTYPES:
        A = pre_activations(dtype)
        a, u = A.astype(np.float64), unit_roundoff(dtype)
        exact = {"h": activation.h(a), "h'": activation.h_prime(a)}
        limits = {
            kind: elementwise_error(f, a, 2 * u * np.maximum(1, np.abs(a)), u)
            for kind, f in (("h", activation.h), ("h'", activation.h_prime))
        }
        for kind, of, found in _computed(activation, A):
            _hold(ledger, kind, dtype, A, found=found, expected=exact[of], limit=limits[of])
        if dtype == "float64":
            _hold_slopes(activation, ledger, a, limits)


def _computed(activation: Activation, A: Array) -> Iterator[tuple[str, str, Array]]:
    yield "h", "h", activation.h(A)
    yield "h'", "h'", activation.h_prime(A)
    H, H_prime = np.full_like(A, np.nan), np.full_like(A, np.nan)
    activation.evaluate(A.copy(), H, H_prime)
    yield "fused h", "h", H
    yield "fused h'", "h'", H_prime


def _hold_slopes(activation: Activation, ledger: Ledger, a: Array, limits: dict[str, Array]) -> None:
    """Hold h and h' against the complex form; where there is none, h' against central differences of h."""
    if activation.complex_h is not None:
        value = activation.complex_h(a + 1j * COMPLEX_STEP)
        slope = value.imag / COMPLEX_STEP
        _hold(ledger, "h", "float64", a, found=activation.h(a), expected=value.real, limit=limits["h"])
    else:
        ahead, behind = a + DIFFERENCE_STEP, a - DIFFERENCE_STEP
        slope = (activation.h(ahead) - activation.h(behind)) / (ahead - behind)
        limits = {"h'": _difference_limit(activation, a)}
    _hold(ledger, "h'", "float64", a, found=activation.h_prime(a), expected=slope, limit=limits["h'"])


def _difference_limit(activation: Activation, a: Array) -> Array:
    """What a central difference may miss by: rounding, and as much as h' changes within a step.

    The latter is more than truncation, and at a kink it is what h' jumps by.
    """
    u = unit_roundoff("float64")
    rounding = 32 * u * np.maximum(1, np.abs(activation.h(a))) / DIFFERENCE_STEP
    limit: Array = rounding + elementwise_error(activation.h_prime, a, np.full_like(a, DIFFERENCE_STEP), u)
    return limit


def _hold(ledger: Ledger, kind: str, dtype: str, A: Array, *, found: Array, expected: Array, limit: Array) -> None:
    """Compare where the exact value is a number of the dtype at all: h may grow beyond it."""
    fits = np.abs(expected) < np.finfo(dtype).max / 16
    a = A[fits]
    ledger.hold(
        kind,
        dtype,
        kind,
        found=found[fits],
        expected=expected[fits],
        limit=limit[fits],
        where=lambda at: f"a = {a[at]:.6g}",
    )
