"""The gradient check passes correct code, and each of its parts finds the faults that it is designed for.

``test_gate_mutants`` breaks the code that training executes.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import aggregate_gradient_checks
import check_gate as gate_script
import check_gradients as check_script
from factories import image_data
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import content_of, write_data
from handgrad.gradient_check import check as checking
from handgrad.gradient_check import numeric_gradients
from handgrad.gradient_check import problem as problems
from handgrad.gradient_check.activation_check import check_activation
from handgrad.gradient_check.check import COARSEST, LIMITS, check, check_gradients, limits_at
from handgrad.gradient_check.files import read_check
from handgrad.gradient_check.numeric_gradients import central_slope, complex_slope, numeric_gradient, plain_slopes
from handgrad.gradient_check.problem import Problem, random_problem
from handgrad.gradient_check.report import as_dict, explain, table
from handgrad.gradient_check.results import CheckReport, compare
from handgrad.gradient_check.settings import GATE, Settings
from handgrad.gradient_check.training_check import COVERED
from handgrad.network.activations import ACTIVATIONS, Activation
from handgrad.network.model import Array, Weights, forward, gradients, objective
from handgrad.training.batch import Batch
from handgrad.training.momentum import Velocity

SMALL = Settings(hidden_units=4, examples=5, pixels="unit", epsilon=1e-5)
TANH = ACTIVATIONS["tanh"]
DATA = image_data(30, 30)
STEPS = ("step", "momentum")

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def problem(name: str = "tanh", **changes: Any) -> Problem:
    return random_problem(DATA, name, replace(SMALL, **changes))


def checked(this: Problem) -> CheckReport:
    return check_gradients(this, epsilon=1e-5)


def caught_by(report: CheckReport) -> set[tuple[str, str]]:
    return {(failure.what, failure.fault) for failure in report.failures()}


def blocks(*parts: str, of: str = "W1 W2") -> set[tuple[str, str]]:
    return {(block, part) for block in of.split() for part in parts}


# --- correct code passes ---


@every_activation
@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": "raw", "hidden_units": 1, "epsilon": 1e-6},
        {"pixels": "standardize", "hidden_units": 30, "epsilon": 1e-6},
        {"examples": 1, "l2": 10.0, "epsilon": 1e-3},
        {"examples": 30, "l2": 0.0, "epsilon": 1e-8},
        {"pixels": "raw", "hidden_units": 20, "epsilon": 1e-10},
    ],
    ids=str,
)
def test_a_right_gradient_passes(name: str, changes: dict[str, Any]) -> None:
    report = check(DATA, name, replace(SMALL, **changes))
    assert report.passed, table(report)


FEW = [("softplus", 1, None), ("tanh", 2, 0), ("cos", 4, 200), ("relu", 4, 0)]


@pytest.mark.parametrize(("name", "n", "pixel"), FEW)
def test_the_gate_passes_few_examples_and_constant_inputs(name: str, n: int, pixel: int | None) -> None:
    data = image_data(n)
    if pixel is not None:
        data.train.x[:] = pixel
    report = check(data, name, GATE)
    assert report.passed, table(report)
    assert {block: b.shape for block, b in report.blocks.items()} == {"W1": (200, 7), "W2": (3, 201)}
    assert {part: c.limit for block in report.blocks.values() for part, c in block.parts.items()} == LIMITS


def test_complex_step_alone_is_exact_to_rounding() -> None:
    this = problem()
    kept = [w.copy() for w in this.W]
    for block in checked(this).blocks.values():
        assert block.parts["complex"].max_rel_difference < 1e-14
        assert 1e-13 < block.parts["central"].max_rel_difference < 1e-8
    for w, before in zip(this.W, kept, strict=True):
        np.testing.assert_array_equal(w, before)


@every_activation
@pytest.mark.parametrize("blocksize", [numeric_gradients.BLOCK, 40, 1])
def test_the_shortcut_equals_plain_evaluations_at_every_entry(
    name: str, blocksize: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numeric_gradients, "BLOCK", blocksize)
    this = problem(name)
    # A large step has a large truncation error. It must be the same in both.
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


# --- faults are found by the parts that are designed for them ---

IN_W1, IN_W2 = (blocks("complex", "central", "directions", *STEPS, of=block) for block in ("W1", "W2"))

Form = Callable[[Any], Callable[..., Any]]
Fault = tuple[object, str, Form]


def gradient(change: Callable[[Weights, Weights, float], object]) -> Fault:
    """Return a fault: ``change(G, W, l2)`` changes the gradient G in place."""

    def form(right: Any) -> Any:
        def changed(W: Weights, X: Array, T: Array, activation: Activation, l2: float) -> Any:
            value, G = right(W, X, T, activation, l2)
            change(G, W, l2)
            return value, G

        return changed

    return checking, "gradients", form


def argument(holder: object, name: str, at: int, change: Callable[[Any], Any]) -> Fault:
    """Return a fault: ``change`` replaces argument ``at`` of a function or method, with ``self`` as argument 0."""
    return holder, name, lambda right: lambda *given: right(*given[:at], change(given[at]), *given[at + 1 :])


def without_bias(G: Weights, W: Weights, l2: float) -> None:
    for g, w in zip(G, W, strict=True):
        g[:, 0] += l2 * w[:, 0]


def slightly_more(x: float) -> float:
    return x * (1 + 1e-8)


FAULTS: dict[str, tuple[Fault, set[tuple[str, str]]]] = {
    "penalty without biases": (gradient(without_bias), IN_W1 | IN_W2),
    "penalty doubled": (gradient(lambda G, W, l2: np.subtract(G.W2, l2 * W.W2, out=G.W2)), IN_W2),
    "zeros": (gradient(lambda G, *_: G.W1.fill(0)), IN_W1),
    "one entry slightly wrong": (
        gradient(lambda G, *_: np.add.at(G.W1, (2, 3), 1e-9 * abs(G.W1).max())),
        blocks("complex", *STEPS, of="W1"),
    ),
    "one entry nan": (gradient(lambda G, *_: np.put(G.W2, 7, np.nan)), IN_W2),
    "another objective": (
        (problems, "objective", lambda right: lambda W, *rest: right(W, *rest) + (W.W1[:, 0] ** 2).sum()),
        blocks("directions", "samples", of="W1"),
    ),
    "another forward pass": (
        argument(problems, "objective", 3, lambda h: lambda A: 1.0001 * h(A)),
        blocks("directions", "samples"),
    ),
    "shortcut of W1": (
        argument(numeric_gradients, "hidden_weight_terms", 2, lambda x: 1.001 * x),
        blocks("complex", "central", "samples", of="W1"),
    ),
    "shortcut of W2": (
        argument(numeric_gradients, "output_weight_terms", 1, lambda k: (k + 1) % 3),
        blocks("complex", "central", "samples", of="W2"),
    ),
    "penalty of the shortcut": (
        argument(numeric_gradients, "entry_penalties", 1, lambda l2: 2 * l2),
        blocks("complex", "central", "samples"),
    ),
    "forward pass of a step": (argument(Batch, "forward", 1, slightly_more), blocks(*STEPS)),
    "penalty of a step": (argument(Batch, "ascend", 3, lambda l2: 1.000001 * l2), blocks("step")),
    "momentum": (argument(Batch, "ascend_with_momentum", 2, slightly_more), blocks("momentum")),
}


def introduce(fault: str, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Introduce a fault. Return the comparisons that should find it."""
    (holder, name, form), expected = FAULTS[fault]
    monkeypatch.setattr(holder, name, form(getattr(holder, name)))
    return expected


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_the_parts_that_are_there_for_it(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = introduce(fault, monkeypatch)
    report = checked(problem())
    assert caught_by(report) == expected
    assert table(report).count("FAILED") == len(expected)


@pytest.mark.parametrize(
    ("fault", "entry", "file"),
    [
        ("one entry slightly wrong", "W1, complex step, float64, [2, 3]: ", "model.py"),
        ("one entry nan", "W2, complex step, float64, [1, 2]: ", "model.py"),
        ("momentum", "training's step with momentum", "momentum.py"),
        ("another objective", "random direction", "model.objective"),
    ],
)
def test_a_fault_is_explained_by_entry_and_file(
    fault: str, entry: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    introduce(fault, monkeypatch)
    line = explain(checked(problem()))
    assert entry in line
    assert file in line
    assert "\n" not in line


def test_the_check_of_momentum_keeps_its_numbers_apart_from_the_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Velocity, "materialize")  # within a step, it could hide a wrong number
    for name in ACTIVATIONS:
        this = random_problem(DATA, name, GATE)
        checking.step_gradient(this, gradients(this.W, this.X, this.T, this.activation, this.l2)[1], 0.5)


def test_what_training_alone_misses_is_explained_with_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fused(A: Array, H: Array, H_prime: Array) -> None:
        TANH.evaluate(A, H, H_prime)
        H_prime *= 1.001 if H_prime.dtype == np.float32 else 1

    monkeypatch.setitem(ACTIVATIONS, "tanh", replace(TANH, fused=fused))
    report = check(DATA, "tanh", GATE)
    assert not report.passed
    assert not caught_by(report) & blocks(*LIMITS)
    assert "float32" in explain(report)
    assert "scripts/handgrad/network/activations.py" in explain(report)


# --- activations without a complex form, and with a kink ---


def test_an_activation_without_a_complex_form_is_checked_by_differences() -> None:
    cube = Activation(lambda A: A**3, lambda A: 3 * A**2, None)
    report = checked(problem()._replace(activation=cube))
    assert report.passed
    figures = as_dict(report)
    assert figures["seconds_complex"] is None
    assert figures["blocks"]["W1"]["complex"] is None
    wrong = replace(cube, h_prime=lambda A: 3.001 * A**2)  # training uses the same h_prime, so its parts pass
    assert caught_by(checked(problem()._replace(activation=wrong))) == blocks("central", "directions", of="W1")


def test_a_kink_fails_the_check_only_where_a_step_crosses_it() -> None:
    def bent_at(kink: float) -> CheckReport:
        bent = Activation(lambda A: np.maximum(A - kink, 0), lambda A: (kink < A).astype(A.dtype), None)
        return checked(this._replace(activation=bent))

    this = problem()
    A = np.sort(forward(this.X, this.W, TANH.h).A.ravel())
    widest = int(np.diff(A).argmax())
    assert bent_at(A[widest : widest + 2].mean()).passed
    crossed = bent_at(A[0])
    assert caught_by(crossed) == blocks("central", "directions", of="W1")
    assert "kink" in explain(crossed)
    wrong = replace(TANH, h_prime=lambda A: 1 - np.tanh(A))  # the complex step finds it
    assert "kink" not in explain(checked(this._replace(activation=wrong)))


def test_no_step_reaches_a_listed_kink_however_many_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    # 30 examples and 200 units: some of 6,000 pre-activations are always within a step of a kink
    settings = replace(GATE, examples=30, epsilon=1e-4)
    kinks = (-0.5, 0.0, 0.2)

    def bent(listed: tuple[float, ...]) -> Problem:
        def h(A: Array) -> Array:
            return sum(np.where(A.real > kink, A - kink, 0) for kink in kinks)

        def h_prime(A: Array) -> Array:
            return sum((kink < A).astype(A.dtype) for kink in kinks)

        monkeypatch.setitem(ACTIVATIONS, "bent", Activation(h, h_prime, h, kinks=listed))
        return random_problem(DATA, "bent", settings)

    unlisted, listed = bent(()), bent(kinks)
    assert ("W1", "central") in caught_by(check_gradients(unlisted, epsilon=1e-4))
    assert check_gradients(listed, epsilon=1e-4).passed
    moved = listed.W.W1 - unlisted.W.W1
    assert not moved[:, 1:].any()
    assert 0 < abs(moved).max() < 0.05
    A = forward(listed.X, listed.W, TANH.h).A
    assert min(abs(A - kink).min() for kink in kinks) >= 1e-4


def test_a_listed_kink_hides_no_wrong_derivative() -> None:
    for place in (1e-5, -1e-5):
        wrong = replace(ACTIVATIONS["relu"], h_prime=lambda A, place=place: (place < A).astype(A.dtype))
        assert {c.what for c in check_activation(wrong) if not c.passed} >= {"h'"}


# --- limits ---


def test_the_gate_has_the_strict_limits_and_makes_no_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(LIMITS.values()) == [1e-10, 1e-6, 1e-8, 1e-6, 1e-10, 1e-10]
    assert Settings(hidden_units=200, examples=5, pixels="unit", epsilon=1e-5, l2=0.01, seed=0) == GATE
    monkeypatch.setattr(checking, "limits_at", None)
    monkeypatch.setattr(checking, "check_training", lambda *_: ())
    assert check(DATA, "tanh", GATE).passed
    with pytest.raises(TypeError):
        check(DATA, "tanh", SMALL)


def test_the_central_limit_allows_for_truncation_and_rounding() -> None:
    def limit(pixels: str, epsilon: float) -> float:
        this = problem("cos", pixels=pixels)
        _, G = gradients(this.W, this.X, this.T, this.activation, this.l2)
        return limits_at(this, "W1", G.W1, epsilon)["central"]

    assert limit("unit", 1e-5) == limit("raw", 1e-6) == LIMITS["central"]
    assert limit("raw", 1e-5) == pytest.approx((1e-5 * problem(pixels="raw").X.max()) ** 2)
    assert LIMITS["central"] < limit("unit", 1e-9) < COARSEST
    assert limit("unit", 1e-14) == limit("raw", 1.0) == COARSEST
    assert "epsilon" in explain(check(DATA, "cos", replace(SMALL, epsilon=0.5)))


def test_a_gradient_of_zeros_takes_zeros_alone() -> None:
    zeros, ones = np.zeros((2, 3)), np.ones((2, 3))
    assert compare("W1", "central", zeros, zeros, scale=0.0).max_rel_difference == 0
    assert compare("W1", "central", zeros, 1e-300 * ones, scale=0.0).max_rel_difference == np.inf
    assert not compare("W1", "central", ones, ones, scale=np.nan * ones).passed  # a limit that is nan never passes


# --- the problem ---


def test_a_seed_alone_decides_the_check() -> None:
    one, again, other = (checked(problem("cos", seed=seed)).blocks["W1"].parts for seed in (1, 1, 2))
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
    assert len(problem(examples=31).X) == 30


def test_the_gate_covers_every_value_that_a_config_allows() -> None:
    schema = yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text())
    axes = schema["properties"]["experiments"]["items"]["properties"]
    for axis in ("dtype", "batch_gradient", "schedule"):
        assert set(axes[axis]["anyOf"][0]["enum"]) == set(COVERED[axis])


