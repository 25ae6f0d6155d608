"""What Snakemake does with the environment of the rules, with a stand-in where conda would be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    return bin_folder


@pytest.mark.slow
def test_snakemake_hands_the_environment_to_conda_as_it_is_and_runs_nothing_again(
    finished: Project, tiny: Callable[..., dict[str, Any]], conda: Path
) -> None:
    assert "Nothing to be done" in finished.run(tiny(), "-n", "--sdm", "conda")
    finished.run(tiny(), "--forceall", "--sdm", "conda", "--conda-create-envs-only")
    # one environment for all rules, and nothing but its making
    assert (conda / "created.yml").read_text() == ENVIRONMENT.read_text()
    assert len(list(finished.path.glob(".snakemake/conda/*.yaml"))) == 1


def test_both_profiles_let_the_same_changes_run_jobs_again() -> None:
    default, slurm = (
        yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())["rerun-triggers"]
        for name in ("default", "slurm")
    )
    assert default == slurm
