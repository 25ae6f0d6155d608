"""What Snakemake does with environment.yml, with a stand-in where conda would be."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Project

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


@pytest.mark.slow
def test_snakemake_hands_environment_yml_to_conda_as_it_is(
    project: Project, tiny: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "conda").write_text(CONDA)
    (bin_folder / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    assert shutil.which("conda") == str(bin_folder / "conda")
    project.run(tiny(), "--sdm", "conda", "--conda-create-envs-only")
    # one environment for all rules, and nothing but its making
    assert (bin_folder / "created.yml").read_text() == (ROOT / "environment.yml").read_text()
    assert len(list(project.path.glob(".snakemake/conda/*.yaml"))) == 1
    assert not (project.path / "results").exists()
