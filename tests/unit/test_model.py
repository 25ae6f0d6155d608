"""Tests of the forward pass, the objective, its gradients and the initial weights."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handgrad.common.randomness import Purpose, generator
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import (
    INITS,
    Array,
    Weights,
    data_term,
    gradients,
    initial_weights,
    logsumexp,
    softmax,
)

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
logits = arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4))


@every_activation
def test_gradients_keep_float32(name: str) -> None:
    rng = np.random.default_rng(0)
    X, T = np.insert(rng.uniform(-1, 1, (5, 4)), 0, 1, axis=1), np.eye(3)[rng.integers(0, 3, 5)]
    W = Weights(rng.standard_normal((3, 5)), rng.standard_normal((3, 4)))
    small = Weights(*(w.astype(np.float32) for w in W))
    _, g = gradients(small, X.astype(np.float32), T.astype(np.float32), ACTIVATIONS[name], 0.3)
    for single, double in zip(g, gradients(W, X, T, ACTIVATIONS[name], 0.3)[1], strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=0, atol=5e-6)


# --- the objective ---


def test_the_data_term_of_many_float32_examples_is_summed_in_float64() -> None:
    S = np.full((2**20, 2), 0.1, np.float32)
    T = np.tile(np.array([[1, 0]], np.float32), (2**20, 1))
    assert data_term(S, T).dtype == np.float64
    assert data_term(S, T) == pytest.approx(2**20 * data_term(S[:1], T[:1]), rel=1e-14)


# --- softmax and logsumexp ---


@given(logits, st.sampled_from([np.float32, np.float64]))
def test_softmax_gives_probabilities_and_logsumexp_its_bounds(S: Array, dtype: type) -> None:
    S = S.astype(dtype)
    Y, largest = softmax(S), S.max(axis=1)
    assert Y.dtype == dtype
    assert ((Y >= 0) & (Y <= 1)).all()
    np.testing.assert_allclose(Y.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(dtype).eps)
    assert (logsumexp(S) >= largest).all()
    assert (logsumexp(S) <= largest + np.log(4) + 2 * np.spacing(np.abs(largest) + 2)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_neither_overflow_nor_warn(dtype: type) -> None:
    S = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e30, -1e30, 1e30]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        Y, L = softmax(S), logsumexp(S)
    third = 1 / 3
    np.testing.assert_allclose(Y, [[1, 0, 0], [third] * 3, [0.5, 0, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(L, np.array([1e4, -1e4 + np.log(3), 1e30], dtype), rtol=1e-6)


# --- the initial weights ---


def first_weights(init: str, name: str = "tanh", inputs: int = 8, units: int = 4, **changes: Any) -> Weights:
    given = {"inputs": inputs, "hidden_units": units, "classes": 3, "seed": 1, "dtype": "float64"}
    return initial_weights(init, ACTIVATIONS[name], **{**given, **changes})


@pytest.mark.parametrize("inputs", [1, 2, 399])
def test_the_published_initial_weights_are_as_described(inputs: int) -> None:
    W = first_weights("published", inputs=inputs)
    drawn = generator(1, Purpose.INITIAL_WEIGHTS).standard_normal((4, inputs + 1))[:, 1:]
    np.testing.assert_allclose(W.W1[:, 1:], drawn / np.sqrt(inputs + 1), rtol=1e-14)
    assert (W.W1[:, 0] == 1).all()
    np.testing.assert_array_equal(W.W2, np.tile([1.0, 0, 0, 0, 0], (3, 1)))


@every_activation
def test_the_scaled_initial_weights_have_the_activations_spread_and_bias(name: str) -> None:
    activation = ACTIVATIONS[name]
    W = first_weights("scaled", name, inputs=400, units=2000)
    drawn = generator(1, Purpose.INITIAL_WEIGHTS).standard_normal((2000, 401))[:, 1:]
    np.testing.assert_allclose(W.W1[:, 1:], activation.spread / 20 * drawn, rtol=1e-14)
    np.testing.assert_array_equal(W.W2, np.zeros((3, 2001)))
    if activation.periodic:
        phases = np.histogram(W.W1[:, 0], 4, (-np.pi, np.pi))[0]
        assert phases.sum() == 2000
        assert abs(phases - 500).max() < 100  # five standard deviations
    else:
        assert (W.W1[:, 0] == activation.bias).all()


@pytest.mark.parametrize("init", INITS)
def test_initial_weights_come_from_the_seed_and_are_cast_after_drawing(init: str) -> None:
    first = first_weights(init)
    for again, w, single in zip(first_weights(init), first, first_weights(init, dtype="float32"), strict=True):
        np.testing.assert_array_equal(again, w)
        assert single.dtype == np.float32
        np.testing.assert_array_equal(single, w.astype(np.float32))
    assert (first.W1 != first_weights(init, seed=2).W1).any()
