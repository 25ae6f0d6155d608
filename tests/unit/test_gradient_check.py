"""The gradient check passes what is right, and each of its parts catches what it is there for."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import check_gate as gate_script
import check_gradients as check_script
from factories import image_data
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import content_of, write_data
from handgrad.gradient_check import check as checking
from handgrad.gradient_check import numeric_gradients
from handgrad.gradient_check import problem as problems
from handgrad.gradient_check.check import COARSEST, LIMITS, check, limits_at
from handgrad.gradient_check.files import read_check
from handgrad.gradient_check.numeric_gradients import central_slope, complex_slope, numeric_gradient, plain_slopes
from handgrad.gradient_check.problem import Problem, random_problem
from handgrad.gradient_check.report import as_dict, explain, table
from handgrad.gradient_check.results import CheckReport
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.gradient_check.training_check import COVERED
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import Array, Weights, forward, gradients, objective
from handgrad.training.batch import Batch
from handgrad.training.momentum import Velocity

SMALL = Settings(hidden_units=4, examples=5, pixels="unit", epsilon=1e-5)
TANH = ACTIVATIONS["tanh"]
DATA = image_data(30, 30)

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def problem(name: str = "tanh", **changes: Any) -> Problem:
    return random_problem(DATA, name, replace(SMALL, **changes))


def check_gradients(problem: Problem, epsilon: float = 1e-5, **options: Any) -> CheckReport:
    return checking.check_gradients(problem, epsilon=epsilon, **options)


def caught_by(report: CheckReport) -> set[tuple[str, str]]:
    return {(block, part) for block, part, _ in report.failures()}


def blocks(*parts: str, of: str = "W1 W2") -> set[tuple[str, str]]:
    return {(block, part) for block in of.split() for part in parts}


# --- what is right passes ---


@every_activation
@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": "raw", "hidden_units": 1, "epsilon": 1e-6},
        {"pixels": "standardize", "hidden_units": 30, "epsilon": 1e-6},
        {"examples": 1, "l2": 10.0},
        {"examples": 30, "l2": 0.0},
    ],
    ids=str,
)
def test_a_right_gradient_passes(name: str, changes: dict[str, Any]) -> None:
    report = check(DATA, name, replace(SMALL, **changes))
    assert report.passed, table(report)


@every_activation
@pytest.mark.parametrize(("n", "pixel"), [(30, None), (1, None), (2, 0), (4, 200)])
def test_the_gate_passes_few_examples_and_constant_inputs(name: str, n: int, pixel: int | None) -> None:
    data = image_data(n)
    if pixel is not None:
        data.train.x[:] = pixel
    report = check(data, name, GATE)
    assert report.passed, table(report)
    assert {block: b.shape for block, b in report.blocks.items()} == {"W1": (200, 7), "W2": (3, 201)}
    limits = {part: c.limit for block in report.blocks.values() for part, c in block.parts.items()}
    assert limits == asdict(LIMITS)


@every_activation
@pytest.mark.parametrize("epsilon", [1e-3, 1e-5, 1e-8])
@pytest.mark.parametrize("pixels", ["raw", "unit"])
def test_a_right_gradient_passes_at_any_sensible_epsilon(name: str, pixels: str, epsilon: float) -> None:
    epsilon = epsilon / 100 if pixels == "raw" else epsilon
    report = check_gradients(problem(name, hidden_units=20, pixels=pixels), epsilon, allow_for_epsilon=True)
    assert report.passed, table(report)


def test_complex_step_alone_is_exact_to_rounding() -> None:
    for block in check_gradients(problem()).blocks.values():
        assert block.parts["complex"].max_rel_difference < 1e-14
        assert 1e-13 < block.parts["central"].max_rel_difference < 1e-8


def test_logits_whose_exponentials_overflow_pass() -> None:
    this = problem(l2=0.0)
    huge = this._replace(W=this.W._replace(W2=2000 * this.W.W2))
    assert forward(huge.X, huge.W, TANH.h).S.max() > 710
    report = check_gradients(huge, epsilon=1e-7, allow_for_epsilon=True)
    assert report.passed, table(report)


def test_a_check_leaves_the_weights_as_they_are() -> None:
    this = problem()
    kept = [w.copy() for w in this.W]
    check_gradients(this)
    for w, before in zip(this.W, kept, strict=True):
        np.testing.assert_array_equal(w, before)


# --- the shortcut ---


@every_activation
@pytest.mark.parametrize("blocksize", [numeric_gradients.BLOCK, 40, 1])
def test_the_shortcut_equals_plain_evaluations_at_every_entry(
    name: str, blocksize: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numeric_gradients, "BLOCK", blocksize)
    this = problem(name)
    # A large step, with a large truncation error, which both must make alike.
    central = numeric_gradient(this, central_slope(0.1), this.activation.h)
    for block, values in central._asdict().items():
        entries = np.array(list(np.ndindex(values.shape)))
        np.testing.assert_allclose(values.ravel(), plain_slopes(this, block, entries, 0.1), rtol=0, atol=1e-13)
    h = this.activation.complex_h
    exact = numeric_gradient(this, complex_slope, h)._asdict() if h else {}
    for block, values in exact.items():
        for entry in np.ndindex(values.shape):
            w = getattr(this.W, block).astype(complex)
            w[entry] += 1e-30j
            E = objective(this.W._replace(**{block: w}), this.X, this.T, h, this.l2)
            assert values[entry] == pytest.approx(E.imag / 1e-30, rel=1e-12, abs=1e-14)


# --- what is wrong is caught, by the parts that are there for it ---

IN_W1, IN_W2 = (blocks("complex", "central", "directions", "step", "momentum", of=block) for block in ("W1", "W2"))
IN_STEP = blocks("step", "momentum")

Patch = Callable[[pytest.MonkeyPatch], None]


def wrong_gradient(change: Callable[[Weights, Weights, float], object]) -> Patch:
    """A gradient that ``change(G, W, l2)`` spoilt."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        def spoilt(W: Weights, X: Array, T: Array, activation: Activation, l2: float) -> Any:
            value, G = gradients(W, X, T, activation, l2)
            change(G, W, l2)
            return value, G

        monkeypatch.setattr(checking, "gradients", spoilt)

    return patch


