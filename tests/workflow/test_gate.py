"""Nothing is trained with a wrong gradient."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]

ACTIVATIONS = "scripts/handgrad/network/activations.py"
BATCH = "scripts/handgrad/training/batch.py"
CHECK = "scripts/handgrad/gradient_check/numeric_gradients.py"
UNTIL = ["--until", "train_run"]


def test_a_wrong_derivative_blocks_only_runs_of_its_activation(project: Project, tiny: Tiny) -> None:
    project.edit(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)")
    output = project.refuse(tiny(axes={"activation": ["tanh", "cos"], "learning_rate": 0.001}), *UNTIL)
    (run,) = project.times("results/runs/**/*.h5")
    assert "af_cos" in run
    assert [*project.times("results/checks/gate/*")] == ["results/checks/gate/digits_cos.json"]
    assert project.times("results/checks/failed/**/digits_tanh*.json")
    (line,) = (line for line in output.splitlines() if line.startswith("gradient check of tanh on digits"))
    assert "analytic" in line
    assert "numeric" in line


@pytest.mark.slow
def test_a_wrong_update_step_blocks_training(project: Project, tiny: Tiny) -> None:
    project.edit(BATCH, "shrink = 1 - eta * l2", "shrink = 1 - 2 * eta * l2")
    output = project.refuse(tiny(), *UNTIL)
    assert not project.times("results/runs/**/*.h5")
    (line,) = (line for line in output.splitlines() if line.startswith("gradient check of tanh on digits"))
    assert "training's step" in line


@pytest.mark.slow
def test_a_gate_that_fails_once_fails_again(finished: Project, tiny: Tiny) -> None:
    # only the code of the check is changed, not the training code
    finished.edit(CHECK, "return lambda f: (f(epsilon)", "return lambda f: 2 * (f(epsilon)")
    for _ in range(2):
        assert "gradient check of tanh on digits" in finished.refuse(tiny(), *UNTIL)
    assert not finished.times("results/checks/gate/*")


def test_a_deleted_gate_is_made_again_even_if_the_runs_exist(finished: Project, tiny: Tiny) -> None:
    for gate in finished.times("results/checks/gate/*"):
        (finished.path / gate).unlink()
    assert finished.plan(tiny(), *UNTIL)["check_gate"] == 1
