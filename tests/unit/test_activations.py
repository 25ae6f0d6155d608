"""h, h' and the complex form of every activation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.network.activations import ACTIVATIONS, complex_softplus, sigmoid, softplus

EVERYWHERE = np.concatenate([np.linspace(-40, 40, 1601), np.linspace(-1e-3, 1e-3, 11), [0.0]])
#: where an activation has a kink, and so no slope: "relu": [0.0]
KINKS: dict[str, list[float]] = {}
EXTREMES = [0.0, 1e-30, 20.0, 88.8, 104.0, 709.8, 745.2, 1e4, 1e30]

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
numbers = st.floats(-1e4, 1e4)


@every_activation
def test_h_prime_is_the_slope_of_h_by_central_differences(name: str) -> None:
    activation, step, A = ACTIVATIONS[name], 1e-5, EVERYWHERE
    for kink in KINKS.get(name, []):
        A = A[abs(A - kink) > step]
    numeric = (activation.h(A + step) - activation.h(A - step)) / (2 * step)
    np.testing.assert_allclose(activation.h_prime(A), numeric, rtol=0, atol=2e-9)


@every_activation
def test_h_prime_is_the_slope_of_the_complex_form_to_rounding(name: str) -> None:
    activation = ACTIVATIONS[name]
    if activation.complex_h is None:
        pytest.skip(f"{name} has no complex form")
    exact = activation.complex_h(EVERYWHERE + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(activation.h_prime(EVERYWHERE), exact, rtol=0, atol=5e-16)


@every_activation
def test_the_complex_form_is_h_on_the_real_line(name: str) -> None:
    activation = ACTIVATIONS[name]
    if activation.complex_h is None:
        pytest.skip(f"{name} has no complex form")
    continued = activation.complex_h(EVERYWHERE.astype(complex))
    np.testing.assert_allclose(continued.real, activation.h(EVERYWHERE), rtol=1e-15, atol=3e-16)
    assert (continued.imag == 0).all()


@every_activation
@every_dtype
def test_h_and_h_prime_are_finite_and_silent_at_extremes(name: str, dtype: type) -> None:
    A = np.array(EXTREMES + [-a for a in EXTREMES], dtype)
    for f in (ACTIVATIONS[name].h, ACTIVATIONS[name].h_prime):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert np.isfinite(f(A)).all()


@every_activation
def test_the_complex_form_is_finite_and_silent_at_extremes(name: str) -> None:
    f = ACTIVATIONS[name].complex_h
    if f is None:
        pytest.skip(f"{name} has no complex form")
    A = np.array(EXTREMES + [-a for a in EXTREMES]) + 1e-30j
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(f(A)).all()


@every_activation
@every_dtype
def test_h_and_h_prime_keep_dtype_and_shape(name: str, dtype: type) -> None:
    A = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    for f in (ACTIVATIONS[name].h, ACTIVATIONS[name].h_prime):
        assert f(A).dtype == dtype
        assert f(A).shape == (3, 4)


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


@given(numbers)
def test_softplus_of_a_less_softplus_of_minus_a_is_a(a: float) -> None:
    A = np.array([a])
    np.testing.assert_allclose(softplus(A) - softplus(-A), A, rtol=1e-14, atol=1e-15)


@given(numbers, st.sampled_from([np.float32, np.float64]))
def test_softplus_is_at_least_zero_and_at_least_a(a: float, dtype: type) -> None:
    A = np.array([a], dtype)
    assert softplus(A) >= np.maximum(A, 0)


@given(numbers, numbers)
def test_softplus_and_sigmoid_never_decrease(a: float, b: float) -> None:
    low, high = sorted([a, b])
    for f in (softplus, sigmoid):
        assert f(np.array([low])) <= f(np.array([high]))


@given(numbers)
def test_sigmoid_of_a_and_of_minus_a_make_one(a: float) -> None:
    A = np.array([a])
    np.testing.assert_allclose(sigmoid(A) + sigmoid(-A), [1], rtol=0, atol=3e-16)


@given(st.floats(-30, 30), st.floats(-3, 3))
def test_complex_softplus_is_log_of_one_plus_exp_off_the_real_line(real: float, imaginary: float) -> None:
    a = np.array([complex(real, imaginary)])
    # The definition, where it neither overflows nor cancels; both are on the principal branch there.
    np.testing.assert_allclose(np.exp(complex_softplus(a)), 1 + np.exp(a), rtol=1e-12, atol=1e-12)
