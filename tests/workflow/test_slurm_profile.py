"""The real snakemake with profiles/slurm; SLURM's commands are stand-ins (the real ones: tests/slurm)."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]
PROFILE = ["--workflow-profile", "profiles/slurm"]


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SLURM that takes no job."""
    for name in ("sbatch", "squeue", "scancel"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    path = tmp_path / "bin/sbatch"
    path.write_text("#!/bin/sh\necho 'sbatch: error: invalid account' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.slow
def test_old_outputs_of_jobs_that_were_refused_are_not_taken_for_new_ones(
    finished: Project, refusing: None, tiny: Tiny
) -> None:
    finished.edit("scripts/handgrad/network/model.py", '"""', '"""Changed. ')
    changed = ("check_gate", "check_gradients", "train_run")
    plan = finished.run(tiny(), "-n", *PROFILE)
    assert all(f"rule {job}:" in plan for job in changed)
    assert "invalid account" in finished.refuse(tiny(), *PROFILE)
    plan = finished.run(tiny(), "-n", *PROFILE)
    assert all(f"rule {job}:" in plan for job in changed)


@pytest.mark.parametrize(
    ("dataset", "batch_size", "measured"),  # minutes on a core of 2026, 300 hidden units and 20 epochs
    [("mnist", 1, 7.2), ("mnist", 100, 0.2), ("cifar10", 1, 19.4), ("cifar10", 100, 0.6)],
)
def test_time_limits_are_long_enough_for_small_batches_and_not_absurd(
    project: Project, tiny: Tiny, dataset: str, batch_size: int, measured: float
) -> None:
    axes = {"dataset": dataset, "hidden_units": 300, "epochs": 20, "batch_size": batch_size}
    plan = project.run(tiny(axes={**axes, "learning_rate": 0.001}), "-n", *PROFILE)
    (minutes,) = re.findall(r"rule train_run:.*?runtime=(\d+)", plan, re.DOTALL)
    assert 2 * measured < int(minutes) < 10 * (measured + 1)
