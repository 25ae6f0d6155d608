"""Whether the objective and the gradient of ``model`` are right at weights of any size."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.gradient_check.held import Ledger
from handgrad.gradient_check.numeric_gradients import COMPLEX_STEP, Problem, complex_slope, numeric_gradient
from handgrad.gradient_check.rounding import gradient_errors, unit_roundoff
from handgrad.network.activations import Activation
from handgrad.network.model import Weights, forward, gradients, objective

Array = NDArray[Any]

TINY = float(np.finfo(float).tiny)


def check_model(problem: Problem, ledger: Ledger) -> None:
    """Hold the objective against logaddexp, and every entry of the gradient against numeric slopes.

    The slope of the untouched objective along the gradient, by a complex step, is held too.

    Slopes are by complex step. Where h has no complex form h' stands in for it: what is left to check is all
    the rest of the gradient. h' itself is checked apart.
    """
    X, T, W, activation, l2, *_ = problem
    errors = gradient_errors(X, np.abs(X), T, W, activation, 2 * unit_roundoff("float64"))
    S = forward(X, W, activation.h).S
    E = float((T * S).sum() - np.logaddexp.reduce(S, axis=1).sum())
    E -= l2 / 2 * sum(float((w * w).sum()) for w in W)
    _hold(ledger, "E", found=problem.objective(W), expected=E, limit=errors.value + 1e-14 * abs(E))
    value, G = gradients(W, X, T, activation, l2)
    data = E + l2 / 2 * sum(float((w * w).sum()) for w in W)
    _hold(ledger, "data term", found=value, expected=data, limit=errors.value + 1e-14 * abs(E))
    if activation.complex_h is not None:
        V = Weights(*(g / max(float(np.linalg.norm(g)), TINY) for g in G))
        moved = Weights(*(w + 1j * COMPLEX_STEP * v for w, v in zip(W, V, strict=True)))
        slope = objective(moved, X, T, activation.complex_h, l2).imag / COMPLEX_STEP
        along = sum(float((g * v).sum()) for g, v in zip(G, V, strict=True))
        limit = sum(float((e * np.abs(v)).sum()) for e, v in zip(errors.gradient, V, strict=True))
        _hold(ledger, "slope of E", found=slope, expected=along, limit=limit + 1e-13 * abs(along))
    numeric = numeric_gradient(problem, complex_slope, activation.complex_h or linear_form(activation))
    for name, g, slopes, error in zip(Weights._fields, G, numeric, errors.gradient, strict=True):
        rounding = 4 * unit_roundoff("float64") * (np.abs(g) + l2 * np.abs(getattr(W, name)))
        _hold(ledger, f"gradient of {name}", found=g, expected=slopes, limit=error + rounding)


def linear_form(activation: Activation) -> Callable[[Array], Array]:
    """h(a) + i b h'(a) for a + ib: what complex steps need of an h that has no complex form."""
    return lambda A: activation.h(A.real) + 1j * A.imag * activation.h_prime(A.real)


def _hold(ledger: Ledger, what: str, *, found: ArrayLike, expected: ArrayLike, limit: ArrayLike) -> None:
    def where(at: tuple[int, ...]) -> str:
        return f"{list(at)} at huge weights" if at else "at huge weights"

    ledger.hold(f"model's {what}", "float64", "model", found=found, expected=expected, limit=limit, where=where)
