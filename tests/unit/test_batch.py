"""A batch stays correct over many steps, avoids denormal numbers and allocates no arrays.

The gate verifies that a batch computes the same numbers as the model.
"""

import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

from handgrad.datasets.data import Split, one_hot
from handgrad.datasets.scaling import Scaling
from handgrad.network.activations import ACTIVATIONS, exponent_limit
from handgrad.network.model import Weights, gradients
from handgrad.training.batch import Batch, in_step_order
from handgrad.training.loop import EVALUATION_BLOCK
from handgrad.training.momentum import SMALLEST_SCALE, Velocity

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def net(dtype: str, shape: tuple[int, int, int, int] = (7, 12, 5, 3), size: float = 1.0) -> tuple[Weights, Split]:
    """Return weights and a split of 3 N images. shape: N, D, M, K."""
    n, d, m, k = shape
    rng = np.random.default_rng(2)
    W = Weights(size * rng.standard_normal((m, d + 1)), rng.standard_normal((k, m + 1)))
    split = Split(rng.integers(0, 256, (3 * n, d), np.uint8), rng.integers(0, k, 3 * n).astype(np.uint8))
    return Weights(*(w.astype(dtype) for w in W)), split


def scaling(pixels: str, split: Split) -> Scaling:
    return Scaling.of(pixels, x=split.x, rows=np.arange(len(split.y)), max_value=255)


def batch(W: Weights, split: Split, pixels: str, name: str, n: int) -> Batch:
    """Return a batch with copies of these weights."""
    return Batch(in_step_order(Weights(*(w.copy() for w in W))), scaling(pixels, split), ACTIVATIONS[name], n)


def step(
    it: Batch, split: Split, rows: Any, w1_scale: float, eta: float, l2: float, V: Velocity | None = None, mu: float = 0
) -> tuple[float, float]:
    """Run one update, with momentum if V is given. Return the data term and the new w1_scale."""
    it.load(split, rows)
    it.forward(w1_scale)
    value = it.softmax()
    if V is None:
        return value, it.ascend(w1_scale, eta, l2)
    return value, it.ascend_with_momentum(V, mu, 1.0, w1_scale, eta, l2)


def reference(W: Weights, split: Split, rows: Any, pixels: str, name: str, l2: float) -> tuple[float, Weights]:
    """Return the data term and the gradient, computed by the model in float64."""
    X = scaling(pixels, split).inputs(split.x[rows], np.float64)
    T = one_hot(split.y[rows], len(W.W2), np.float64)
    return gradients(Weights(*(w.astype(np.float64) for w in W)), X, T, ACTIVATIONS[name], l2)


