"""The gradient check passes what is right, and each of its parts catches what it is there for."""

import importlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import check_gate as gate_script
import check_gradients as script
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import ImageData, Split, content_of, write_data
from handgrad.gradient_check import check as gradient_check
from handgrad.gradient_check import numeric_gradients
from handgrad.gradient_check.check import COARSEST, LIMITS, check, limits_at
from handgrad.gradient_check.files import read_check
from handgrad.gradient_check.numeric_gradients import (
    Problem,
    central_slope,
    complex_slope,
    numeric_gradient,
    plain_slopes,
)
from handgrad.gradient_check.problem import GATE, Settings, random_problem
from handgrad.gradient_check.report import as_dict, explain, table
from handgrad.gradient_check.results import PARTS, BlockReport, CheckReport
from handgrad.gradient_check.step_gradients import momentum_gradient
from handgrad.gradient_check.training_check import COVERED
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import Array, Weights, forward, gradients, objective
from handgrad.training.batch import Batch
from handgrad.training.momentum import Velocity

SMALL = Settings(hidden_units=4, examples=5, pixels="unit", epsilon=1e-5)
TANH = ACTIVATIONS["tanh"]

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def images(n: int = 30) -> ImageData:
    """Random images of 6 pixels in 3 classes."""
    rng = np.random.default_rng(8)
    splits = [Split(rng.integers(0, 256, (n, 6), np.uint8), rng.integers(0, 3, n, np.uint8)) for _ in "ab"]
    return ImageData(splits[0], splits[1], (2, 3), 255, ("a", "b", "c"), {}, "data-digest")


DATA = images()


def problem(name: str = "tanh", settings: Settings = SMALL) -> Problem:
    return random_problem(DATA, name, settings)


def check_gradients(problem: Problem, epsilon: float = 1e-5, **options: Any) -> CheckReport:
    return gradient_check.check_gradients(problem, epsilon=epsilon, **options)


def caught_by(report: CheckReport) -> set[tuple[str, str]]:
    return {(block, part) for block, part, _ in report.failures()}


