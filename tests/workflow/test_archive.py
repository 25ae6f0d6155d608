"""Archives of finished experiments: packing, and verification in another clone."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import TINY, Project, copy_repository

pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def archived(_finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an archive of the tiny experiment."""
    project = Project(tmp_path_factory.mktemp("archived") / "project")
    shutil.copytree(_finished.path, project.path)
    done = project.handgrad("archive", project.write_config(TINY))
    assert "Written: archives/tiny.tar.gz" in done.stdout, done.stderr
    assert "git revision: not known" in done.stdout  # this copy of the repository is not a Git clone
    return project


def test_an_archive_is_verified_in_a_fresh_clone(archived: Project, project: Project) -> None:
    done = project.handgrad("verify", str(archived.path / "archives/tiny.tar.gz"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 files of tables" in done.stdout
    assert not (project.path / "results").exists()


def test_sha256sum_and_snakemake_accept_the_files_of_an_archive(archived: Project, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", archived.path / "archives/tiny.tar.gz", "-C", tmp_path], check=True)
    command = ["sha256sum", "-c", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    subprocess.run(command, cwd=tmp_path / "tiny", check=True)
    config = tmp_path / "tiny/data/config"
    assert yaml.safe_load((config / "given.yaml").read_text()) == TINY
    assert "Nothing to be done" in archived.snakemake("--configfile", str(config / "experiment.yaml")).stdout


def test_only_finished_results_are_archived_with_the_same_bytes(
    archived: Project, finished: Project, tiny: Tiny
) -> None:
    config, report = finished.write_config(TINY), finished.path / "results/tiny/report.html"
    mine = finished.path / "archives/tiny.tar.gz"
    report.write_text("a report")
    os.utime(report, ns=(0, 0))  # older than the results
    assert "results/tiny/report.html: older than the page" in finished.handgrad("archive", config).stdout
    assert mine.read_bytes() == (archived.path / "archives/tiny.tar.gz").read_bytes()
    mine.unlink()
    os.utime(report)
    finished.handgrad("archive", config)
    with tarfile.open(mine) as tar:
        assert "tiny/data/results/tiny/report.html" in tar.getnames()
    more = finished.write_config(tiny(axes={"learning_rate": [0.001, 0.002, 0.003]}))
    assert "tiny.yaml: not finished, or not up to date: " in finished.handgrad("archive", more).stderr


def test_an_archive_of_a_comparison_is_verified(finished: Project, tiny: Tiny, tmp_path: Path) -> None:
    """The experiment has its own published table, which the archive contains."""
    table = finished.path / "theirs.csv"
    header = (finished.path / "config/published_results.csv").read_text().splitlines()[0]
    table.write_text(f"{header}\ndigits,tanh,5,0.001,50,1,0.01,20.0,288,360,700.0,,\n")
    config = tiny(published={"table": str(table), "loss_divisor": {"digits": 1}})
    finished.run(config)
    finished.handgrad("archive", finished.write_config(config))
    table.unlink()
    done = copy_repository(tmp_path / "clone").handgrad("verify", str(finished.path / "archives/tiny.tar.gz"))
    assert "15 files of tables" in done.stdout, done.stderr
