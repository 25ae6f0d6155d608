"""What make installs, and what of the environment it does not pass on."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the Makefile, in which nothing is installed."""
    for file in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    for key in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):
        monkeypatch.delenv(key, raising=False)
    return tmp_path


def make(folder: Path, *arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_pins_are_installed_and_then_the_command_without_others(folder: Path) -> None:
    would = make(folder, "-n", "quick")
    pins, package, report = (
        would.index(part)
        for part in ("--requirement requirements.txt", "--no-deps --editable .", ".venv/bin/handgrad report")
    )
    assert pins < package < report


def test_a_profile_for_other_workflows_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/snakemake").write_text("#!/bin/sh\nenv\n")
    (folder / ".venv/bin/snakemake").chmod(0o755)
    (folder / ".venv/workflow").touch()
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "of-another-workflow")
    said = make(folder, "full")
    assert "PATH=" in said
    assert "SNAKEMAKE_PROFILE" not in said
