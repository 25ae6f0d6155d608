"""The workflow where a home cannot be written to, another handgrad is installed, or results are in the way."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


@pytest.mark.slow
def test_neither_a_home_without_room_nor_another_handgrad_is_an_obstacle(project: Project, tiny: Tiny) -> None:
    home = project.path / "home"
    home.touch()  # so that even root cannot make a folder in it
    other = project.path / "other/handgrad/__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("raise SystemExit('the other one')")
    figure = "results/tiny/figures/learning_curves/digits.svg"
    done = subprocess.run(
        project.command(figure, "--configfile", project.write_config(tiny())),
        cwd=project.path,
        env={**project.environment, "HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONPATH": "other"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Matplotlib" not in done.stderr


def test_what_the_disk_forbids_is_named_before_any_job(project: Project, tiny: Tiny) -> None:
    (project.path / "results").touch()
    said = project.refuse(tiny())
    assert "results: Not a directory" in said
    assert "Traceback" not in said
    assert "rule " not in said
