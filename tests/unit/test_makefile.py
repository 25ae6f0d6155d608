"""Environment variables that make does not pass to Snakemake."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_ignores_a_profile_for_other_workflows(tmp_path: Path) -> None:
    for file in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    snakemake = tmp_path / ".venv/bin/snakemake"
    snakemake.parent.mkdir(parents=True)
    snakemake.write_text("#!/bin/sh\nenv\n")
    snakemake.chmod(0o755)
    (tmp_path / ".venv/workflow").touch()
    environment = {**os.environ, "SNAKEMAKE_PROFILE": "of-another-workflow", "MAKEFLAGS": ""}
    done = subprocess.run(["make", "full"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "PATH=" in done.stdout
    assert "SNAKEMAKE_PROFILE" not in done.stdout