# --- the scripts ---


@pytest.fixture(params=[gate_script, check_script], ids=["gate", "report"])
def script(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def job(script: Any, tmp_path: Path) -> dict[str, Any]:
    """Return arguments of main for a check that passes."""
    write_data(tmp_path / "data.h5", DATA)
    job = {
        "dataset": "some",
        "activation": "tanh",
        "data": str(tmp_path / "data.h5"),
        "out": str(tmp_path / "out.json"),
        "failed": str(tmp_path / "failed" / "some.json"),
        "code_digest": code_digest(script.__name__),
        "data_digest": DATA.digest,
    }
    return job if script is gate_script else {**job, "settings": SMALL}


def test_a_gate_holds_its_promise_alone_and_a_report_every_figure(script: Any, job: dict[str, Any]) -> None:
    script.main(**job)
    content, _ = read_check(job["out"], {})
    made_of = {key: job[key] for key in ("dataset", "activation", "code_digest", "data_digest")}
    made_of |= {"data_content": content_of(DATA), "passed": True}
    if script is gate_script:  # no measured value
        assert content == made_of | {"settings": asdict(GATE), "limits": LIMITS, "training": COVERED}
        return
    assert content.items() >= (made_of | asdict(SMALL)).items()
    assert content["plain_seconds_an_entry"] > 0
    W1 = content["blocks"]["W1"]
    assert (W1["shape"], W1["entries"]) == ([4, 7], 28)
    for part in ("central", "complex", "samples"):
        assert W1[part]["count"] == 28
        assert W1[part]["analytic"] == pytest.approx(W1[part]["numeric"], rel=1e-6)


def test_a_check_of_fewer_examples_than_its_settings_is_accepted(tmp_path: Path) -> None:
    few = image_data(3, 2)
    write_data(tmp_path / "data.h5", few)
    out, settings = str(tmp_path / "out.json"), {**asdict(SMALL), "examples": 5}
    digest = code_digest("check_gradients")
    check_script.main(
        dataset="some",
        activation="tanh",
        data=str(tmp_path / "data.h5"),
        out=out,
        failed=str(tmp_path / "failed.json"),
        code_digest=digest,
        data_digest=few.digest,
        settings=Settings(**settings),
    )
    aggregate_gradient_checks.main(
        checks=[out],
        csv=str(tmp_path / "table.csv"),
        checked=[("some", "tanh")],
        settings=settings,
        checking=digest,
        data_digests={"some": few.digest},
    )
    assert (tmp_path / "table.csv").exists()


def test_a_failed_check_writes_its_figures_and_no_output(
    script: Any, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken, caplog.at_level("INFO", "handgrad"):
        broken.setitem(ACTIVATIONS, "tanh", replace(TANH, h_prime=np.cos))
        with pytest.raises(HandgradError) as error:
            script.main(**job)
    assert not Path(job["out"]).exists()
    figures = json.loads(Path(job["failed"]).read_text())
    assert figures["passed"] is False
    worst, line = figures["blocks"]["W1"]["complex"], str(error.value)
    assert "\n" not in line
    values = (f"{worst['analytic']:.10g}", f"{worst['numeric']:.10g}", str(worst["worst_entry"]))
    assert all(part in line for part in ("tanh", "some", "W1", *values, "model.py", job["failed"]))
    misses = {c["what"] for c in figures["training"] if c["max_rel_difference"] > c["limit"]}
    assert misses >= {"h'", "fused h'", "W1", "V of W1"}
    assert "FAILED" in caplog.text
    script.main(**job)  # a check that passes removes the figures
    assert not Path(job["failed"]).exists()
