"""The real snakemake with profiles/slurm and stubs of the SLURM commands (real SLURM: tests/slurm)."""

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
    """Put stubs on the PATH: an sbatch that refuses each job, a squeue and a scancel."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, lines in (("squeue", ""), ("scancel", ""), ("sbatch", "echo 'invalid account' >&2\nexit 1\n")):
        (folder / name).write_text(f"#!/bin/sh\n{lines}")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.slow
def test_old_outputs_of_a_refused_job_do_not_count_as_new(finished: Project, refusing: None, tiny: Tiny) -> None:
    finished.edit("scripts/handgrad/network/model.py", "G1 -= l2 * W.W1", "G1 -= 1 * l2 * W.W1")
    planned = finished.plan(tiny(), *PROFILE, "--until", "train_run")
    assert set(planned) == {"check_gate", "train_run"}
    assert "invalid account" in finished.refuse(tiny(), *PROFILE, "--until", "train_run")
    assert finished.plan(tiny(), *PROFILE, "--until", "train_run") == planned


def test_time_limits_suit_small_and_large_batches(project: Project, tiny: Tiny) -> None:
    # minutes on one core of 2026, with 300 hidden units and 20 epochs
    measured = {("mnist", "1"): 7.2, ("mnist", "100"): 0.2, ("cifar10", "1"): 19.4, ("cifar10", "100"): 0.6}
    axes = {"dataset": ["mnist", "cifar10"], "batch_size": [1, 100], "hidden_units": 300, "epochs": 20}
    plan = project.run(tiny(axes={**axes, "learning_rate": 0.001}), "-n", *PROFILE)
    found = re.findall(
        r"rule train_run:.*?wildcards: dataset=(\w+), run=\S+_bs_(\d+)_.*?runtime=(\d+)", plan, re.DOTALL
    )
    assert len(found) == len(measured)
    for dataset, batch_size, minutes in found:
        assert 2 * measured[dataset, batch_size] < int(minutes) < 10 * (measured[dataset, batch_size] + 1)
