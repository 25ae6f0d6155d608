"""What the Makefile does with the environment that it finds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What make would do in a folder without a .venv; ``python`` on the PATH is what a test puts there."""
    for file in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for key in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):
        monkeypatch.delenv(key, raising=False)

    def would(*arguments: str) -> str:
        done = subprocess.run(["make", "-n", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    return would


def put_python(folder: Path, program: str) -> None:
    (folder / "bin/python").write_text(f'#!/bin/sh\nexec {program} "$@"\n')
    (folder / "bin/python").chmod(0o755)


TOOLS = ["plan", "status", "check-config", "report", "stale", "prune", "archive", "verify", "recover"]


@pytest.mark.parametrize("target", TOOLS)
def test_a_tool_takes_the_active_environment_and_makes_none_beside_it(make, tmp_path: Path, target: str) -> None:
    put_python(tmp_path, sys.executable)
    said = make(target)
    assert "venv" not in said
    assert "python scripts/" in said


@pytest.mark.parametrize("target", TOOLS)
def test_without_any_environment_a_tool_makes_one(make: Callable[..., str], tmp_path: Path, target: str) -> None:
    put_python(tmp_path, "false")
    said = make(target)
    assert "pip install --quiet --disable-pip-version-check --requirement requirements.txt" in said
    assert ".venv/bin/python scripts/" in said


def test_yes_counts_where_it_was_typed_and_not_where_the_environment_has_it(
    make: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--yes" in make("prune", "FILES=a.yaml", "YES=1")
    monkeypatch.setitem(os.environ, "YES", "1")
    assert "--yes" not in make("prune", "FILES=a.yaml")


@pytest.mark.parametrize("target", ["plan", "status", "check-config", "archive", "report"])
def test_a_file_may_have_any_name(target: str, make: Callable[..., str], tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "bin/python").write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\n')
    (tmp_path / "bin/python").chmod(0o755)
    name = "my 'own' \"f$x`y.yaml"
    done = subprocess.run(["make", target, f"CONFIG={name}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"<{name}>" in done.stdout + done.stderr or name in done.stderr


def test_what_the_environment_has_for_other_workflows_does_not_count(
    make: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("SNAKEMAKE_PROFILE", "PYTHONSAFEPATH")
    for name in names:
        monkeypatch.setenv(name, "1")
    put_python(tmp_path, "env; :")
    done = subprocess.run(["make", "status"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout
    assert not [name for name in names if f"{name}=" in done.stdout]
