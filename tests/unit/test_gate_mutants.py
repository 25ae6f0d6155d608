"""The gate alone finds every fault in the code that training executes, except faults that change no number."""

import ast
import random
import warnings
from typing import Any

import numpy as np
import pytest
from mutants import all_mutants, edited, in_place

from factories import image_data

# imported here so that mutants find the modules that they do not change
from handgrad.network.activations import ACTIVATIONS

DRAWN = 100

#: faults that change no number that training computes, grouped by reason
EQUIVALENT: dict[str, set[str]] = {
    "both forms of the complex softplus are exact near 0": {
        "network.activations.complex_softplus: positive = A.real > 0 -> positive = A.real > -1",
        "network.activations.complex_softplus: positive = A.real > 0 -> positive = A.real > 1",
    },
    "clamps of exponents only save time; every limit is correct from which e^-x no longer changes 1": {
        "network.activations.exponent_limit: return -float(np.log(np.finfo(dtype).tiny)) / 3"
        " -> return -float(np.log(np.finfo(dtype).tiny)) / 2",
        "network.activations.exponent_limit: return -float(np.log(np.finfo(dtype).tiny)) / 3"
        " -> return -float(np.log(np.finfo(dtype).tiny)) / 4",
        "network.activations.: GELU_LIMIT = 7.5 -> GELU_LIMIT = 8.5",
        "network.activations.: GELU_END = 40.0 -> GELU_END = 39.0",
        "network.activations.: GELU_END = 40.0 -> GELU_END = 41.0",
        "network.activations.: TANH_END = 20.0 -> TANH_END = 19.0",
        "network.activations.: TANH_END = 20.0 -> TANH_END = 21.0",
        "network.activations.fused_tanh: np.clip(A, -TANH_END, TANH_END, out=A) -> pass",
        "network.activations.fused_sigmoid: limit = exponent_limit(A.dtype)"
        " -> limit = exponent_limit(np.dtype('float64'))",
        "training.batch.softmax: np.maximum(S, self.lowest, out=S) -> pass",
    },
    "both forms of tanh are right; which one is used affects only speed and the digits of small numbers": {
        "network.activations.fused_tanh: if A.dtype == np.float64: -> if A.dtype == np.float32:",
        "network.activations.fused_tanh: if A.dtype == np.float64: -> if np.dtype('float32') == np.float64:",
        "network.activations.fused_tanh: if A.dtype == np.float64: -> if np.dtype('float64') == np.float64:",
    },
    "the gate compares with the largest gradient; test_activations checks the digits of a small softplus": {
        "network.activations.fused_softplus: np.add(H, A, out=H) -> pass",
        "network.activations.fused_softplus: np.add(H, A, out=H) -> np.subtract(H, A, out=H)",
    },
    "0 and 1 are exact in every dtype": {
        "network.activations.relu_prime: return (A > 0).astype(A.dtype) -> return (A > 0).astype(np.dtype('float32'))",
        "network.activations.relu_prime: return (A > 0).astype(A.dtype) -> return (A > 0).astype(np.dtype('float64'))",
    },
    "another function with its right derivative; test_training compares gelu with PyTorch's": {
        "network.activations.: GELU_SLOPE = 1.5957691216057308 -> GELU_SLOPE = 2.5957691216057306",
    },
    "the model's functions are called only with float64": {
        "network.model.forward: Z = np.empty((A.shape[0], A.shape[1] + 1), A.dtype)"
        " -> Z = np.empty((A.shape[0], A.shape[1] + 1), np.dtype('float64'))",
        "network.model.data_term: return per_example.sum(dtype=np.result_type(S, np.float64))"
        " -> return per_example.sum(dtype=np.result_type(S, np.float32))",
    },
    "no difference up to 128 classes; a dataset with more has its own gate": {
        "training.batch.__init__: self.classes = np.arange(K, dtype=np.uint8)[:, None]"
        " -> self.classes = np.arange(K, dtype=np.int8)[:, None]",
    },
    "multiplies scales in earlier or always, which is only slower, or affects numbers that do not occur": {
        "training.batch.ascend: if not 0.5 < w1_scale <= 1: -> if not 0.5 < w1_scale <= -1:",
        "training.batch.ascend: if not 0.5 < w1_scale <= 1: -> if not 0.5 < w1_scale <= 0:",
        "training.batch.ascend: if not 0.5 < w1_scale <= 1: -> if not 0.5 < w1_scale <= 2:",
        "training.batch.ascend: if not 0.5 < w1_scale <= 1: -> if not 1.5 < w1_scale <= 1:",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = -2.0 ** (-20)",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 1.0 ** (-20)",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 2.0",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 2.0 ** (--20)",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 2.0 ** (-19)",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 2.0 ** (-21)",
        "training.momentum.: SMALLEST_SCALE = 2.0 ** (-20) -> SMALLEST_SCALE = 2.0 ** 20",
        "training.momentum.slow_down: if not (0.5 < shrunk <= 1 and scale > SMALLEST_SCALE):"
        " -> if not (0.5 < shrunk <= -1 and scale > SMALLEST_SCALE):",
        "training.momentum.slow_down: if not (0.5 < shrunk <= 1 and scale > SMALLEST_SCALE):"
        " -> if not (0.5 < shrunk <= 0 and scale > SMALLEST_SCALE):",
        "training.momentum.slow_down: if not (0.5 < shrunk <= 1 and scale > SMALLEST_SCALE):"
        " -> if not (0.5 < shrunk <= 2 and scale > SMALLEST_SCALE):",
        "training.momentum.slow_down: if not (0.5 < shrunk <= 1 and scale > SMALLEST_SCALE):"
        " -> if not (1.5 < shrunk <= 1 and scale > SMALLEST_SCALE):",
        "training.momentum.slow_down: shrunk = w1_scale + eta * share -> shrunk = w1_scale * (eta * share)",
        "training.momentum.slow_down: shrunk = w1_scale + eta * share -> shrunk = eta * share",
    },
    "a velocity of zeros does not depend on its scale": {
        "training.momentum.Velocity: scale: float = 1.0 -> scale: float = -1.0",
        "training.momentum.Velocity: scale: float = 1.0 -> scale: float = 0.0",
        "training.momentum.Velocity: scale: float = 1.0 -> scale: float = 2.0",
    },
}


