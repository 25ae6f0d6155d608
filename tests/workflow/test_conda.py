"""What Snakemake does with the environment of the rules, with a stand-in where conda would be."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Project

ENVIRONMENT = ROOT / "workflow/envs/handgrad.yml"

#: answers what Snakemake 9.27.1 asks, and keeps what it is told to make
CONDA = """#!/bin/sh
case "$*" in
  "info --json") echo '{"conda_prefix": "/x", "platform": "linux-64"}' ;;
  --version) echo "conda 25.1.0" ;;
  "config --get channel_priority --json") echo '{"get": {"channel_priority": "strict"}}' ;;
  "env create "*)
    while [ "$1" != --file ]; do shift; done
    cp "$2" "$(dirname "$0")/created.yml" ;;
esac
"""


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, which comes first on the PATH."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "conda").write_text(CONDA)
    (bin_folder / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    assert shutil.which("conda") == str(bin_folder / "conda")
    return bin_folder


@pytest.mark.slow
def test_snakemake_hands_the_environment_to_conda_as_it_is(
    project: Project, tiny: Callable[..., dict[str, Any]], conda: Path
) -> None:
    project.run(tiny(), "--sdm", "conda", "--conda-create-envs-only")
    # one environment for all rules, and nothing but its making
    assert (conda / "created.yml").read_text() == ENVIRONMENT.read_text()
    assert len(list(project.path.glob(".snakemake/conda/*.yaml"))) == 1
    assert not (project.path / "results").exists()


@pytest.mark.slow
@pytest.mark.parametrize("profile", [[], ["--workflow-profile", "profiles/slurm"]])
def test_switching_conda_on_or_off_runs_nothing_again(
    finished: Project, tiny: Callable[..., dict[str, Any]], conda: Path, profile: list[str]
) -> None:
    assert "Nothing to be done" in finished.run(tiny(), "-n", "--sdm", "conda", *profile)
    made = finished.run(tiny(), "-n", "-F", "--sdm", "conda", *profile)
    assert "rule train_run" in made  # conda is in use here
    for path in (finished.path / ".snakemake/metadata").rglob("*"):
        if path.is_file():  # as if all had been made with conda
            record = json.loads(path.read_text())
            record["conda_env"] = base64.b64encode(ENVIRONMENT.read_bytes()).decode()
            path.write_text(json.dumps(record))
    assert "Nothing to be done" in finished.run(tiny(), "-n", *profile)
