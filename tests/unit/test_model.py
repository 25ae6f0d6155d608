"""What the forward pass, the objective, its gradients and the initial weights promise."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handgrad.common.randomness import Purpose, generator
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import (
    INITS,
    Array,
    Weights,
    data_term,
    forward,
    gradients,
    initial_weights,
    logsumexp,
    objective,
    penalty,
    softmax,
)

#: N, D, M, K: an ordinary net, and each size at its smallest
SHAPES = [(5, 4, 3, 3), (1, 4, 3, 3), (5, 1, 3, 3), (5, 4, 1, 3), (5, 4, 3, 2), (1, 1, 1, 2)]

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
logits = arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4))
seeds = st.integers(0, 10_000)
names = st.sampled_from(sorted(ACTIVATIONS))


def problem(seed: int = 0, shape: tuple[int, int, int, int] = SHAPES[0]) -> tuple[Weights, Array, Array]:
    """Weights, X and T, of ordinary size."""
    n, d, m, k = shape
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, d + 1))
    X[:, 0] = 1
    W = Weights(rng.standard_normal((m, d + 1)), rng.standard_normal((k, m + 1)))
    return W, X, np.eye(k)[rng.integers(0, k, n)]


def slopes(E: Any, W: Weights, step: complex) -> Weights:
    """Each entry's slope of E, from the definition: one entry and one evaluation of E at a time."""
    result = []
    for block in Weights._fields:
        w = getattr(W, block)
        G = np.empty(w.shape)
        for entry in np.ndindex(w.shape):
            moved = [w.astype(np.result_type(step)) for _ in range(2)]
            moved[0][entry] += step
            moved[1][entry] -= step
            ahead, behind = (E(W._replace(**{block: changed})) for changed in moved)
            G[entry] = ((ahead - behind) / (2 * step)).real
        result.append(G)
    return Weights(*result)


# --- the gradient ---


@every_activation
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_gradients_are_the_slopes_of_the_objective(name: str, shape: tuple[int, int, int, int], l2: float) -> None:
    W, X, T = problem(1, shape)
    kept = [array.copy() for array in (*W, X, T)]
    activation = ACTIVATIONS[name]
    value, g = gradients(W, X, T, activation, l2)
    assert value == pytest.approx(objective(W, X, T, activation.h, l2) + penalty(W, l2), rel=1e-13)
    forms = [(activation.h, 1e-5, 2e-9), (activation.complex_h, 1e-30j, 1e-14)]
    for h, step, accuracy in forms if activation.complex_h else forms[:1]:
        numeric = slopes(lambda W, h=h: objective(W, X, T, h, l2), W, step)
        for analytic, slope in zip(g, numeric, strict=True):
            np.testing.assert_allclose(analytic, slope, rtol=0, atol=accuracy)
    for array, before in zip((*W, X, T), kept, strict=True):
        np.testing.assert_array_equal(array, before)


def test_an_activation_of_ones_own_needs_no_entry_in_the_table() -> None:
    cube = Activation(lambda A: A**3, lambda A: 3 * A**2, None)
    W, X, T = problem()
    exact = slopes(lambda W: objective(W, X, T, cube.h, 0.1), W, 1e-30j)
    for analytic, numeric in zip(gradients(W, X, T, cube, 0.1)[1], exact, strict=True):
        np.testing.assert_allclose(analytic, numeric, rtol=1e-13, atol=1e-13)


@every_activation
def test_gradients_keep_float32(name: str) -> None:
    W, X, T = problem()
    small = Weights(*(w.astype(np.float32) for w in W))
    _, g = gradients(small, X.astype(np.float32), T.astype(np.float32), ACTIVATIONS[name], 0.3)
    _, exact = gradients(W, X, T, ACTIVATIONS[name], 0.3)
    for single, double in zip(g, exact, strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=0, atol=5e-6)


@given(seeds, names)
def test_gradients_have_the_sums_that_the_derivation_says(seed: int, name: str) -> None:
    W, X, T = problem(seed)
    value, g = gradients(W, X, T, ACTIVATIONS[name], 0.0)
    Y = softmax(forward(X, W, ACTIVATIONS[name].h).S)
    np.testing.assert_allclose(g.W2[:, 0], (T - Y).sum(axis=0), rtol=0, atol=1e-14)
    # Adding one row vector to all rows of W2 shifts an example's logits alike, which E does not see.
    np.testing.assert_allclose(g.W2.sum(axis=0), 0, rtol=0, atol=1e-13)
    parts = [gradients(W, X[i : i + 1], T[i : i + 1], ACTIVATIONS[name], 0.0) for i in range(len(X))]
    assert value == pytest.approx(sum(part[0] for part in parts), rel=1e-12)
    for block, G in g._asdict().items():
        np.testing.assert_allclose(G, sum(getattr(part[1], block) for part in parts), rtol=0, atol=1e-12)
    _, penalised = gradients(W, X, T, ACTIVATIONS[name], 0.7)  # bias columns included
    for g0, g1, w in zip(g, penalised, W, strict=True):
        np.testing.assert_allclose(g1 - g0, -0.7 * w, rtol=1e-12, atol=1e-14)


