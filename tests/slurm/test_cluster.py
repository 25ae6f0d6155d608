"""The same experiment on a cluster, where nothing changes but the profile."""

import math
from pathlib import Path

import yaml

from ..workflow.conftest import copy_repository
from .cluster import ClusterProject, contents_of_runs
from .conftest import QUICK


def test_the_quick_experiment_gives_the_same_runs_on_both_nodes_of_a_cluster(
    project: ClusterProject, tmp_path: Path
) -> None:
    snakemake = project.start()
    local = copy_repository(tmp_path / "local")
    trained = local.snakemake("--configfile", QUICK, "--until", "train_run")
    assert trained.returncode == 0, trained.stdout
    expected = contents_of_runs(local)
    snakemake.succeeds()
    assert "error" not in snakemake.said.lower()
    assert contents_of_runs(project) == expected
    assert (project.path / "results/quick/tables/results.md").exists()
    jobs = project.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.node for job in jobs} == {"n1", "n2"}
    profile = yaml.safe_load((project.path / "profiles/slurm/profile.yaml").read_text())
    runs_per_submission = profile["group-components"]["train_{dataset}"]
    submissions = [job for job in jobs if job.name.startswith("handgrad:train_")]
    assert len(submissions) == math.ceil(len(expected) / runs_per_submission) < len(expected)
