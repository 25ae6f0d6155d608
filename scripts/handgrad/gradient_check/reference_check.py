"""Whether the reference is right at numbers of any size: the activations, the objective and its gradient.

They are what ``training_check`` compares training with. ``check`` takes numeric gradients at weights of ordinary
size alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.gradient_check.numeric_gradients import COMPLEX_STEP, complex_slope, numeric_gradient
from handgrad.gradient_check.problem import Problem
from handgrad.gradient_check.results import Ledger
from handgrad.gradient_check.rounding import elementwise_error, gradient_errors, unit_roundoff
from handgrad.network.activations import Activation, Array
from handgrad.network.model import Weights, forward, gradients, objective

DTYPES = ("float32", "float64")
#: far beyond the clamps of exponents, 29.1 in float32 and 236 in float64, and where e^a overflows, 709.8
MAX_PRE_ACTIVATION = 1024.0
DIFFERENCE_STEP = 2.0**-17
TINY = float(np.finfo(float).tiny)


def pre_activations(dtype: str) -> Array:
    """0 and both signs of sizes from 1e-6 to MAX_PRE_ACTIVATION, the densest up to 40."""
    sizes = np.concatenate([np.geomspace(1e-6, MAX_PRE_ACTIVATION, 400), np.linspace(0.0123, 40, 400)])
    return np.concatenate([-sizes, [0], sizes]).astype(dtype)


def check_activation(activation: Activation, ledger: Ledger) -> None:
    """Compare h, h' and the fused form of both, in each dtype, with float64, and that with slopes of h.

    A value may miss by a few roundings (``rounding.ELEMENTWISE``), and by what two roundings of a change.
    """
    for dtype in DTYPES:
        A = pre_activations(dtype)
        a, u = A.astype(np.float64), unit_roundoff(dtype)
        H, H_prime = np.full_like(A, np.nan), np.full_like(A, np.nan)
        activation.evaluate(A.copy(), H, H_prime)
        for kind, f, fused in (("h", activation.h, H), ("h'", activation.h_prime, H_prime)):
            limit = _rounding(f, a, u)
            _hold_values(ledger, kind, A, found=f(A), expected=f(a), limit=limit)
            _hold_values(ledger, f"fused {kind}", A, found=fused, expected=f(a), limit=limit)
    _check_slopes(activation, ledger)


def _rounding(f: Callable[[Array], Array], a: Array, u: float) -> Array:
    return elementwise_error(f, a, 2 * u * np.maximum(1, np.abs(a)), u)


def _check_slopes(activation: Activation, ledger: Ledger) -> None:
    """Compare h and h' with the complex form; where there is none, h' with central differences of h."""
    h, h_prime = activation.h, activation.h_prime
    a, u = pre_activations("float64"), unit_roundoff("float64")
    if activation.complex_h is not None:
        value = activation.complex_h(a + 1j * COMPLEX_STEP)
        _hold_values(ledger, "h", a, found=h(a), expected=value.real, limit=_rounding(h, a, u))
        slope, limit = value.imag / COMPLEX_STEP, _rounding(h_prime, a, u)
    else:
        ahead, behind = a + DIFFERENCE_STEP, a - DIFFERENCE_STEP
        slope = (h(ahead) - h(behind)) / (ahead - behind)
        # as much as h' changes within a step, which is more than truncation; at a kink it is what h' jumps by
        change = elementwise_error(h_prime, a, np.full_like(a, DIFFERENCE_STEP), u)
        limit = change + 32 * u * np.maximum(1, np.abs(h(a))) / DIFFERENCE_STEP
    _hold_values(ledger, "h'", a, found=h_prime(a), expected=slope, limit=limit)


def _hold_values(ledger: Ledger, kind: str, A: Array, *, found: Array, expected: Array, limit: Array) -> None:
    """Compare where the exact value is a number of the dtype at all: h may grow beyond it."""
    fits = np.abs(expected) < np.finfo(A.dtype).max / 16
    a = A[fits]
    numbers = {"found": found[fits], "expected": expected[fits], "limit": limit[fits]}
    ledger.hold(kind, A.dtype.name, kind, **numbers, where=lambda at: f"a = {a[at]:.6g}")


def check_model(problem: Problem, ledger: Ledger) -> None:
    """Compare the objective with logaddexp, and every entry of the gradient with numeric slopes.

    The slope of the untouched objective along the gradient, by a complex step, is compared too.

    Slopes are by complex step. Where h has no complex form h' takes its place: what is left to check is all
    the rest of the gradient. h' itself is checked apart.
    """
    X, T, W, activation, l2, *_ = problem
    u = unit_roundoff("float64")
    errors = gradient_errors(X, np.abs(X), T, W, activation, 2 * u)
    S = forward(X, W, activation.h).S
    data_term = float((T * S).sum() - np.logaddexp.reduce(S, axis=1).sum())
    E = data_term - l2 / 2 * sum(float((w * w).sum()) for w in W)
    value, G = gradients(W, X, T, activation, l2)

    def hold(what: str, found: Any, expected: Any, limit: Any) -> None:
        def where(at: tuple[int, ...]) -> str:
            return f"{list(at) if at else ''} at huge weights".strip()

        ledger.hold(f"model's {what}", "float64", "model", found=found, expected=expected, limit=limit, where=where)

    hold("E", problem.objective(W), E, errors.value + 1e-14 * abs(E))
    hold("data term", value, data_term, errors.value + 1e-14 * abs(E))
    if activation.complex_h is not None:
        V = Weights(*(g / max(float(np.linalg.norm(g)), TINY) for g in G))
        moved = Weights(*(w + 1j * COMPLEX_STEP * v for w, v in zip(W, V, strict=True)))
        slope = objective(moved, X, T, activation.complex_h, l2).imag / COMPLEX_STEP
        along = sum(float((g * v).sum()) for g, v in zip(G, V, strict=True))
        limit = sum(float((e * np.abs(v)).sum()) for e, v in zip(errors.gradient, V, strict=True))
        hold("slope of E", slope, along, limit + 1e-13 * abs(along))
    numeric = numeric_gradient(problem, complex_slope, activation.complex_h or linear_form(activation))
    for name, w, g, slopes, error in zip(Weights._fields, W, G, numeric, errors.gradient, strict=True):
        hold(f"gradient of {name}", g, slopes, error + 4 * u * (np.abs(g) + l2 * np.abs(w)))


def linear_form(activation: Activation) -> Callable[[Array], Array]:
    """h(a) + i b h'(a) for a + ib: what complex steps need of an h that has no complex form."""
    return lambda A: activation.h(A.real) + 1j * A.imag * activation.h_prime(A.real)
