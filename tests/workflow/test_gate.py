"""A wrong gradient trains nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

MODEL = "scripts/handgrad/network/model.py"
ACTIVATIONS = "scripts/handgrad/network/activations.py"
BATCH = "scripts/handgrad/training/batch.py"
CHECK = "scripts/handgrad/gradient_check/numeric_gradients.py"


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        pytest.param(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)", id="h'"),
        pytest.param(MODEL, "G1 -= l2 * W.W1", "G1 -= 2 * l2 * W.W1", id="penalty"),
        pytest.param(MODEL, "G2 -= l2 * W.W2", "G2[:, 1:] -= l2 * W.W2[:, 1:]", id="penalty of a bias"),
        pytest.param(MODEL, "G1 = delta.T @ X", "G1 = delta.T @ X; G1[:, 0] = 0", id="bias term"),
        pytest.param(BATCH, "shrink = 1 - eta * l2", "shrink = 1 - 2 * eta * l2", id="training's own step"),
    ],
)
def test_a_broken_gradient_stops_training(
    project: Project, tiny: Callable[..., dict[str, Any]], file: str, right: str, wrong: str
) -> None:
    project.edit(file, right, wrong)
    said = project.refuse(tiny())
    assert not project.times("results/runs/**/*.h5")
    assert not project.times("results/checks/gate/*")
    assert project.times("results/checks/failed/**/*.json")
    line = next(line for line in said.splitlines() if line.startswith("gradient check of tanh on digits"))
    assert "analytic" in line
    assert ("stepped" if file == BATCH else "numeric") in line


@pytest.mark.slow
def test_a_gate_that_fails_for_one_activation_lets_the_others_train(
    project: Project, tiny: Callable[..., dict[str, Any]]
) -> None:
    project.edit(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)")
    project.refuse(tiny(axes={"activation": ["tanh", "cos"], "learning_rate": 0.001}))
    (run,) = project.times("results/runs/**/*.h5")
    assert "af_cos" in run


@pytest.mark.slow
def test_a_gate_that_no_longer_passes_is_told_every_time_though_the_runs_are_there(
    finished: Project, tiny: Callable[..., dict[str, Any]]
) -> None:
    # the check alone was changed, and not what trains
    finished.edit(CHECK, "return lambda f: (f(epsilon)", "return lambda f: 2 * (f(epsilon)")
    for _ in range(2):
        assert "gradient check of tanh on digits" in finished.refuse(tiny())
    assert not finished.times("results/checks/gate/*")


def test_a_gate_that_is_gone_is_asked_again_though_the_runs_are_there(
    finished: Project, tiny: Callable[..., dict[str, Any]]
) -> None:
    for gate in finished.times("results/checks/gate/*"):
        (finished.path / gate).unlink()
    finished.train(tiny())
    assert finished.times("results/checks/gate/*")
