"""An archive of a finished experiment is verified anywhere, and the workflow's own tables are made again from it."""

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

Tiny = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def archived(_finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an archive of the tiny experiment."""
    project = Project(tmp_path_factory.mktemp("archived") / "project")
    shutil.copytree(_finished.path, project.path)
    done = project.handgrad("archive", project.write_config(TINY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Written: archives/tiny.tar.gz" in done.stdout
    assert "(not known: " in done.stdout.splitlines()[-1]  # this copy of the repository is no clone
    return project


def test_it_is_verified_in_a_fresh_clone(archived: Project, project: Project) -> None:
    done = project.handgrad("verify", str(archived.path / "archives/tiny.tar.gz"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 files of tables" in done.stdout
    assert not (project.path / "results").exists()


def test_sha256sum_takes_its_manifests_and_snakemake_its_file(archived: Project, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", archived.path / "archives/tiny.tar.gz", "-C", tmp_path], check=True)
    command = ["sha256sum", "-c", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    done = subprocess.run(command, cwd=tmp_path / "tiny", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    there = [path for path in (tmp_path / "tiny").rglob("*") if path.is_file()]
    assert len(done.stdout.splitlines()) == len(there) - 1
    config = tmp_path / "tiny/data/config"
    assert yaml.safe_load((config / "given.yaml").read_text()) == TINY
    assert "Nothing to be done" in archived.snakemake("--configfile", str(config / "experiment.yaml")).stdout


@pytest.mark.slow
def test_the_same_results_and_their_report_make_the_same_archive(archived: Project, finished: Project) -> None:
    config, report = finished.write_config(TINY), finished.path / "results/tiny/report.html"
    mine = finished.path / "archives/tiny.tar.gz"
    report.write_text("a report")
    os.utime(report, ns=(0, 0))  # of earlier results
    said = finished.handgrad("archive", config).stdout
    assert "results/tiny/report.html: older than the page, so it is left out" in said
    assert mine.read_bytes() == (archived.path / "archives/tiny.tar.gz").read_bytes()
    mine.unlink()
    os.utime(report)
    assert finished.handgrad("archive", config).returncode == 0
    with tarfile.open(mine) as tar:
        assert "tiny/data/results/tiny/report.html" in tar.getnames()


@pytest.mark.slow
def test_what_is_not_finished_is_not_packed(archived: Project, tiny: Tiny) -> None:
    more = tiny("more", axes={"learning_rate": [0.001, 0.002, 0.003]})
    done = archived.handgrad("archive", archived.write_config(more))
    assert done.returncode == 1
    assert "more.yaml: not finished, or not up to date: " in done.stderr
    assert not (archived.path / "archives/more.tar.gz").exists()


@pytest.mark.slow
def test_an_archive_of_a_comparison_is_verified(finished: Project, tiny: Tiny, tmp_path: Path) -> None:
    """With a published table of one's own, which the archive takes along."""
    table = finished.path / "theirs.csv"
    header = (finished.path / "config/published_results.csv").read_text().splitlines()[0]
    table.write_text(f"{header}\ndigits,tanh,5,0.001,50,1,0.01,20.0,288,360,700.0,,\n")
    config = tiny(published={"table": str(table), "loss_divisor": {"digits": 1}})
    finished.run(config)
    done = finished.handgrad("archive", finished.write_config(config))
    assert done.returncode == 0, done.stderr
    table.unlink()
    elsewhere = copy_repository(tmp_path / "elsewhere")
    done = elsewhere.handgrad("verify", str(finished.path / "archives/tiny.tar.gz"))
    assert "15 files of tables" in done.stdout, done.stderr
