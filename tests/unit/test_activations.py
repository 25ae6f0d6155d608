"""Activations at extreme values. The gate verifies that all forms agree."""

import numpy as np
import pytest

from handgrad.network.activations import ACTIVATIONS, Activation, softplus

SIZES = [0.0, 1e-30, 20.0, 29.0, 29.2, 88.8, 104.0, 236.0, 237.0, 709.8, 745.2, 1e4, 1e30]
EXTREMES = np.array(SIZES + [-a for a in SIZES])

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def fused(activation: Activation, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    H, H_prime = np.empty_like(A), np.empty_like(A)
    activation.evaluate(A.copy(), H, H_prime)
    return H, H_prime


@every_activation
@every_dtype
def test_every_form_is_finite_and_silent_at_extremes(name: str, dtype: type) -> None:
    activation, A = ACTIVATIONS[name], EXTREMES.astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        values = [activation.h(A), activation.h_prime(A), *fused(activation, A)]
        if activation.complex_h is not None:
            values.append(activation.complex_h(EXTREMES + 1e-30j))
    assert all(np.isfinite(value).all() for value in values)


@every_activation
@every_dtype
def test_fused_forms_agree_with_the_functions_at_extremes(name: str, dtype: type) -> None:
    activation, A = ACTIVATIONS[name], EXTREMES.astype(dtype)
    few = 10 * np.finfo(dtype).eps
    for values, f in zip(fused(activation, A), (activation.h, activation.h_prime), strict=True):
        with np.errstate(under="ignore"):
            np.testing.assert_allclose(values, f(A.astype(np.float64)), rtol=few, atol=few)


@every_dtype
def test_the_fused_softplus_keeps_its_digits_where_it_is_small(dtype: type) -> None:
    A = np.linspace(-28, 28, 5001).astype(dtype)
    with np.errstate(under="ignore"):
        expected = softplus(A.astype(np.longdouble))
    np.testing.assert_allclose(fused(ACTIVATIONS["softplus"], A)[0], expected, rtol=4 * np.finfo(dtype).eps)


def test_the_fused_tanh_keeps_its_digits_in_float32_where_it_is_small() -> None:
    A = np.geomspace(1e-7, 1, 1000, dtype=np.float32)
    np.testing.assert_allclose(fused(ACTIVATIONS["tanh"], A)[0], np.tanh(A.astype(float)), rtol=4e-7)


@every_activation
def test_an_activation_is_periodic_where_it_says_so(name: str) -> None:
    A, activation = np.linspace(-3, 3, 50), ACTIVATIONS[name]
    assert activation.periodic == np.allclose(activation.h(A), activation.h(A + 2 * np.pi))


@every_activation
def test_an_activation_lists_the_points_at_which_its_derivative_jumps(name: str) -> None:
    A, h_prime = np.linspace(-8, 8, 129), ACTIVATIONS[name].h_prime
    jumps = abs(h_prime(A + 1e-9) - h_prime(A - 1e-9)) > 1e-3
    assert A[jumps].tolist() == list(ACTIVATIONS[name].kinks)


def test_an_activation_without_a_fused_form_is_computed_by_h_and_h_prime() -> None:
    cube = Activation(lambda A: A**3, lambda A: 3 * A**2, None)
    np.testing.assert_array_equal(fused(cube, np.array([[-1.0, 2.0]])), ([[-1, 8]], [[3, 12]]))


@every_dtype
def test_softplus_keeps_its_digits_where_it_is_small(dtype: type) -> None:
    A = np.array([-15, -40, -80], dtype)
    np.testing.assert_allclose(softplus(A), np.exp(A), rtol=4e-7, atol=0)
    A = np.array([-15, -20, -29], dtype)
    for values in fused(ACTIVATIONS["softplus"], A):
        np.testing.assert_allclose(values, np.exp(A), rtol=4e-7, atol=0)