def stopped_by(module: str, tree: ast.AST, activations: Any) -> str | None:
    """Run the gate with the module replaced by a tree.

    Return the message of a failed gate, or the name of an exception; None if the gate passes.
    """
    with in_place(module, tree), warnings.catch_warnings(action="ignore"):
        from handgrad.gradient_check.check import check
        from handgrad.gradient_check.report import explain
        from handgrad.gradient_check.settings import GATE
        from handgrad.network.activations import ACTIVATIONS, Activation

        # a user's activation without a fused form
        ACTIVATIONS["plain"] = Activation(np.tanh, lambda A: 1 - np.tanh(A) ** 2, np.tanh)
        for name in activations:
            try:
                report = check(image_data(30, 30), name, GATE)
            except Exception as error:  # noqa: BLE001 every exception prevents the gate file
                return type(error).__name__
            if not report.passed:
                return explain(report)
    return None


NAMED = {
    "fused form wrong only in float32": (
        "network.activations",
        "    np.divide(E, U, out=H_prime)\n",
        "    np.divide(E, U, out=H_prime)\n    H_prime *= 1 + 1e-4 * (A.dtype == np.float32)\n",
        "softplus",
    ),
    "fused form wrong where |a| > 5": (
        "network.activations",
        "np.multiply(H, H, out=H_prime)",
        "H[np.abs(A) > 5] *= 1.001\n    np.multiply(H, H, out=H_prime)",
        "tanh",
    ),
    "h' wrong where |a| > 5": (
        "network.activations",
        "    return 1 - np.tanh(A) ** 2\n",
        "    return np.where(np.abs(A) > 5, 0, 1 - np.tanh(A) ** 2)\n",
        "tanh",
    ),
    "h' of relu is 1 everywhere": ("network.activations", "(A > 0).astype(A.dtype)", "np.ones_like(A)", "relu"),
    "fused form of relu without its sign": ("network.activations", "np.greater(A, 0,", "np.greater(A, -0.5,", "relu"),
    "complex form of relu by the size": ("network.activations", "np.where(A.real > 0, A, 0)", "abs(A)", "relu"),
    "h' of sigmoid without 1 - h": (
        "network.activations",
        "return sigmoid(A) * sigmoid(-A)",
        "return sigmoid(A)",
        "sigmoid",
    ),
    "fused h' of sigmoid h (1 + h)": ("network.activations", "np.subtract(1, H, out", "np.add(1, H, out", "sigmoid"),
    "h' of silu without its second term": (
        "network.activations",
        "slope: Array = sigmoid(A) + A * sigmoid_prime(A)",
        "slope: Array = sigmoid(A)",
        "silu",
    ),
    "fused h of silu clamped above": (
        "network.activations",
        "    np.minimum(A, limit, out=H_prime)\n    np.negative",
        "    np.minimum(A, limit, out=H_prime)\n    np.minimum(A, limit, out=A)\n    np.negative",
        "silu",
    ),
    "h' of gelu with 2 instead of 3": ("network.activations", "(1 + 3 * GELU_CUBE", "(1 + 2 * GELU_CUBE", "gelu"),
    "fused gelu clamped where it still grows": ("network.activations", "GELU_LIMIT = 7.5", "GELU_LIMIT = 4.5", "gelu"),
    "fused h' of sin has the sign of cos": (
        "network.activations",
        "    np.cos(A, out=H_prime)\n",
        "    np.cos(A, out=H_prime)\n    np.negative(H_prime, out=H_prime)\n",
        "sin",
    ),
    "h' of tanh by np.subtract(-1, ...)": (
        "network.activations",
        "np.subtract(1, H_prime, out=H_prime)",
        "np.subtract(-1, H_prime, out=H_prime)",
        "tanh",
    ),
    "softmax of a batch without its maximum": (
        "training.batch",
        "S -= np.maximum.reduce(S, axis=0)",
        "pass",
        "tanh",
    ),
    "softmax of the model without its maximum": (
        "network.model",
        "np.exp(S - S.max(axis=1, keepdims=True))",
        "np.exp(S)",
        "tanh",
    ),
    "mean always divided by the full batch size": ("training.loop", "else len(batch.X)", "else run.batch_size", "tanh"),
    "momentum squared": (
        "training.loop",
        "(velocity, run.momentum",
        "(velocity, run.momentum**2",
        "cos",
    ),
    "schedule restarts each epoch": (
        "training.loop",
        "len(state.history) * updates + start",
        "start",
        "tanh",
    ),
    "last batch left out": (
        "training.loop",
        "range(state.passed, len(rows), run.batch_size)",
        "range(state.passed, len(rows) - run.batch_size + 1, run.batch_size)",
        "tanh",
    ),
    "learning rate applied twice": ("training.loop", "eta / examples", "eta * eta / examples", "tanh"),
    "velocity lost between epochs": (
        "training.loop",
        "self.velocity.materialize(self.W.W1)",
        "self.velocity.W1[:] = 0",
        "tanh",
    ),
}


@pytest.mark.parametrize("fault", NAMED)
def test_the_gate_stops_a_fault_that_trained_to_a_finished_page(fault: str) -> None:
    module, right, wrong, activation = NAMED[fault]
    assert stopped_by(module, edited(module, right, wrong), [activation]) is not None


def test_the_gate_passes_the_code_as_it_is() -> None:
    assert stopped_by("training.batch", edited("training.batch", "x", "x"), [*ACTIVATIONS, "plain"]) is None


@pytest.mark.slow
def test_the_gate_alone_stops_mutants_but_those_that_change_nothing() -> None:
    everything = all_mutants()
    drawn = random.Random(0).sample(everything, DRAWN)
    passed = set()
    for mutant in drawn:
        names = sorted([*ACTIVATIONS, "plain"], key=lambda name: name not in mutant.place)
        if stopped_by(mutant.module, mutant.tree, names) is None:
            passed.add(str(mutant))
    excused = set().union(*EQUIVALENT.values())
    assert passed == excused & set(map(str, drawn))
    assert excused <= set(map(str, everything)), "EQUIVALENT lists a mutant that no longer exists; remove it"
