"""What make stale and make prune take away is missed by nothing."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project

Tiny = Callable[..., dict[str, Any]]


def prune(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.handgrad("prune", *arguments)


def files(project: Project) -> set[str]:
    return set(project.times("results/**/*"))


@pytest.mark.slow
def test_nothing_is_planned_anew_after_pruning(finished: Project, tiny: Tiny) -> None:
    before = files(finished)
    kept = finished.write_config(tiny())
    other = tiny("other", axes={"learning_rate": [0.002, 0.003], "activation": "cos"})
    finished.run(other)
    (finished.path / "results/notes.txt").write_text("mine")
    both = [kept, finished.write_config(other)]
    assert "Nothing is stale." in prune(finished, "--dry-run", *both).stdout

    refused = prune(finished, kept)
    assert refused.returncode == 1
    assert refused.stderr.startswith("there is no terminal to ask on, so nothing was removed")
    assert len(refused.stderr.splitlines()) == 1
    done = prune(finished, "--yes", kept)
    assert done.returncode == 0, done.stderr
    assert files(finished) == {*before, "results/notes.txt"}
    assert not (finished.path / "results/other").exists()
    assert "Nothing to be done" in finished.run(tiny())


@pytest.mark.slow
def test_more_epochs_go_on_from_the_checkpoint_that_pruning_left(finished: Project, tiny: Tiny) -> None:
    longer = tiny(axes={"epochs": 3})
    assert prune(finished, "--yes", finished.write_config(longer)).returncode == 0
    assert not finished.times("results/runs/**/*.h5")
    finished.train(longer)
    logs = [path.read_text() for path in (finished.path / "results/logs/train_run").rglob("*.log")]
    assert len(logs) == 2
    assert all("resumes after epoch 1 of " in log for log in logs)


def test_a_mistake_in_a_file_keeps_everything(finished: Project, tiny: Tiny) -> None:
    before = files(finished)
    wrong = finished.write_config(tiny("wrong", axes={"activation": "tahn"}))
    done = prune(finished, "--yes", finished.write_config(tiny()), wrong)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{wrong}: experiments[0].activation: found 'tahn', expected one of ")
    assert files(finished) == before


def test_without_a_file_nothing_is_listed(finished: Project) -> None:
    done = prune(finished)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing argument 'FILE...'" in done.stderr
