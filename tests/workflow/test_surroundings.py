"""The workflow with an unwritable home, another package named handgrad, or an unusable results folder."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


@pytest.mark.slow
def test_an_unwritable_home_and_a_foreign_handgrad_do_no_harm(project: Project, tiny: Tiny) -> None:
    home = project.path / "home"
    home.touch()  # a file, so that even root cannot make a folder in it
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


def test_an_unusable_results_folder_is_reported_before_any_job(project: Project, tiny: Tiny) -> None:
    (project.path / "results").touch()
    output = project.refuse(tiny())
    assert "results: Not a directory" in output
    assert "Traceback" not in output
    assert "rule " not in output
