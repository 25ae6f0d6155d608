"""An experiment on a cluster gives the same results; only the profile differs."""

import math
from pathlib import Path

import yaml

from ..workflow.conftest import copy_repository
from .cluster import ClusterProject
from .conftest import QUICK


def test_the_quick_experiment_gives_the_same_runs_on_a_cluster(project: ClusterProject, tmp_path: Path) -> None:
    snakemake = project.start("results/quick/tables/results.md")
    local = copy_repository(tmp_path / "local")
    local.snakemake("--configfile", QUICK, "--until", "train_run")
    expected = local.contents()
    snakemake.succeeds()
    assert "error" not in snakemake.output.lower()
    assert project.contents() == expected
    jobs = project.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.node for job in jobs} == {"n1", "n2"}
    profile = yaml.safe_load((project.path / "profiles/slurm/profile.yaml").read_text())
    runs_per_submission = profile["group-components"]["train_{dataset}"]
    submissions = [job for job in jobs if job.name.startswith("handgrad:train_")]
    assert len(submissions) == math.ceil(len(expected) / runs_per_submission) < len(expected)
