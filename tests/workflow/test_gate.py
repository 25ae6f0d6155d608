"""A wrong gradient trains nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]

ACTIVATIONS = "scripts/handgrad/network/activations.py"
BATCH = "scripts/handgrad/training/batch.py"
CHECK = "scripts/handgrad/gradient_check/numeric_gradients.py"
UNTIL = ["--until", "train_run"]


def test_a_wrong_derivative_stops_the_training_of_its_activation_alone(project: Project, tiny: Tiny) -> None:
    project.edit(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)")
    said = project.refuse(tiny(axes={"activation": ["tanh", "cos"], "learning_rate": 0.001}), *UNTIL)
    (run,) = project.times("results/runs/**/*.h5")
    assert "af_cos" in run
    assert [*project.times("results/checks/gate/*")] == ["results/checks/gate/digits_cos.json"]
    assert project.times("results/checks/failed/**/digits_tanh*.json")
    (line,) = (line for line in said.splitlines() if line.startswith("gradient check of tanh on digits"))
    assert "analytic" in line
    assert "numeric" in line


@pytest.mark.slow
def test_a_wrong_step_of_training_itself_stops_training(project: Project, tiny: Tiny) -> None:
    project.edit(BATCH, "shrink = 1 - eta * l2", "shrink = 1 - 2 * eta * l2")
    said = project.refuse(tiny(), *UNTIL)
    assert not project.times("results/runs/**/*.h5")
    (line,) = (line for line in said.splitlines() if line.startswith("gradient check of tanh on digits"))
    assert "training's step" in line


@pytest.mark.slow
def test_a_gate_that_no_longer_passes_fails_every_time(finished: Project, tiny: Tiny) -> None:
    # the check alone was changed, and not what trains
    finished.edit(CHECK, "return lambda f: (f(epsilon)", "return lambda f: 2 * (f(epsilon)")
    for _ in range(2):
        assert "gradient check of tanh on digits" in finished.refuse(tiny(), *UNTIL)
    assert not finished.times("results/checks/gate/*")


def test_a_deleted_gate_is_checked_again_though_the_runs_exist(finished: Project, tiny: Tiny) -> None:
    for gate in finished.times("results/checks/gate/*"):
        (finished.path / gate).unlink()
    assert finished.plan(tiny(), *UNTIL)["check_gate"] == 1
