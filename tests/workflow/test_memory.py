"""A run that cannot fit into this machine's memory stops everything before anything is made."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

#: W1 alone would take 4 TB
HUGE: dict[str, Any] = {"dataset": "digits", "hidden_units": [5, 1_000_000], "dtype": "float64"}
DATASETS = {"digits": {"image_shape": [1000, 500]}}


def script(project: Project, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"scripts/{name}.py", *arguments]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_run_larger_than_memory_is_refused_before_any_job(
    project: Project, tiny: Callable[..., dict[str, Any]]
) -> None:
    config = tiny(axes=HUGE, datasets=DATASETS)
    said = project.refuse(config)
    (line,) = [line for line in said.splitlines() if "GB of memory" in line or "TB of memory" in line]
    assert "hu_1000000" in line
    assert "hidden_units" in line
    assert not (project.path / "results").exists()
    path = project.write_config(config)
    checked = script(project, "check_config", path)
    assert checked.returncode == 0
    assert line in checked.stderr
    planned = script(project, "plan_experiment", path, "--cores", "2")
    assert planned.returncode == 1
    assert line in planned.stderr
    on_cluster = script(project, "plan_experiment", path, "--profile", "profiles/slurm")
    assert on_cluster.returncode == 0
