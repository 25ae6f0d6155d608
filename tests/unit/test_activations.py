"""h, h', the fused form and the complex form of every activation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.network.activations import (
    ACTIVATIONS,
    Activation,
    complex_softplus,
    exponent_limit,
    sigmoid,
    softplus,
)

EVERYWHERE = np.concatenate([np.linspace(-400, 400, 16001), np.linspace(-1e-3, 1e-3, 11), [0.0]])
#: where an activation has a kink, and so no slope: "relu": [0.0]
KINKS: dict[str, list[float]] = {}
SIZES = [0.0, 1e-30, 20.0, 29.0, 29.2, 88.8, 104.0, 236.0, 237.0, 709.8, 745.2, 1e4, 1e30]
EXTREMES = np.array(SIZES + [-a for a in SIZES])

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
numbers = st.floats(-1e4, 1e4)


def fused(activation: Activation, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    H, H_prime = np.empty_like(A), np.empty_like(A)
    activation.evaluate(A.copy(), H, H_prime)
    return H, H_prime


@every_activation
def test_h_prime_is_the_slope_of_h(name: str) -> None:
    activation, step, A = ACTIVATIONS[name], 1e-5, EVERYWHERE[abs(EVERYWHERE) < 40]
    for kink in KINKS.get(name, []):
        A = A[abs(A - kink) > step]
    numeric = (activation.h(A + step) - activation.h(A - step)) / (2 * step)
    np.testing.assert_allclose(activation.h_prime(A), numeric, rtol=0, atol=2e-9)
    if activation.complex_h is not None:
        continued = activation.complex_h(A + 1e-30j)
        np.testing.assert_allclose(activation.h_prime(A), continued.imag / 1e-30, rtol=0, atol=5e-16)
        np.testing.assert_allclose(activation.h(A), continued.real, rtol=1e-15, atol=3e-16)


@every_activation
@every_dtype
def test_the_fused_form_is_h_and_h_prime_in_the_same_dtype(name: str, dtype: type) -> None:
    A = EVERYWHERE.astype(dtype)[None]
    activation = ACTIVATIONS[name]
    accuracy = 2 * float(np.finfo(dtype).eps)
    for ours, theirs in zip(fused(activation, A), (activation.h(A), activation.h_prime(A)), strict=True):
        assert (ours.dtype, theirs.dtype, theirs.shape) == (dtype, dtype, A.shape)
        # where exponents are clamped, e^-29.1 is taken for what is nearer to 0
        np.testing.assert_allclose(ours, theirs, rtol=accuracy, atol=max(accuracy, np.exp(-exponent_limit(dtype))))


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
def test_an_activation_is_periodic_where_it_says_so(name: str) -> None:
    A, activation = np.linspace(-3, 3, 50), ACTIVATIONS[name]
    assert activation.periodic == np.allclose(activation.h(A), activation.h(A + 2 * np.pi))


def test_an_activation_without_a_fused_form_is_computed_by_h_and_h_prime() -> None:
    cube = Activation(lambda A: A**3, lambda A: 3 * A**2, None)
    np.testing.assert_array_equal(fused(cube, np.array([[-1.0, 2.0]])), ([[-1, 8]], [[3, 12]]))


def test_values_that_are_known_exactly() -> None:
    zero = np.zeros(1)
    assert softplus(zero) == np.log(2)
    assert sigmoid(zero) == 0.5
    np.testing.assert_allclose(softplus(np.log([3.0])), np.log([4.0]), rtol=1e-15)
    np.testing.assert_allclose(sigmoid(np.log([3.0])), [0.75], rtol=1e-15)
    assert ACTIVATIONS["tanh"].h_prime(zero) == 1
    np.testing.assert_allclose(ACTIVATIONS["cos"].h_prime(np.array([np.pi / 2])), [-1], rtol=1e-15)


@every_dtype
def test_softplus_keeps_its_digits_where_it_is_small(dtype: type) -> None:
    A = np.array([-15, -40, -80], dtype)
    np.testing.assert_allclose(softplus(A), np.exp(A), rtol=4e-7, atol=0)
    A = np.array([-15, -20, -29], dtype)
    for values in fused(ACTIVATIONS["softplus"], A):
        np.testing.assert_allclose(values, np.exp(A), rtol=4e-7, atol=0)


@given(numbers, numbers)
def test_softplus_and_sigmoid_have_their_symmetries_and_never_decrease(a: float, b: float) -> None:
    A = np.array(sorted([a, b]))
    np.testing.assert_allclose(softplus(A) - softplus(-A), A, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(sigmoid(A) + sigmoid(-A), 1, rtol=0, atol=3e-16)
    assert (softplus(A) >= np.maximum(A, 0)).all()
    for f in (softplus, sigmoid):
        assert f(A)[0] <= f(A)[1]


@given(st.floats(-30, 30), st.floats(-3, 3))
def test_complex_softplus_is_log_of_one_plus_exp_off_the_real_line(real: float, imaginary: float) -> None:
    a = np.array([complex(real, imaginary)])
    # The definition, where it neither overflows nor cancels; both are on the principal branch there.
    np.testing.assert_allclose(np.exp(complex_softplus(a)), 1 + np.exp(a), rtol=1e-12, atol=1e-12)
