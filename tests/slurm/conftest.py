"""Run the workflow on a real SLURM cluster, which the tests start and stop on this machine."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ..conftest import locked
from ..workflow.conftest import TINY, Project, copy_repository, made_once
from .cluster import (
    HERE,
    SLURM_CONF,
    ClusterProject,
    NoCluster,
    start_cluster,
    stop_cluster,
)

QUICK = "config/quick.yaml"

EPOCHS = 1000

#: three runs of some seconds, the longest first; before their end, they save checkpoints only after a stop signal
LONG: dict[str, Any] = {
    **TINY,
    "name": "long",
    "experiments": [
        {
            **TINY["experiments"][0],
            "hidden_units": [100, 40, 20],
            "learning_rate": 0.001,
            "batch_size": 20,
            "epochs": EPOCHS,
        }
    ],
    "checkpoint_seconds": 1000,
}

#: very short runs, more than the cluster has cores
MANY: dict[str, Any] = {
    **LONG,
    "name": "many",
    "experiments": [{**LONG["experiments"][0], "hidden_units": 5, "epochs": 1, "seed": [*range(12)]}],
}

#: a search: four candidates until the first rung, two until the second, and one until the end
SEARCH: dict[str, Any] = {
    **LONG,
    "name": "halving",
    "experiments": [
        {
            **LONG["experiments"][0],
            "hidden_units": 100,
            "learning_rate": [0.0005, 0.001, 0.002, 0.003],
            "epochs": 600,
            "validation_size": 200,
            "halving": {"epochs": [200, 400], "keep": "1/2"},
        }
    ],
    "checkpoint_seconds": 0.2,
}
#: needs all other files of the search
LAST_OF_SEARCH = "results/halving/search/0/digits/final/slot_0_seed_0.h5"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)


@pytest.fixture(scope="session")
def cluster(shared: Path) -> Iterator[None]:
    """A cluster; the first worker starts it and the last worker stops it."""
    users = shared / "users-of-the-cluster"
    users.mkdir(exist_ok=True)
    me = users / str(os.getpid())
    with locked(shared / "cluster.lock"):
        if not list(users.iterdir()):
            try:
                start_cluster()
            except NoCluster as reason:
                refuse = pytest.fail if os.environ.get("HANDGRAD_REQUIRE_SLURM") == "1" else pytest.skip
                refuse(f"no SLURM cluster: {reason}")
        me.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(SLURM_CONF))
        yield
    with locked(shared / "cluster.lock"):
        me.unlink()
        if not list(users.iterdir()):
            stop_cluster()


@pytest.fixture
def local(shared: Path) -> Project:
    """A project that has trained the runs of LONG, MANY and SEARCH on this machine, without the cluster."""

    def train(project: Project) -> None:
        project.train(LONG)
        project.train(MANY)
        project.run(SEARCH, LAST_OF_SEARCH)

    return made_once(shared, "local", train)


@pytest.fixture
def long_runs(local: Project) -> dict[str, str]:
    """The content_sha256 of each run of LONG by its path, the longest run first."""
    contents = local.contents()
    sizes = LONG["experiments"][0]["hidden_units"]
    return {run: contents[run] for size in sizes for run in contents if f"_hu_{size}_" in run}


@pytest.fixture
def run(long_runs: dict[str, str]) -> str:
    """The path of the longest run."""
    return next(iter(long_runs))


@pytest.fixture
def project(cluster: None, tmp_path: Path) -> Iterator[ClusterProject]:
    """A fresh copy of the repository, for the quick experiment."""
    project = ClusterProject(copy_repository(tmp_path / "project").path, QUICK)
    yield project
    project.end()


@pytest.fixture
def untrained(cluster: None, local: Project, tmp_path: Path) -> Iterator[ClusterProject]:
    """A project with data and checks, in which only the runs of LONG, MANY and SEARCH are left to train."""
    to = tmp_path / "project"
    shutil.copytree(local.path, to, ignore=shutil.ignore_patterns("runs", "checkpoints", "logs", "halving"))
    project = ClusterProject(to, f"config/{LONG['name']}.yaml")
    yield project
    project.end()


@pytest.fixture
def search(untrained: ClusterProject) -> ClusterProject:
    """The project ``untrained``, for SEARCH."""
    return replace(untrained, config=f"config/{SEARCH['name']}.yaml")
