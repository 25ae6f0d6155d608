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


def snakemake(project: Project, config: dict[str, Any], *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit status and output of a Snakemake whose Python starts in another environment."""
    done = subprocess.run(
        project.command(*arguments, "--configfile", project.write_config(config)),
        cwd=project.path,
        env={**project.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_neither_a_home_without_room_nor_another_handgrad_is_an_obstacle(project: Project, tiny: Tiny) -> None:
    home = project.path / "home"
    home.touch()  # so that even root cannot make a folder in it
    other = project.path / "other/handgrad/__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("raise SystemExit('the other one')")
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(other.parents[1])}
    status, said = snakemake(project, tiny(), "results/tiny/figures/learning_curves/digits.svg", **environment)
    assert status == 0, said
    assert "Matplotlib" not in said


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
    status, said = snakemake(project, {**tiny(), "clé": 1}, "--dry-run", PYTHONIOENCODING="ascii")
    assert status == 1
    assert "cl\\xe9: unknown key" in said