@pytest.mark.parametrize("mu", [None, 1e-30, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("eta_l2", [0.0, 1e-3, 0.1, 0.6, 1.0, 1.5])
def test_many_steps_are_as_many_updates_however_strong_the_penalty(mu: float | None, eta_l2: float) -> None:
    # compares the stored velocity and weights with their definitions
    W, split = net("float64")
    it, w1_scale, eta = batch(W, split, "unit", "tanh", 7), 1.0, 0.001
    kept, V = Velocity.at_rest(it.W) if mu else None, Weights(*(np.zeros_like(w) for w in W))
    rng = np.random.default_rng(3)
    for _ in range(200 if mu else 40):
        rows = rng.permutation(21)[:7]
        value, w1_scale = step(it, split, rows, w1_scale, eta, eta_l2 / eta, kept, mu or 0)
        expected, g = reference(W, split, rows, "unit", "tanh", eta_l2 / eta)
        V = Weights(*((mu or 0) * v + slope for v, slope in zip(V, g, strict=True)))
        W = Weights(*(w + eta * v for w, v in zip(W, V, strict=True)))
        assert value == pytest.approx(expected, rel=1e-9)
        pairs = [(w1_scale * it.W.W1, W.W1), (it.W.W2, W.W2)]
        if kept:
            pairs.append((kept.scale * kept.W1 + kept.share * it.W.W1, V.W1))
            assert SMALLEST_SCALE < kept.scale <= 2
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * max(1.0, abs(theirs).max()))
        assert 0.5 < w1_scale <= 1


def test_weights_in_another_order_are_refused_for_an_update_would_be_lost() -> None:
    W, split = net("float64")
    with pytest.raises(ValueError, match="in_step_order"):
        Batch(W, scaling("unit", split), ACTIVATIONS["tanh"], 7)


def test_the_data_term_is_right_at_certain_mistakes_and_many_examples() -> None:
    # exponents are clamped at 29, losses are not: the logit of the correct class is 500 below the largest
    W, split = net("float32", (1, 12, 5, 2))
    it = batch(W, split, "unit", "tanh", 1)
    it.T[:], it.S[:] = [[1], [0]], [[0], [500]]
    assert it.softmax() == -500
    # 100,001 times ln 3 in single precision: a sum in single precision would have an error above 1e-7
    n = 100_001
    W, split = net("float32", (1, 2, 1, 3))
    it = batch(W, split, "raw", "tanh", n)
    it.T[:], it.S[:] = [[1], [0], [0]], 0
    assert it.softmax() == -n * float(np.log(np.float32(3)))


# --- no denormal numbers ---


def denormal(array: np.ndarray) -> int:
    """Return the number of denormal entries."""
    if array.dtype == np.uint8:
        return 0
    return int(((array != 0) & (abs(array) < np.finfo(array.dtype).tiny)).sum())


@every_dtype
@every_activation
def test_saturated_units_and_certain_predictions_make_no_denormal_number(name: str, dtype: str) -> None:
    # pre-activations and logits of both signs cover the whole range in which e^a is denormal
    W, split = net(dtype, (300, 12, 40, 3))
    reach = 110 if dtype == "float32" else 760
    it = batch(W, split, "raw", name, 300)
    it.load(split, np.arange(300))
    it.X[:] = np.linspace(-reach, reach, 300)[:, None] / 13
    it.W.W1[:] = np.linspace(0.7, 1.3, 40)[:, None]
    it.W.W2[:] = np.linspace(-reach, reach, 3)[:, None]
    it.forward()
    assert denormal(np.exp(-abs(it.X.sum(axis=1)))) > 0  # the numbers that a batch must avoid
    assert np.isfinite(it.softmax())
    it.ascend(1.0, 0.001, 0.01)
    arrays = {key: array for key, array in vars(it).items() if isinstance(array, np.ndarray)}
    assert {key: denormal(array) for key, array in arrays.items() if denormal(array)} == {}
    assert [denormal(w) for w in it.W] == [0, 0]


@every_dtype
def test_clamped_exponents_change_no_sum_and_stay_normal_in_products(dtype: str) -> None:
    smallest = np.exp(np.array(-exponent_limit(dtype), dtype))
    one = np.array(1, dtype)
    assert one + smallest == one
    assert denormal(smallest * smallest) == 0


# --- no allocation, bounded memory ---


@every_activation
@pytest.mark.parametrize("momentum", [False, True])
def test_a_step_makes_no_array_except_in_softplus(name: str, momentum: bool) -> None:
    if ACTIVATIONS[name].fused is None:
        pytest.skip(f"{name} has no fused form")
    W, split = net("float32", (100, 700, 600, 3), size=0.01)
    it, rows = batch(W, split, "standardize", name, 100), np.arange(100)
    given = (split, rows, 1.0, 0.001, 0.01, Velocity.at_rest(it.W) if momentum else None, 0.9)
    step(it, *given)
    tracemalloc.start()
    try:
        for _ in range(3):
            step(it, *given)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made = it.A.nbytes if name == "softplus" else 0  # its U
    assert peak - made < it.A.nbytes / 2  # A is the smallest large array; NumPy's buffers take 100 kB


def test_a_batch_holds_no_more_than_a_job_asks_for() -> None:
    # run_megabytes in handgrad/layout/resources.py uses these bytes per example and this block of evaluation
    for shape in [(50, 784, 300, 10), (50, 64, 5, 3), (50, 10, 1000, 100)]:
        W, split = net("float64", shape)
        it = batch(W, split, "raw", "tanh", 50)
        held = sum(array.nbytes for array in vars(it).values() if isinstance(array, np.ndarray))
        assert held <= 50 * (9 * shape[1] + 4 * 8 * shape[2] + 24 * shape[3] + 100)
    assert EVALUATION_BLOCK == 500


def test_importing_training_does_not_load_all_of_scipy() -> None:
    code = "import sys, handgrad.training.loop; print([name for name in sys.modules if name.startswith('scipy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"  # a job of a short run would spend more time on it than on training