def wrong(holder: object, name: str, form: Callable[[Any], Callable[..., Any]]) -> Patch:
    """A function or a method that ``form`` makes of the right one."""
    right = getattr(holder, name)
    return lambda monkeypatch: monkeypatch.setattr(holder, name, form(right))


def wrong_argument(holder: object, name: str, at: int, change: Callable[[Any], Any]) -> Patch:
    """A method that gets another value for one of its arguments, ``self`` counted."""

    def form(right: Any) -> Any:
        return lambda *given: right(*given[:at], change(given[at]), *given[at + 1 :])

    return wrong(holder, name, form)


def loaded_wrongly(change: Callable[[Batch], object]) -> Patch:
    return wrong(Batch, "load", lambda right: lambda self, *given: (right(self, *given), change(self)))


def without_bias(G: Weights, W: Weights, l2: float) -> None:
    for g, w in zip(G, W, strict=True):
        g[:, 0] += l2 * w[:, 0]


def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shortcut and a gradient that both penalise W1 twice."""
    wrong_argument(numeric_gradients, "entry_penalties", 1, lambda l2: 2 * l2)(monkeypatch)
    wrong_gradient(lambda G, W, l2: np.subtract(G.W1, l2 * W.W1, out=G.W1))(monkeypatch)


def step_over(right: Any) -> Any:
    """An update that does not reach one entry."""

    def ascend(self: Batch, *given: float) -> Any:
        kept = self.W.W1[2, 3]
        result = right(self, *given)
        self.W.W1[2, 3] = kept
        return result

    return ascend


def lose_number(name: str) -> Callable[[Any], Any]:
    """A velocity one of whose numbers is wrong by a hair after an update."""

    def form(right: Any) -> Any:
        def slow_down(self: Velocity, *given: Any) -> Any:
            result = right(self, *given)
            setattr(self, name, getattr(self, name) * (1 + 1e-8))
            return result

        return slow_down

    return form


def hair(x: float) -> float:
    return x * (1 + 1e-8)


FAULTS: dict[str, tuple[Patch, set[tuple[str, str]]]] = {
    "penalty without biases": (wrong_gradient(without_bias), IN_W1 | IN_W2),
    "penalty of twice its size": (wrong_gradient(lambda G, W, l2: np.subtract(G.W2, l2 * W.W2, out=G.W2)), IN_W2),
    "no bias gradient": (wrong_gradient(lambda G, *_: G.W1[:, 0].fill(0)), IN_W1),
    "zeros": (wrong_gradient(lambda G, *_: G.W1.fill(0)), IN_W1),
    "sign": (wrong_gradient(lambda G, *_: np.negative(G.W2, out=G.W2)), IN_W2),
    "one entry by a hair": (
        wrong_gradient(lambda G, *_: np.add.at(G.W1, (2, 3), 1e-9 * abs(G.W1).max())),
        blocks("complex", "step", "momentum", of="W1"),
    ),
    "one entry no number": (wrong_gradient(lambda G, *_: np.put(G.W2, 7, np.nan)), IN_W2),
    "another objective": (
        wrong(problems, "objective", lambda right: lambda W, *rest: right(W, *rest) + (W.W1[:, 0] ** 2).sum()),
        blocks("directions", "samples", of="W1"),
    ),
    "another forward pass": (
        wrong_argument(problems, "objective", 3, lambda h: lambda A: 1.0001 * h(A)),
        blocks("directions", "samples"),
    ),
    "shortcut of W1": (
        wrong_argument(numeric_gradients, "hidden_weight_terms", 2, lambda x: 1.001 * x),
        blocks("complex", "central", "samples", of="W1"),
    ),
    "shortcut of W2": (
        wrong_argument(numeric_gradients, "output_weight_terms", 1, lambda k: (k + 1) % 3),
        blocks("complex", "central", "samples", of="W2"),
    ),
    "shortcut and gradient alike": (
        alike,
        blocks("directions", "step", "momentum", "samples", of="W1") | blocks("complex", "central", "samples", of="W2"),
    ),
    "forward pass of a step": (wrong_argument(Batch, "forward", 1, hair), IN_STEP),
    "softmax of a step": (
        wrong(Batch, "softmax", lambda right: lambda self: (np.add(self.S[0], 1e-8, out=self.S[0]), right(self))[1]),
        IN_STEP,
    ),
    "factor of the pixels": (loaded_wrongly(lambda batch: setattr(batch, "factor", 1.01 * batch.factor)), IN_STEP),
    "bias of scaled pixels": (loaded_wrongly(lambda batch: batch.X[:, 0].fill(1)), IN_STEP),
    "labels": (loaded_wrongly(lambda batch: np.copyto(batch.T, batch.T[::-1].copy())), IN_STEP),
    "penalty of a step": (wrong_argument(Batch, "ascend", 3, lambda l2: 1.000001 * l2), blocks("step")),
    "scale of W1": (
        wrong(Batch, "ascend", lambda right: lambda self, scale, *rest: right(self, 0.9 * scale, *rest) / 0.9),
        blocks("step", of="W1"),
    ),
    "an entry without a step": (wrong(Batch, "ascend", step_over), blocks("step", of="W1")),
    "momentum": (wrong_argument(Batch, "ascend_with_momentum", 2, hair), blocks("momentum")),
    "part of the gradient": (wrong_argument(Batch, "ascend_with_momentum", 3, hair), blocks("momentum")),
    "rate of momentum": (wrong_argument(Batch, "ascend_with_momentum", 5, hair), blocks("momentum")),
    "penalty of momentum": (
        wrong_argument(Batch, "ascend_with_momentum", 6, lambda l2: 1.000001 * l2),
        blocks("momentum"),
    ),
    "scale of the velocity": (wrong(Velocity, "slow_down", lose_number("scale")), blocks("momentum", of="W1")),
    "share of the velocity": (wrong(Velocity, "slow_down", lose_number("share")), blocks("momentum", of="W1")),
}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_caught(fault: Patch, expected: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    report = check_gradients(problem())
    assert caught_by(report) == expected
    assert table(report).count("FAILED") == len(expected)


@pytest.mark.parametrize(
    ("fault", "entry", "file"),
    [
        ("one entry by a hair", ("W1", (2, 3)), "model.py"),
        ("one entry no number", ("W2", (1, 2)), "model.py"),
        ("an entry without a step", ("W1", (2, 3)), "batch.py"),
        ("momentum", None, "momentum.py"),
        ("another objective", None, "model.objective"),
    ],
)
def test_a_fault_is_explained_by_entry_and_file(
    fault: str, entry: Any, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAULTS[fault][0](monkeypatch)
    report = check_gradients(problem())
    block, _, worst = report.failures()[0]
    assert entry in (None, (block, worst.worst_entry))
    assert file in explain(report)
    assert "\n" not in explain(report)


def changed(name: str, **form: Any) -> Problem:
    return problem(name)._replace(activation=replace(ACTIVATIONS[name], **form))


@every_activation
def test_a_wrong_form_of_h_is_caught(name: str) -> None:
    right = ACTIVATIONS[name]

    def fused(h: float, h_prime: float) -> Any:
        def evaluate(A: Array, H: Array, H_prime: Array) -> None:
            right.evaluate(A, H, H_prime)
            H *= h
            H_prime *= h_prime

        return evaluate

    exact = blocks("complex", of="W1") if right.complex_h else set()
    of_W1 = IN_W1 - blocks("complex") | exact
    of_W1 -= set() if right.fused else IN_STEP  # without a fused form training computes the same
    wrong = {"h_prime": lambda A: right.h_prime(A) * (1 + 1e-4 * A)}
    assert caught_by(check_gradients(changed(name, **wrong))) == of_W1
    if right.complex_h:
        wrong = {"complex_h": lambda A: right.complex_h(A + 1e-8 * A.imag * 1j)}
        assert caught_by(check_gradients(changed(name, **wrong))) == exact
    wrong = {"h": lambda A: 1.001 * right.h(A)}
    assert caught_by(check_gradients(changed(name, **wrong))) >= exact | blocks("central", "directions", of="W1")
    assert caught_by(check_gradients(changed(name, fused=fused(1 + 1e-8, 1)))) == IN_STEP
    wrong_slope = check_gradients(changed(name, fused=fused(1, 1 + 1e-8)))
    assert caught_by(wrong_slope) == blocks("step", "momentum", of="W1")


def test_the_check_of_momentum_keeps_its_numbers_apart_from_the_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    # Materialized within the step, none of them could be wrong: only the check itself does so, at the end.
    times = []
    wrong(Velocity, "materialize", lambda right: lambda self, P: (times.append(1), right(self, P)))(monkeypatch)
    for name in ACTIVATIONS:
        this = random_problem(DATA, name, GATE)
        checking.momentum_gradient(this, gradients(this.W, this.X, this.T, this.activation, this.l2)[1])
    assert len(times) == len(ACTIVATIONS)


def test_a_miss_of_training_alone_is_explained_with_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fused(A: Array, H: Array, H_prime: Array) -> None:
        TANH.evaluate(A, H, H_prime)
        H_prime *= 1.001 if H_prime.dtype == np.float32 else 1

    monkeypatch.setitem(ACTIVATIONS, "tanh", replace(TANH, fused=fused))
    report = check(DATA, "tanh", GATE)
    assert not report.passed
    assert not report.failures()
    assert "float32" in explain(report)
    assert "scripts/handgrad/network/activations.py" in explain(report)


# --- activations without a complex form, and with a kink ---


def bent_at(kink: float) -> Activation:
    """max(0, a - kink)."""
    return Activation(lambda A: np.maximum(A - kink, 0), lambda A: (kink < A).astype(A.dtype), None)


def test_an_activation_without_a_complex_form_is_checked_by_differences() -> None:
    cube = Activation(lambda A: A**3, lambda A: 3 * A**2, None)
    report = check_gradients(problem()._replace(activation=cube))
    assert report.passed
    figures = as_dict(report)
    assert figures["seconds_complex"] is None
    assert figures["blocks"]["W1"]["complex"] is None
    wrong = replace(cube, h_prime=lambda A: 3.001 * A**2)  # training computes the same
    report = check_gradients(problem()._replace(activation=wrong))
    assert caught_by(report) == blocks("central", "directions", of="W1")


def test_a_kink_fails_the_check_only_where_a_step_crosses_it() -> None:
    this = problem()
    first, *_ = A = forward(this.X, this.W, TANH.h).A.ravel()
    A.sort()
    widest = int(np.diff(A).argmax())
    report = check_gradients(this._replace(activation=bent_at(A[widest : widest + 2].mean())))
    assert report.passed, table(report)
    report = check_gradients(this._replace(activation=bent_at(first)))
    assert caught_by(report) == blocks("central", "directions", of="W1")
    assert "kink" in explain(report)


def test_a_kink_does_not_excuse_what_complex_step_shows() -> None:
    assert "kink" not in explain(check_gradients(changed("tanh", h_prime=lambda A: 1 - np.tanh(A))))


# --- limits ---


def test_the_gate_has_the_strict_limits_and_makes_no_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(asdict(LIMITS).values()) == [1e-10, 1e-6, 1e-8, 1e-6, 1e-10, 1e-10]
    assert Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5, l2=0.01, seed=0) == GATE
    monkeypatch.setattr(checking, "limits_at", None)
    assert check(DATA, "tanh", GATE).passed
    with pytest.raises(TypeError):
        check(DATA, "tanh", SMALL)


def test_the_central_limit_allows_for_truncation_and_rounding() -> None:
    def limit(pixels: str, epsilon: float) -> float:
        this = problem("cos", pixels=pixels)
        _, G = gradients(this.W, this.X, this.T, this.activation, this.l2)
        return limits_at(this, "W1", G.W1, epsilon).central

    assert limit("unit", 1e-5) == limit("raw", 1e-6) == LIMITS.central
    assert limit("raw", 1e-5) == pytest.approx((1e-5 * problem(pixels="raw").X.max()) ** 2)
    assert LIMITS.central < limit("unit", 1e-9) < COARSEST
    assert limit("unit", 1e-14) == limit("raw", 1.0) == COARSEST


def test_an_epsilon_that_does_not_suit_fails_and_is_blamed() -> None:
    report = check(DATA, "cos", replace(SMALL, epsilon=0.5))
    assert not report.passed
    assert "epsilon" in explain(report)


def test_a_gradient_of_zeros_takes_zeros_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # No hidden unit counts and nothing is penalised: dE/dW1 = 0 exactly.
    this = problem(l2=0.0)
    flat = this._replace(W=this.W._replace(W2=this.W.W2 * np.eye(1, 5)))
    report = check_gradients(flat, allow_for_epsilon=True)
    assert report.passed
    assert report.blocks["W1"].largest_gradient == 0
    FAULTS["zeros"][0](monkeypatch)
    report = check_gradients(this, allow_for_epsilon=True)
    assert report.blocks["W1"].parts["central"].max_rel_difference == math.inf


# --- the problem ---


def test_a_seed_alone_decides_the_check() -> None:
    one, again, other = (check(DATA, "cos", replace(SMALL, seed=seed)).blocks["W1"].parts for seed in (1, 1, 2))
    assert one == again
    assert one != other
    first, second = (problem(seed=seed) for seed in (1, 2))
    assert (first.X != second.X).any()
    assert all((a != b).all() and (a != 0).all() for a, b in zip(first.W, second.W, strict=True))


def test_examples_are_distinct_training_examples_with_their_labels() -> None:
    this = problem(examples=30, pixels="raw")
    np.testing.assert_array_equal(np.sort(this.X[:, 1:], axis=0), np.sort(DATA.train.x, axis=0))
    labels = {tuple(x): int(y) for x, y in zip(DATA.train.x, DATA.train.y, strict=True)}
    assert [labels[tuple(x)] for x in this.X[:, 1:].astype(np.uint8)] == this.T.argmax(axis=1).tolist()
    with pytest.raises(HandgradError, match="31 examples asked for, the training split has 30"):
        problem(examples=31)


def test_the_gate_covers_every_value_that_a_config_allows() -> None:
    schema = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text())
    axes = schema["properties"]["experiments"]["items"]["properties"]
    for axis, key in (("dtype", "dtypes"), ("batch_gradient", "batch_gradient"), ("schedule", "schedule")):
        assert set(axes[axis]["anyOf"][0]["enum"]) == set(COVERED[key])


# --- the script ---


@pytest.fixture(params=[True, False], ids=["gate", "report"])
def arguments(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Arguments of main for a check that passes."""
    write_data(tmp_path / "data.h5", DATA)
    job = {
        "dataset": "some",
        "activation": "tanh",
        "data": str(tmp_path / "data.h5"),
        "out": str(tmp_path / "out.json"),
        "failed": str(tmp_path / "failed" / "some.json"),
        "code_digest": code_digest("check_gate" if request.param else "check_gradients"),
        "data_digest": DATA.digest,
    }
    return job if request.param else {**job, "settings": SMALL}


