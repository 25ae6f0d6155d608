"""The real snakemake with profiles/slurm; SLURM's commands are stand-ins (the real ones: tests/slurm)."""

import os
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


def test_old_outputs_of_jobs_that_were_refused_are_not_taken_for_new_ones(
    finished: Project, refusing: None, tiny: Tiny
) -> None:
    finished.edit("scripts/handgrad/model.py", '"""', '"""Changed. ')
    changed = ("check_gate", "check_gradients", "train_run")
    plan = finished.run(tiny(), "-n", *PROFILE)
    assert all(f"rule {job}:" in plan for job in changed)
    assert "invalid account" in finished.refuse(tiny(), *PROFILE)
    plan = finished.run(tiny(), "-n", *PROFILE)
    assert all(f"rule {job}:" in plan for job in changed)
