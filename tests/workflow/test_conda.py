"""How Snakemake uses the conda environment of the rules; a stub replaces conda."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, Project

ENVIRONMENT = ROOT / "workflow/envs/handgrad.yml"

#: answers the calls of Snakemake 9.27.1 and keeps the environment file that it should install
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
    """The folder of the stub, which is first on the PATH."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "conda").write_text(CONDA)
    (bin_folder / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    return bin_folder


@pytest.mark.slow
def test_sdm_conda_uses_the_environment_file_and_reruns_nothing(
    finished: Project, tiny: Callable[..., dict[str, Any]], conda: Path
) -> None:
    assert "Nothing to be done" in finished.run(tiny(), "-n", "--sdm", "conda")
    finished.run(tiny(), "--forceall", "--sdm", "conda", "--conda-create-envs-only")
    # all rules share one environment, and no job runs
    assert (conda / "created.yml").read_text() == ENVIRONMENT.read_text()
    assert len(list(finished.path.glob(".snakemake/conda/*.yaml"))) == 1


def test_both_profiles_have_the_same_rerun_triggers() -> None:
    default, slurm = (
        yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())["rerun-triggers"]
        for name in ("default", "slurm")
    )
    assert default == slurm