def run_script(arguments: dict[str, Any]) -> None:
    (check_script if "settings" in arguments else gate_script).main(**arguments)


def test_a_gate_holds_its_promise_alone_and_a_report_every_figure(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_script(arguments)
    content, _ = read_check(arguments["out"], {})
    made_of = {key: arguments[key] for key in ("dataset", "activation", "code_digest", "data_digest")}
    made_of |= {"data_content": content_of(DATA), "passed": True}
    if "settings" not in arguments:
        promise = {"settings": asdict(GATE), "limits": asdict(LIMITS), "training": COVERED}
        assert content == made_of | promise
        before = Path(arguments["out"]).read_bytes()
        monkeypatch.setitem(ACTIVATIONS, "tanh", ACTIVATIONS["softplus"])  # all that is measured is another
        run_script(arguments)
        assert Path(arguments["out"]).read_bytes() == before
        return
    assert content.items() >= (made_of | asdict(SMALL)).items()
    assert content["plain_seconds_an_entry"] > 0
    W1 = content["blocks"]["W1"]
    assert (W1["shape"], W1["entries"]) == ([4, 7], 28)
    sides = dict.fromkeys(("central", "complex"), ("analytic", "numeric")) | {"samples": ("shortcut", "plain")}
    for part, (one, other) in sides.items():
        assert W1[part]["count"] == 28
        assert W1[part][one] == pytest.approx(W1[part][other], rel=1e-6)


def test_a_failed_check_writes_its_figures_and_no_output(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken, caplog.at_level("INFO", "handgrad"):
        broken.setitem(ACTIVATIONS, "tanh", replace(TANH, h_prime=np.cos))
        with pytest.raises(HandgradError) as error:
            run_script(arguments)
    assert not Path(arguments["out"]).exists()
    figures = json.loads(Path(arguments["failed"]).read_text())
    assert figures["passed"] is False
    worst = figures["blocks"]["W1"]["complex"]
    line = str(error.value)
    assert "\n" not in line
    values = (f"{worst['analytic']:.10g}", f"{worst['numeric']:.10g}", "W1 [{}, {}]".format(*worst["worst_entry"]))
    assert all(part in line for part in ("tanh", "some", *values, "model.py", arguments["failed"]))
    misses = {held["what"] for held in figures["training"] if held["share"] > 1}
    assert misses >= {"h'", "fused h'", "model's gradient of W1", "W1", "V of W1"}
    assert "FAILED" in caplog.text
    run_script(arguments)  # one that passes removes the figures
    assert not Path(arguments["failed"]).exists()


def test_data_other_than_planned_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(HandgradError, match="run snakemake again"):
        run_script({**arguments, "data_digest": "another"})
    assert not Path(arguments["out"]).exists()
