"""``handgrad plan`` and Snakemake agree about the jobs."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


def plan(project: Project, config: dict[str, Any], *arguments: str) -> str:
    """Return the output of ``handgrad plan``."""
    done = project.handgrad("plan", project.write_config(config), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_plan_counts_the_jobs_that_snakemake_would_run(finished: Project, tiny: Tiny) -> None:
    assert "nothing to be done" in plan(finished, tiny())
    text = plan(finished, tiny(axes={"learning_rate": [0.001, 0.002, 0.003], "epochs": [1, 3]}))
    assert re.search(r"^runs +4 +2 .* 2 from checkpoints$", text, re.MULTILINE)
    assert re.search(r"^gates +0 +1 ", text, re.MULTILINE)
    assert re.search(r"^gradient checks +0 +1 ", text, re.MULTILINE)
    assert "4 runs estimated by 2 earlier runs" in text


@pytest.mark.slow
def test_the_plan_of_a_new_experiment_counts_every_job(project: Project, tiny: Tiny) -> None:
    text = plan(project, tiny(), "--profile", "profiles/slurm")
    assert re.search(r"^datasets +1 +0 ", text, re.MULTILINE)
    assert re.search(r"^runs +2 +0 ", text, re.MULTILINE)
    assert "2 runs estimated by operation counts" in text
    assert "profiles/slurm" in text
    assert not (project.path / "results").exists()


SEARCH = {"validation_size": 300, "epochs": 3, "halving": {"epochs": [1, 2]}, "finalists": {"count": 1, "seeds": [1]}}


@pytest.mark.slow
@pytest.mark.parametrize("axes", [{}, SEARCH], ids=["runs", "search"])
def test_the_plan_names_the_log_of_every_job(project: Project, tiny: Tiny, axes: dict[str, Any]) -> None:
    config = project.write_config(tiny(axes=axes, published={"table": None}))
    dry = project.snakemake("-n", "--configfile", config).stdout
    planned = json.loads(project.handgrad("plan", config, "--json").stdout)["steps"]
    assert {step["log"] for step in planned} == set(re.findall(r"^ +log: (\S+)$", dry, re.MULTILINE))
    assert len(planned) > 15
