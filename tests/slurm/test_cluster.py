"""The same experiment on a cluster, where nothing changes but the profile."""

import math
import re
from pathlib import Path

import yaml

from ..workflow.conftest import copy_repository
from .cluster import ClusterProject, wait_until
from .conftest import EPOCHS, QUICK


def test_the_quick_experiment_gives_the_same_runs_on_a_cluster(project: ClusterProject, tmp_path: Path) -> None:
    snakemake = project.start("results/quick/tables/results.md")
    local = copy_repository(tmp_path / "local")
    local.snakemake("--configfile", QUICK, "--until", "train_run")
    expected = local.contents()
    snakemake.succeeds()
    assert "error" not in snakemake.said.lower()
    assert project.contents() == expected
    jobs = project.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.node for job in jobs} == {"n1", "n2"}
    profile = yaml.safe_load((project.path / "profiles/slurm/profile.yaml").read_text())
    runs_per_submission = profile["group-components"]["train_{dataset}"]
    submissions = [job for job in jobs if job.name.startswith("handgrad:train_")]
    assert len(submissions) == math.ceil(len(expected) / runs_per_submission) < len(expected)


def test_the_status_tells_what_runs_and_how_far_it_is(untrained: ClusterProject) -> None:
    untrained.start()
    logs = "results/logs/train_run/digits/*.log"
    wait_until(lambda: any("epoch 3 of" in path.read_text() for path in untrained.path.glob(logs)))
    done = untrained.handgrad("status", str(untrained.config))
    assert done.returncode == 0, done.stdout
    assert re.search(rf"train_run digits/\S+: epoch \d+ of {EPOCHS}, \d+ \w+", done.stdout), done.stdout
    assert re.search(r"SLURM jobs: .*\d running", done.stdout)
    assert re.search(r"Snakemake is running here \(process \d+\)", done.stdout)
