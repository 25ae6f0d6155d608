"""The workflow on a full disk, with a home that cannot be written to, and the like."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project, copy_repository

Tiny = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that has room for the data and not for all results."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=212k", "tmpfs", str(disk)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_once_there_is_room_the_same_command_makes_the_same_table(
    finished: Project, small_disk: Path, tiny: Tiny
) -> None:
    project = copy_repository(finished.path.with_name("small"))
    (project.path / "results").symlink_to(small_disk)
    table = "results/tiny/tables/best.csv"
    said = project.refuse(tiny(), table)
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert "error in the program" not in said
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    project.run(tiny(), table)
    assert (project.path / table).read_bytes() == (finished.path / table).read_bytes()


@pytest.mark.parametrize("name", ["HOME", "XDG_CACHE_HOME"])
def test_a_home_without_permission_to_write_is_no_obstacle(name: str, project: Project, tiny: Tiny) -> None:
    home = project.path / "home"
    home.touch()  # so that even root cannot make a folder in it
    environment = {**project.environment, name: str(home)}
    if name == "HOME":
        del environment["XDG_CACHE_HOME"]
    figure = "results/tiny/figures/learning_curves/digits.svg"
    done = snakemake(project, environment, figure, "--configfile", project.write_config(tiny()))
    assert done.returncode == 0, done.stdout
    assert "Matplotlib" not in done.stdout


def test_another_handgrad_on_the_path_of_python_is_not_taken(project: Project, tiny: Tiny) -> None:
    other = project.path / "other/handgrad/__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("raise SystemExit('the other one')")
    environment = {**project.environment, "PYTHONPATH": str(other.parents[1])}
    config = project.write_config(tiny())
    done = snakemake(project, environment, "--configfile", config, "--until", "check_gate")
    assert done.returncode == 0, done.stdout


def test_what_the_disk_or_a_path_forbids_is_named_before_any_job(project: Project, tiny: Tiny) -> None:
    (project.path / "results").touch()
    odd = Project(project.path.with_name("a{x}"))
    shutil.copytree(project.path, odd.path, symlinks=True)
    for place, line in ((project, "results: Not a directory"), (odd, f"{odd.path}: its path has a brace")):
        said = place.refuse(tiny())
        assert line in said
        assert "Traceback" not in said
        assert "rule " not in said


def test_a_mistake_is_said_where_the_terminal_lacks_its_letters(project: Project, tiny: Tiny) -> None:
    config = project.write_config({**tiny(), "clé": 1})
    environment = {**project.environment, "PYTHONIOENCODING": "ascii"}
    done = snakemake(project, environment, "--dry-run", "--configfile", config)
    assert done.returncode == 1
    assert "cl\\xe9: unknown key" in done.stdout


def snakemake(project: Project, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run snakemake in another environment."""
    return subprocess.run(
        project.command(*arguments),
        cwd=project.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
