"""What a plan says is what Snakemake does."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


def plan(project: Project, config: dict[str, Any], *arguments: str) -> str:
    """What ``handgrad plan`` prints; its status must be 0."""
    done = project.handgrad("plan", project.write_config(config), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def counts(text: str, part: str) -> tuple[int, int]:
    """To do, and done, of a part."""
    found = re.search(rf"^{part} +(\d+) +(\d+)", text, re.MULTILINE)
    assert found, text
    return int(found[1]), int(found[2])


@pytest.mark.slow
def test_the_plan_is_what_snakemake_would_do(finished: Project, tiny: Tiny) -> None:
    assert "nothing to be done" in plan(finished, tiny())
    more = tiny(axes={"learning_rate": [0.001, 0.002, 0.003]})
    text = plan(finished, more)
    assert counts(text, "runs") == (1, 2)
    assert counts(text, "gates") == (0, 1)
    assert counts(text, "gradient checks") == (0, 1)
    assert "1 run estimated by 2 earlier runs" in text
    longer = plan(finished, tiny(axes={"epochs": 3}))
    assert counts(longer, "runs") == (2, 0)
    assert "2 from checkpoints" in longer


def test_a_plan_before_anything_knows_every_step(project: Project, tiny: Tiny) -> None:
    text = plan(project, tiny(), "--profile", "profiles/slurm")
    assert counts(text, "datasets") == (1, 0)
    assert counts(text, "runs") == (2, 0)
    assert "2 runs estimated by operation counts" in text
    assert "profiles/slurm" in text
    assert not (project.path / "results").exists()


@pytest.mark.slow
def test_logs_and_benchmarks_are_where_steps_say(project: Project, tiny: Tiny) -> None:
    config = project.write_config(tiny(published={"table": None}))
    dry = project.snakemake("-n", "--configfile", config).stdout
    code = (
        "import sys; sys.path.insert(0, 'scripts'); from pathlib import Path; "
        "from handgrad.monitor.jobs import steps_of; "
        f"[print(step.log, step.benchmark) for step in steps_of(Path({config!r}))]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.path,
        env=project.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told = set(done.stdout.split())
    assert told == set(re.findall(r"^ +(?:log|benchmark): (\S+)$", dry, re.MULTILINE))
    assert len(told) > 30


@pytest.mark.parametrize("arguments", [["--cores", "none"], ["--profile", "nowhere"]])
def test_a_plan_that_cannot_be_made_says_why(arguments: list[str], project: Project, tiny: Tiny) -> None:
    done = project.handgrad("plan", project.write_config(tiny()), *arguments)
    assert done.returncode != 0
    assert arguments[1] in done.stderr
    assert "Traceback" not in done.stderr
