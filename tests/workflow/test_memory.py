"""A run that does not fit into memory is refused before any job starts."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

#: W1 would need 4 TB
HUGE: dict[str, Any] = {"dataset": "digits", "hidden_units": [5, 1_000_000], "dtype": "float64"}
DATASETS = {"digits": {"image_shape": [1000, 500]}}


@pytest.mark.slow
def test_a_run_larger_than_memory_is_refused_before_any_job(
    project: Project, tiny: Callable[..., dict[str, Any]]
) -> None:
    config = tiny(axes=HUGE, datasets=DATASETS)
    output = project.refuse(config)
    (line,) = [line for line in output.splitlines() if "GB of memory" in line or "TB of memory" in line]
    assert "hu_1000000" in line
    assert "hidden_units" in line
    assert not (project.path / "results").exists()
    path = project.write_config(config)
    checked = project.handgrad("check", path)
    assert checked.returncode == 0
    assert line in checked.stderr
    planned = project.handgrad("plan", path, "--cores", "2")
    assert planned.returncode == 1
    assert line in planned.stderr
    on_cluster = project.handgrad("plan", path, "--profile", "profiles/slurm")
    assert on_cluster.returncode == 0