# --- the objective ---


@given(seeds, st.floats(0, 1), names)
def test_E_is_concave_in_W2(seed: int, t: float, name: str) -> None:
    W, X, T = problem(seed)
    other = W._replace(W2=problem(seed + 1)[0].W2)
    between = W._replace(W2=(1 - t) * W.W2 + t * other.W2)
    a, b, c = (objective(w, X, T, ACTIVATIONS[name].h, 0.1) for w in (W, other, between))
    assert c >= (1 - t) * a + t * b - 1e-12


@given(seeds)
def test_the_order_of_examples_and_of_hidden_units_does_not_matter(seed: int) -> None:
    W, X, T = problem(seed)
    examples, units = np.random.default_rng(seed).permutation(5), np.random.default_rng(seed).permutation(3)
    shuffled = Weights(W.W1[units], W.W2[:, np.concatenate([[0], units + 1])])
    E = objective(W, X, T, np.tanh, 0.1)
    assert objective(shuffled, X[examples], T[examples], np.tanh, 0.1) == pytest.approx(E, rel=1e-13)


def test_the_terms_of_the_objective_are_those_worked_by_hand() -> None:
    S = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]])  # probabilities 1/8 2/8 5/8 and 3/8 3/8 2/8
    T = np.array([[0.0, 0, 1], [1, 0, 0]])
    assert data_term(S, T) == pytest.approx(np.log(5 / 8 * 3 / 8), rel=1e-15)
    W = Weights(np.array([[1.0, 2.0]]), np.array([[3.0, 0.0], [0.0, 4.0]]))
    assert penalty(W, 0.5) == 0.25 * (1 + 4 + 9 + 16)


def test_the_data_term_of_many_float32_examples_is_summed_in_float64() -> None:
    S = np.full((2**20, 2), 0.1, np.float32)
    T = np.tile(np.array([[1, 0]], np.float32), (2**20, 1))
    assert data_term(S, T).dtype == np.float64
    assert data_term(S, T) == pytest.approx(2**20 * data_term(S[:1], T[:1]), rel=1e-14)


def test_the_forward_pass_is_the_one_worked_by_hand() -> None:
    X = np.array([[1.0, 2.0], [1.0, -1.0]])
    W = Weights(np.array([[0.5, 1.0], [1.0, -1.0]]), np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]))
    A, Z, S = forward(X, W, lambda A: A * A)
    np.testing.assert_array_equal(A, [[2.5, -1], [-0.5, 2]])
    np.testing.assert_array_equal(Z, [[1, 6.25, 1], [1, 0.25, 4]])
    np.testing.assert_array_equal(S, [[13.5, 5.25], [1.5, -3.75]])


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


@given(logits, st.floats(-1e4, 1e4))
def test_a_shift_of_all_logits_shifts_logsumexp_and_leaves_softmax(S: Array, shift: float) -> None:
    np.testing.assert_allclose(softmax(S + shift), softmax(S), rtol=0, atol=1e-11)
    np.testing.assert_allclose(logsumexp(S + shift), logsumexp(S) + shift, rtol=0, atol=1e-11)


@given(arrays(np.float64, (3, 4), elements=st.floats(-30, 30)))
def test_softmax_is_the_slope_of_logsumexp(S: Array) -> None:
    for k in range(4):
        step = np.zeros(4, complex)
        step[k] = 1e-30j
        np.testing.assert_allclose(logsumexp(S + step).imag / 1e-30, softmax(S)[:, k], rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_neither_overflow_nor_warn(dtype: type) -> None:
    S = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e30, -1e30, 1e30]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        Y, L = softmax(S), logsumexp(S)
    third = 1 / 3
    np.testing.assert_allclose(Y, [[1, 0, 0], [third] * 3, [0.5, 0, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(L, np.array([1e4, -1e4 + np.log(3), 1e30], dtype), rtol=1e-6)


# --- the first weights ---


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
