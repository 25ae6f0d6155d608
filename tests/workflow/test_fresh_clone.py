"""The README's first command, as a newcomer types it."""

import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT


@pytest.mark.slow
def test_make_quick_in_a_fresh_clone_makes_table_report_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A checkout may belong to somebody else, as in containers; git would not clone it.
    for key, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", "*")):
        monkeypatch.setenv(f"GIT_CONFIG_{key}", value)
    for key in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):
        monkeypatch.delenv(key, raising=False)  # a newcomer's make is not called by make test-slow
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    done = subprocess.run(["make", "quick"], cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert sum(line.startswith("| digits") for line in lines) == 12
    assert f"The page: {clone}/results/quick/summary.html" in lines
    assert f"Snakemake's report: {clone}/results/quick/report.html" in lines
    assert (clone / "results/quick/summary.html").stat().st_size > 500_000
    assert (clone / "results/quick/report.html").stat().st_size > 1_000_000
    command = [str(clone / ".venv/bin/handgrad"), "check", "config/quick.yaml"]
    assert subprocess.run(command, cwd=clone, capture_output=True, check=False).returncode == 0
    again = subprocess.run(["make", "quick"], cwd=clone, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == ""
