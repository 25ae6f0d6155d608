"""How Snakemake uses the conda environment and the image of the rules; stubs replace conda and apptainer."""

import re
import sys
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


#: runs the command of a job on this system, and keeps all arguments
APPTAINER = f"""#!/bin/sh
[ "$*" != --version ] || {{ echo "apptainer version 1.3.4"; exit; }}
echo "PYTHONPATH=$PYTHONPATH $*" >>"$(dirname "$0")/calls"
while [ "$1" != -c ]; do shift; done
PATH="{Path(sys.executable).parent}:$PATH" exec bash -c "$2"
"""


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stubs, which is first on the PATH."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name, text in (("conda", CONDA), ("apptainer", APPTAINER)):
        (bin_folder / name).write_text(text)
        (bin_folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    return bin_folder


@pytest.mark.slow
def test_sdm_conda_uses_the_environment_file_and_reruns_nothing(
    finished: Project, tiny: Callable[..., dict[str, Any]], stubs: Path
) -> None:
    assert "Nothing to be done" in finished.run(tiny(), "-n", "--sdm", "conda")
    finished.run(tiny(), "--forceall", "--sdm", "conda", "--conda-create-envs-only")
    # all rules share one environment, and no job runs
    assert (stubs / "created.yml").read_text() == ENVIRONMENT.read_text()
    assert len(list(finished.path.glob(".snakemake/conda/*.yaml"))) == 1


@pytest.mark.slow
def test_sdm_apptainer_runs_jobs_in_the_image_and_reruns_nothing(
    finished: Project, tiny: Callable[..., dict[str, Any]], stubs: Path
) -> None:
    assert "Nothing to be done" in finished.run(tiny(), "-n", "--sdm", "apptainer")
    finished.run(tiny(), "--sdm", "apptainer", "--forcerun", "render_summary")
    (call,) = (stubs / "calls").read_text().splitlines()
    assert " handgrad.sif " in call
    # the image has these folders under other paths too, where the library does not find the project's other files
    assert re.match(rf"PYTHONPATH={re.escape(str(finished.path))}/scripts[: ]", call)
    assert "Nothing to be done" in finished.run(tiny(), "-n")


def test_all_profiles_have_the_same_rerun_triggers() -> None:
    default, *others = (yaml.safe_load(path.read_text())["rerun-triggers"] for path in ROOT.glob("profiles/*/*.yaml"))
    assert len(others) == 2
    assert others == [default, default]