def use_gradients(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let the check meet a gradient that ``change(G, W, l2)`` spoilt."""

    def spoilt(W: Weights, X: Array, T: Array, activation: Activation, l2: float) -> Any:
        value, G = gradients(W, X, T, activation, l2)
        change(G, W, l2)
        return value, G

    monkeypatch.setattr(gradient_check, "gradients", spoilt)


# --- what is right passes ---


@every_activation
@pytest.mark.parametrize("pixels", ["raw", "unit", "standardize"])
@pytest.mark.parametrize("hidden_units", [1, 4, 30])
def test_the_model_passes(name: str, pixels: str, hidden_units: int) -> None:
    settings = replace(SMALL, pixels=pixels, hidden_units=hidden_units, epsilon=1e-6)
    report = check(DATA, name, settings)
    assert report.passed, table(report)


@every_activation
def test_the_model_passes_the_gate(name: str) -> None:
    report = check(DATA, name, GATE)
    assert report.passed, table(report)
    assert {block: b.shape for block, b in report.blocks.items()} == {"W1": (200, 7), "W2": (3, 201)}


@pytest.mark.parametrize("examples", [1, 30])
@pytest.mark.parametrize("l2", [0.0, 10.0])
def test_the_model_passes_with_few_or_all_examples_and_little_or_much_penalty(examples: int, l2: float) -> None:
    report = check(DATA, "softplus", replace(SMALL, examples=examples, l2=l2))
    assert report.passed, table(report)


def test_complex_step_is_exact_to_rounding_and_central_differences_are_not() -> None:
    for block in check_gradients(problem()).blocks.values():
        assert block.complex is not None
        assert block.complex.max_rel_difference < 1e-14
        assert 1e-13 < block.central.max_rel_difference < 1e-8


# --- the shortcut ---


@every_activation
@pytest.mark.parametrize("blocksize", [numeric_gradients.BLOCK, 40, 1])
def test_the_shortcut_equals_plain_evaluations_at_every_entry(
    name: str, blocksize: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numeric_gradients, "BLOCK", blocksize)
    this = problem(name)
    # A large step, with a large truncation error, which both must make alike.
    shortcut = numeric_gradient(this, central_slope(0.1), this.activation.h)
    for block, values in zip(Weights._fields, shortcut, strict=True):
        entries = np.array(list(np.ndindex(values.shape)))
        plain = plain_slopes(this, block, entries, 0.1)
        np.testing.assert_allclose(values.ravel(), plain, rtol=0, atol=1e-13)


@every_activation
def test_the_shortcut_equals_plain_complex_steps_at_every_entry(name: str) -> None:
    this = problem(name)
    h = this.activation.complex_h
    if h is None:
        pytest.skip(f"{name} has no complex form")
    shortcut = numeric_gradient(this, complex_slope, h)
    for block, values in zip(Weights._fields, shortcut, strict=True):
        for entry in np.ndindex(values.shape):
            w = getattr(this.W, block).astype(complex)
            w[entry] += 1e-30j
            E = objective(this.W._replace(**{block: w}), this.X, this.T, h, this.l2)
            assert values[entry] == pytest.approx(E.imag / 1e-30, rel=1e-12, abs=1e-14)


def test_the_shortcut_stands_logits_whose_exponentials_overflow() -> None:
    this = problem()
    huge = this._replace(W=this.W._replace(W2=2000 * this.W.W2), l2=0.0)
    assert forward(huge.X, huge.W, TANH.h).S.max() > 710
    report = check_gradients(huge, epsilon=1e-7, allow_for_epsilon=True)
    assert report.passed, table(report)


def test_plain_evaluations_leave_the_weights_as_they_are() -> None:
    this = problem()
    kept = [w.copy() for w in this.W]
    plain_slopes(this, "W1", np.array([[0, 0], [1, 2]]), 0.1)
    for w, before in zip(this.W, kept, strict=True):
        np.testing.assert_array_equal(w, before)


# --- what is wrong is caught, by the part that is there for it ---

PARTS_OF_GRADIENT = ("complex", "central", "directions", "step", "momentum")
WHOLE_GRADIENT = {(block, part) for block in ("W1", "W2") for part in PARTS_OF_GRADIENT}
IN_W1 = {item for item in WHOLE_GRADIENT if item[0] == "W1"}
IN_W2 = WHOLE_GRADIENT - IN_W1


@every_activation
def test_a_wrong_derivative_of_h_is_caught(name: str) -> None:
    right = ACTIVATIONS[name]
    wrong = replace(right, h_prime=lambda A: right.h_prime(A) * (1 + 1e-4 * A))
    caught = caught_by(check_gradients(problem(name)._replace(activation=wrong)))
    no_complex_step = {("W1", "complex")} if right.complex_h is None else set()
    training_computes_the_same = IN_STEP_OF_W1 if right.fused is None else set()
    assert caught == IN_W1 - no_complex_step - training_computes_the_same


def test_a_wrong_complex_form_is_caught_by_complex_step_alone() -> None:
    wrong = replace(TANH, complex_h=lambda A: np.tanh(A + 1e-8 * A.imag * 1j))
    caught = caught_by(check_gradients(problem()._replace(activation=wrong)))
    assert caught == {("W1", "complex")}


def test_an_h_that_is_not_its_complex_form_is_caught() -> None:
    wrong = replace(TANH, h=lambda A: 1.001 * np.tanh(A))
    caught = caught_by(check_gradients(problem()._replace(activation=wrong)))
    assert {("W1", "complex"), ("W1", "central"), ("W1", "directions")} <= caught


def test_a_penalty_without_its_bias_columns_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave_out(G: Weights, W: Weights, l2: float) -> None:
        for g, w in zip(G, W, strict=True):
            g[:, 0] += l2 * w[:, 0]

    use_gradients(monkeypatch, leave_out)
    report = check_gradients(problem())
    assert caught_by(report) == WHOLE_GRADIENT
    assert all(block.central.worst_entry[1] == 0 for block in report.blocks.values())  # type: ignore[index]


def test_a_penalty_of_twice_its_size_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def double(G: Weights, W: Weights, l2: float) -> None:
        G.W2[:] -= l2 * W.W2

    use_gradients(monkeypatch, double)
    assert caught_by(check_gradients(problem())) == IN_W2


def test_a_missing_bias_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop(G: Weights, *_: Any) -> None:
        G.W1[:, 0] = 0

    use_gradients(monkeypatch, drop)
    assert caught_by(check_gradients(problem())) == IN_W1


def test_a_gradient_of_the_wrong_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    use_gradients(monkeypatch, lambda G, *_: np.negative(G.W2, out=G.W2))
    assert caught_by(check_gradients(problem())) == IN_W2


def test_one_entry_that_is_wrong_by_a_hair_is_caught_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(G: Weights, *_: Any) -> None:
        G.W1[2, 3] += 1e-9 * abs(G.W1).max()

    use_gradients(monkeypatch, spoil)
    report = check_gradients(problem())
    assert caught_by(report) == {("W1", "complex"), ("W1", "step"), ("W1", "momentum")}
    assert report.failures()[0][2].worst_entry == (2, 3)


def test_one_entry_that_is_not_a_number_is_caught_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(G: Weights, *_: Any) -> None:
        G.W2[1, 2] = np.nan

    use_gradients(monkeypatch, spoil)
    report = check_gradients(problem())
    assert caught_by(report) == IN_W2
    assert report.failures()[0][2].worst_entry == (1, 2)


def test_an_objective_that_is_not_the_one_differentiated_is_caught_by_the_plain_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def other(W: Weights, X: Array, T: Array, h: Any, l2: float) -> Any:
        return objective(W, X, T, h, l2) + l2 / 2 * (W.W1[:, 0] ** 2).sum()

    monkeypatch.setattr(numeric_gradients, "objective", other)
    this = problem()
    assert caught_by(check_gradients(this)) == {("W1", "directions"), ("W1", "samples")}


def test_a_forward_pass_that_the_gradient_does_not_share_is_caught_by_the_plain_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        numeric_gradients,
        "objective",
        lambda W, X, T, h, l2: objective(W, X, T, lambda A: h(A) * (1 + 1e-4), l2),
    )
    plain = {(block, part) for block in ("W1", "W2") for part in ("directions", "samples")}
    assert caught_by(check_gradients(problem())) == plain


def test_a_broken_shortcut_for_W1_is_caught_by_sampled_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    right = numeric_gradients.hidden_weight_terms

    def wrong(point: Any, m: int, x: Array, h: Any, step: Any) -> Array:
        return right(point, m, 1.001 * x, h, step)

    monkeypatch.setattr(numeric_gradients, "hidden_weight_terms", wrong)
    assert caught_by(check_gradients(problem())) == {("W1", p) for p in ("complex", "central", "samples")}


def test_a_broken_shortcut_for_W2_is_caught_by_sampled_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    right = numeric_gradients.output_weight_terms

    def wrong(point: Any, k: int, columns: slice, step: Any) -> Array:
        return right(point, (k + 1) % 3, columns, step)

    monkeypatch.setattr(numeric_gradients, "output_weight_terms", wrong)
    assert caught_by(check_gradients(problem())) == {("W2", p) for p in ("complex", "central", "samples")}


def test_a_gradient_and_a_shortcut_that_are_wrong_alike_are_caught_by_the_plain_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = numeric_gradients.entry_penalties
    monkeypatch.setattr(numeric_gradients, "entry_penalties", lambda w, l2, step: right(w, 2 * l2, step))
    use_gradients(monkeypatch, lambda G, W, l2: np.subtract(G.W1, l2 * W.W1, out=G.W1))
    caught = caught_by(check_gradients(problem()))
    assert {part for block, part in caught if block == "W1"} == {
        "directions",
        "samples",
        "step",
        "momentum",
    }


# --- what training computes ---

IN_PLAIN_STEP = {("W1", "step"), ("W2", "step")}
IN_MOMENTUM = {("W1", "momentum"), ("W2", "momentum")}
IN_STEP = IN_PLAIN_STEP | IN_MOMENTUM
IN_STEP_OF_W1 = {("W1", "step"), ("W1", "momentum")}


@every_activation
def test_a_fused_form_that_is_not_h_prime_is_caught(name: str) -> None:
    right = ACTIVATIONS[name]

    def fused(A: Array, H: Array, D: Array) -> None:
        right.evaluate(A, H, D)
        D *= 1 + 1e-8

    caught = caught_by(check_gradients(problem(name)._replace(activation=replace(right, fused=fused))))
    assert caught == IN_STEP_OF_W1


@every_activation
def test_a_fused_form_that_is_not_h_is_caught(name: str) -> None:
    right = ACTIVATIONS[name]

    def fused(A: Array, H: Array, D: Array) -> None:
        right.evaluate(A, H, D)
        H *= 1 + 1e-8

    caught = caught_by(check_gradients(problem(name)._replace(activation=replace(right, fused=fused))))
    assert caught == IN_STEP


def test_a_step_whose_forward_pass_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.forward
    monkeypatch.setattr(Batch, "forward", lambda self, decay: right(self, decay * (1 + 1e-8)))
    assert caught_by(check_gradients(problem())) == IN_STEP


def test_a_step_whose_softmax_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.softmax

    def wrong(self: Batch) -> float:
        self.S[0] += 1e-8
        return right(self)

    monkeypatch.setattr(Batch, "softmax", wrong)
    assert caught_by(check_gradients(problem())) == IN_STEP


def test_a_step_with_another_penalty_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.ascend
    monkeypatch.setattr(Batch, "ascend", lambda self, decay, eta, l2: right(self, decay, eta, 1.000001 * l2))
    assert caught_by(check_gradients(problem())) == IN_PLAIN_STEP


def test_a_step_that_does_not_reach_one_entry_is_caught_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.ascend

    def wrong(self: Batch, *arguments: float) -> float:
        kept = self.W.W1[2, 3]
        decay = right(self, *arguments)
        self.W.W1[2, 3] = kept
        return decay

    monkeypatch.setattr(Batch, "ascend", wrong)
    report = check_gradients(problem())
    assert caught_by(report) == {("W1", "step")}
    assert report.failures()[0][2].worst_entry == (2, 3)
    assert "scripts/handgrad/training/batch.py" in explain(report)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda batch: batch.__dict__.update(factor=1.01 * batch.factor), id="factor of the pixels"),
        pytest.param(lambda batch: batch.X.__setitem__((slice(None), 0), 1.0), id="bias of scaled pixels"),
        pytest.param(lambda batch: batch.T.__setitem__(slice(None), batch.T[::-1].copy()), id="labels"),
    ],
)
def test_a_step_that_loads_its_batch_wrongly_is_caught(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.load

    def load(self: Batch, *arguments: Any) -> None:
        right(self, *arguments)
        wrong(self)

    monkeypatch.setattr(Batch, "load", load)
    assert caught_by(check_gradients(problem())) == IN_STEP


@pytest.mark.parametrize("wrong", [0.9, 1.1])
def test_a_step_that_forgets_how_far_W1_has_decayed_is_caught(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Batch.ascend
    monkeypatch.setattr(Batch, "ascend", lambda self, decay, *rest: right(self, wrong * decay, *rest) / wrong)
    assert caught_by(check_gradients(problem())) == {("W1", "step")}


def spoil_momentum(monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., tuple[Any, ...]]) -> None:
    """Let the step with momentum be called with other arguments: V, momentum, share, decay, eta, l2."""
    right = Batch.ascend_with_momentum
    monkeypatch.setattr(Batch, "ascend_with_momentum", lambda self, *given: right(self, *spoil(*given)))


WRONG_MOMENTUM: dict[str, Callable[..., tuple[Any, ...]]] = {
    "momentum": lambda V, mu, c, decay, eta, l2: (V, mu + 1e-8, c, decay, eta, l2),
    "rate": lambda V, mu, c, decay, eta, l2: (V, mu, c, decay, eta * (1 + 1e-8), l2),
    "part of the gradient": lambda V, mu, c, decay, eta, l2: (V, mu, c * (1 + 1e-8), decay, eta, l2),
    "penalty": lambda V, mu, c, decay, eta, l2: (V, mu, c, decay, eta, l2 * (1 + 1e-6)),
}


@pytest.mark.parametrize("spoil", WRONG_MOMENTUM.values(), ids=list(WRONG_MOMENTUM))
def test_a_step_with_another_momentum_is_caught(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., tuple[Any, ...]]
) -> None:
    spoil_momentum(monkeypatch, spoil)
    report = check_gradients(problem())
    assert caught_by(report) == IN_MOMENTUM
    assert "scripts/handgrad/training/batch.py or momentum.py" in explain(report)


@pytest.mark.parametrize("number", ["scale", "share"])
def test_a_velocity_whose_numbers_are_wrong_is_caught(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    right = Velocity.slow_down

    def wrong(self: Velocity, *arguments: Any) -> tuple[float, float]:
        result = right(self, *arguments)
        setattr(self, number, getattr(self, number) * (1 + 1e-8))
        return result

    monkeypatch.setattr(Velocity, "slow_down", wrong)
    assert caught_by(check_gradients(problem())) == {("W1", "momentum")}


def test_the_check_of_momentum_sees_the_numbers_apart_from_the_arrays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Multiplied in within the step, none of them could be wrong: only the check itself does so, at the end.
    times = []
    right = Velocity.multiply_in
    monkeypatch.setattr(Velocity, "multiply_in", lambda self, P: (times.append(1), right(self, P)))
    for name in ACTIVATIONS:
        this = problem(name, GATE)
        momentum_gradient(this, gradients(this.W, this.X, this.T, this.activation, this.l2)[1])
    assert len(times) == len(ACTIVATIONS)


def test_a_check_leaves_the_weights_as_they_are() -> None:
    this = problem()
    kept = [w.copy() for w in this.W]
    check_gradients(this)
    for w, before in zip(this.W, kept, strict=True):
        np.testing.assert_array_equal(w, before)


# --- activations without a complex form ---

CUBE = Activation(lambda A: A**3, lambda A: 3 * A**2, None)


def test_an_activation_without_complex_form_is_checked_by_central_differences_alone() -> None:
    report = check_gradients(problem()._replace(activation=CUBE))
    assert report.passed
    assert report.seconds_complex is None
    assert all(block.complex is None for block in report.blocks.values())
    wrong = replace(CUBE, h_prime=lambda A: 3.001 * A**2)
    report = check_gradients(problem()._replace(activation=wrong))
    assert caught_by(report) == {("W1", "central"), ("W1", "directions")}  # training computes the same


def test_an_activation_without_complex_form_has_null_in_the_report() -> None:
    figures = as_dict(check_gradients(problem()._replace(activation=CUBE)))
    assert figures["seconds_complex"] is None
    assert figures["blocks"]["W1"]["complex"] is None
    assert figures["blocks"]["W1"]["central"]["limit"] == LIMITS.central


# --- activations with a kink ---


def bent_at(kink: float) -> Activation:
    """max(0, a - kink)."""

    def slope(A: Array) -> Array:
        return (kink < A).astype(A.dtype)

    return Activation(lambda A: np.maximum(A - kink, 0), slope, None)


def test_a_kink_between_pre_activations_is_no_obstacle() -> None:
    A = np.sort(forward(problem().X, problem().W, TANH.h).A.ravel())
    widest = int(np.diff(A).argmax())
    report = check_gradients(problem()._replace(activation=bent_at(A[widest : widest + 2].mean())))
    assert report.passed, table(report)


def test_a_kink_that_a_step_crosses_fails_the_check_which_says_that_it_may_be_one() -> None:
    kink = forward(problem().X, problem().W, TANH.h).A[0, 0]
    report = check_gradients(problem()._replace(activation=bent_at(kink)))
    assert caught_by(report) == {("W1", "central"), ("W1", "directions")}
    assert "h has a kink so near that a step crossed it (docs/extending.md)" in explain(report)


def test_a_wrong_gradient_that_complex_step_shows_is_not_excused_by_a_kink() -> None:
    wrong = replace(TANH, h_prime=lambda A: 1 - np.tanh(A))
    assert "kink" not in explain(check_gradients(problem()._replace(activation=wrong)))


# --- limits ---


def test_the_gate_is_held_to_the_strict_limits() -> None:
    assert asdict(LIMITS) == {
        "complex": 1e-10,
        "central": 1e-6,
        "directions": 1e-8,
        "samples": 1e-6,
        "step": 1e-10,
        "momentum": 1e-10,
    }
    assert Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5, l2=0.01, seed=0) == GATE
    for block in check(DATA, "tanh", GATE).blocks.values():
        assert {name: part.limit for name, part in block.parts().items()} == asdict(LIMITS)


def test_the_gate_makes_no_allowance_for_its_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_check, "limits_at", None)
    assert check(DATA, "tanh", GATE).passed
    with pytest.raises(TypeError):
        check(DATA, "tanh", SMALL)


def limit(pixels: str, epsilon: float) -> float:
    this = problem("cos", replace(SMALL, pixels=pixels))
    _, G = gradients(this.W, this.X, this.T, this.activation, this.l2)
    return limits_at(this, "W1", G.W1, epsilon).central


def test_the_limit_of_central_differences_allows_for_truncation_and_rounding_and_no_more() -> None:
    largest = problem(settings=replace(SMALL, pixels="raw")).X.max()
    assert limit("unit", 1e-5) == LIMITS.central
    assert limit("raw", 1e-6) == LIMITS.central
    assert limit("raw", 1e-5) == pytest.approx((1e-5 * largest) ** 2)
    assert LIMITS.central < limit("unit", 1e-9) < COARSEST
    assert limit("unit", 1e-14) == limit("raw", 1.0) == COARSEST


@pytest.mark.parametrize("epsilon", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("pixels", ["raw", "unit"])
@every_activation
def test_a_right_gradient_passes_at_any_sensible_epsilon(name: str, pixels: str, epsilon: float) -> None:
    epsilon = epsilon / 100 if pixels == "raw" else epsilon
    this = problem(name, replace(SMALL, hidden_units=20, pixels=pixels))
    report = check_gradients(this, epsilon, allow_for_epsilon=True)
    assert report.passed, table(report)


def test_an_epsilon_that_does_not_suit_fails_and_is_blamed() -> None:
    report = check(DATA, "cos", replace(SMALL, epsilon=0.5))
    assert not report.passed
    assert "this epsilon does not suit" in explain(report)


def test_a_gradient_of_zeros_takes_zeros_alone() -> None:
    # No hidden unit counts and nothing is penalised: dE/dW1 = 0 exactly.
    this = problem()._replace(l2=0.0)
    flat = this._replace(W=this.W._replace(W2=this.W.W2 * np.eye(1, 5)))
    report = check_gradients(flat, allow_for_epsilon=True)
    assert report.blocks["W1"].largest_gradient == 0
    assert report.passed


def test_zeros_where_there_is_a_slope_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    use_gradients(monkeypatch, lambda G, *_: G.W1.fill(0))
    report = check_gradients(problem(), allow_for_epsilon=True)
    assert caught_by(report) == IN_W1
    assert report.blocks["W1"].central.max_rel_difference == math.inf


# --- the problem, and what is reported of it ---


def test_the_same_seed_gives_the_same_check_and_another_seed_another() -> None:
    def measured(seed: int) -> dict[str, BlockReport]:
        return check(DATA, "cos", replace(SMALL, seed=seed)).blocks

    assert measured(1) == measured(1)
    assert measured(1) != measured(2)


def test_another_seed_draws_other_examples_and_other_weights() -> None:
    one, two = (problem(settings=replace(SMALL, seed=seed)) for seed in (1, 2))
    assert (one.X != two.X).any()
    assert all((a != b).all() for a, b in zip(one.W, two.W, strict=True))


def test_examples_are_distinct_training_examples_with_their_labels() -> None:
    this = problem(settings=replace(SMALL, examples=30, pixels="raw"))
    np.testing.assert_array_equal(np.sort(this.X[:, 1:], axis=0), np.sort(DATA.train.x, axis=0))
    labels = {tuple(x): int(y) for x, y in zip(DATA.train.x, DATA.train.y, strict=True)}
    assert [labels[tuple(x)] for x in this.X[:, 1:].astype(np.uint8)] == this.T.argmax(axis=1).tolist()


def test_no_part_of_the_random_problem_vanishes() -> None:
    this = problem()
    assert all((w != 0).all() and w.dtype == np.float64 for w in this.W)
    assert this.X.dtype == this.T.dtype == np.float64


def test_more_examples_than_there_are_is_an_error_that_says_so() -> None:
    with pytest.raises(HandgradError, match="31 examples asked for, the training split has 30"):
        check(DATA, "tanh", replace(SMALL, examples=31))


def test_the_table_is_aligned_and_marks_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    use_gradients(monkeypatch, lambda G, *_: G.W1.fill(0))
    lines = table(check_gradients(problem())).splitlines()
    assert len(lines) == 13
    in_W1 = [True, True, True, False, True, True]
    assert [line.endswith("FAILED") for line in lines] == [False, *in_W1, *(6 * [False])]
    names = 2 * list(PARTS.values())
    assert len({line.index(name) for line, name in zip(lines[1:], names, strict=True)}) == 1


# --- the script ---


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    """Arguments of main for a report's check that passes."""
    write_data(tmp_path / "data.h5", DATA)
    return {
        "dataset": "some",
        "activation": "tanh",
        "data": str(tmp_path / "data.h5"),
        "out": str(tmp_path / "out.json"),
        "failed": str(tmp_path / "failed" / "some.json"),
        "settings": SMALL,
        "code_digest": code_digest("check_gradients"),
        "data_digest": "data-digest",
    }


def gate_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same arguments for the gate."""
    others = {key: value for key, value in arguments.items() if key != "settings"}
    return {**others, "code_digest": code_digest("check_gate")}


def wrong_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "tanh", replace(TANH, h_prime=np.cos))


def test_a_gates_output_holds_the_promise_and_no_measured_value(arguments: dict[str, Any]) -> None:
    gate_script.main(**gate_arguments(arguments))
    content, _ = read_check(arguments["out"], {})
    assert content == {
        "dataset": "some",
        "activation": "tanh",
        "code_digest": code_digest("check_gate"),
        "data_digest": "data-digest",
        "data_content": content_of(DATA),
        "passed": True,
        "settings": asdict(GATE),
        "limits": asdict(LIMITS),
        "training": COVERED,
    }


def test_a_gates_output_is_the_same_bytes_when_what_it_measures_differs(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate_script.main(**gate_arguments(arguments))
    first = Path(arguments["out"]).read_bytes()
    monkeypatch.setitem(ACTIVATIONS, "tanh", ACTIVATIONS["softplus"])
    gate_script.main(**gate_arguments(arguments))
    assert Path(arguments["out"]).read_bytes() == first


def test_a_reports_output_holds_every_figure(arguments: dict[str, Any]) -> None:
    script.main(**arguments)
    content = json.loads(Path(arguments["out"]).read_text())
    assert content.items() >= {"dataset": "some", "activation": "tanh", "passed": True, **asdict(SMALL)}.items()
    assert content["plain_seconds_an_entry"] > 0
    W1 = content["blocks"]["W1"]
    assert (W1["shape"], W1["entries"]) == ([4, 7], 28)
    for part in ("central", "complex"):
        assert W1[part]["count"] == 28
        assert W1[part]["analytic"] == pytest.approx(W1[part]["numeric"], rel=1e-6)
    assert W1["samples"]["count"] == 28
    assert W1["samples"]["shortcut"] == pytest.approx(W1["samples"]["plain"], rel=1e-6)
    assert W1["directions"]["max_rel_difference"] <= W1["directions"]["limit"]


def test_the_log_says_how_much_the_shortcut_saves(arguments: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "handgrad"):
        script.main(**arguments)
    figures = json.loads(Path(arguments["out"]).read_text())
    ratio = 43 * figures["plain_seconds_an_entry"] / figures["seconds_central"]  # W1 4 x 7 and W2 3 x 5
    assert f"all 43 entries took {figures['seconds_central']:.2f} s by central differences" in caplog.text
    assert f"by a sample, {ratio:.0f} times as long" in caplog.text


@pytest.mark.parametrize("gate", [True, False])
def test_a_failed_check_writes_its_figures_and_no_output(
    arguments: dict[str, Any], gate: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong_derivative(monkeypatch)
    with caplog.at_level("INFO", "handgrad"), pytest.raises(HandgradError) as error:
        gate_script.main(**gate_arguments(arguments)) if gate else script.main(**arguments)
    assert not Path(arguments["out"]).exists()
    figures = json.loads(Path(arguments["failed"]).read_text())
    assert figures["passed"] is False
    worst = figures["blocks"]["W1"]["complex"]
    line = str(error.value)
    assert "\n" not in line
    for part in (
        "tanh",
        "some",
        "W1 [{}, {}]".format(*worst["worst_entry"]),
        "model.py",
        arguments["failed"],
    ):
        assert part in line
    assert f"analytic {worst['analytic']:.10g}, numeric {worst['numeric']:.10g}" in line
    misses = [held for held in figures["training"] if held["share"] > 1]
    assert {held["what"] for held in misses} >= {"h'", "fused h'", "model's gradient of W1", "W1", "V of W1"}
    assert len(re.findall("FAILED", caplog.text)) == 5 + len(misses)


def test_a_check_that_passes_takes_the_figures_of_an_earlier_failure_away(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        wrong_derivative(broken)
        with pytest.raises(HandgradError):
            script.main(**arguments)
    assert Path(arguments["failed"]).exists()
    script.main(**arguments)
    assert not Path(arguments["failed"]).exists()


def test_data_other_than_planned_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(HandgradError, match="run snakemake again"):
        script.main(**{**arguments, "data_digest": "another"})
    assert not Path(arguments["out"]).exists()


def test_importing_the_script_runs_nothing() -> None:
    importlib.reload(script)


# --- what training executes ---


@every_activation
@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("pixel", [None, 0, 200])
def test_the_gate_passes_the_fewest_examples_and_constant_inputs(name: str, n: int, pixel: int | None) -> None:
    data = images(n)
    if pixel is not None:
        data.train.x[:] = pixel
    report = check(data, name, GATE)
    assert report.passed, table(report)


def test_the_gate_covers_every_value_that_a_config_allows() -> None:
    schema = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text())
    axes = schema["properties"]["experiments"]["items"]["properties"]
    for axis, key in (("dtype", "dtypes"), ("batch_gradient", "batch_gradient"), ("schedule", "schedule")):
        assert set(axes[axis]["anyOf"][0]["enum"]) == set(COVERED[key])


def test_a_miss_of_training_alone_is_explained_with_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fused(A: Array, H: Array, D: Array) -> None:
        TANH.evaluate(A, H, D)
        D *= 1.001 if D.dtype == np.float32 else 1

    monkeypatch.setitem(ACTIVATIONS, "tanh", replace(TANH, fused=fused))
    report = check(DATA, "tanh", GATE)
    assert not report.passed
    assert not report.failures()
    line = explain(report)
    assert "\n" not in line
    assert all(part in line for part in ("float32", "scripts/handgrad/network/activations.py"))


def test_a_smooth_h_is_never_blamed_for_a_kink() -> None:
    for name in ACTIVATIONS:
        for epsilon in (1e-13, 0.5):
            report = check_gradients(problem(name), epsilon)
            assert not report.passed
            assert "kink" not in explain(report)
