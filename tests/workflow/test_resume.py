"""Runs that were killed, interrupted or extended go on from their checkpoints, and end as the same runs."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import Project, wait_until
from .terminal import Terminal

Tiny = Callable[..., dict[str, Any]]

RUN = "results/runs/digits/af_tanh_hu_100_lr_0.001_bs_20_ep_1000_l2_0.01_seed_0.h5"
LONG = {"hidden_units": 100, "learning_rate": 0.001, "batch_size": 20, "epochs": 1000}  # some seconds


def long_config(**keys: Any) -> dict[str, Any]:
    axes = {"dataset": "digits", "activation": "tanh", "l2": 0.01, "seed": 0, **LONG}
    check = {"hidden_units": 3, "examples": 2}
    return {"name": "long", "experiments": [axes], "gradient_check": check, **keys}


def has_passed_50_epochs(project: Project) -> bool:
    return "epoch 50 of 1000" in project.log(RUN)


@contextmanager
def started(project: Project, config: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A snakemake at work, in a process group of its own as a terminal gives it one."""
    with (project.path / "said").open("w") as said:
        process = subprocess.Popen(
            project.command("--configfile", project.write_config(config), "--until", "train_run"),
            cwd=project.path,
            env=project.environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for child in [*psutil.Process(process.pid).children(recursive=True), process]:
                child.kill()
            process.wait()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, _finished: Project) -> str:
    """content_sha256 of the long run, trained without an interruption."""
    path = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(_finished.path, path)
    project = Project(path)
    project.train({**long_config(), "name": "whole"})
    return project.contents()[RUN]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_killed_training_process_resumes_where_it_was(finished: Project, whole: str, number: signal.Signals) -> None:
    # a signal to stop saves by itself; SIGKILL leaves the last checkpoint that was written
    killed = number == signal.SIGKILL
    config = long_config(checkpoint_seconds=0.1 if killed else 1000)
    checkpoint = finished.checkpoint(RUN)
    with started(finished, config) as snakemake:
        process = wait_until(finished.training_process)
        wait_until(lambda: has_passed_50_epochs(finished) and (checkpoint.exists() or not killed))
        process.send_signal(number)
        assert snakemake.wait(60) != 0
    assert checkpoint.exists()
    assert not (finished.path / RUN).exists()
    if not killed:
        assert f"stopped by {number.name} after" in (finished.path / "said").read_text()
    finished.train(config)
    (first, second) = finished.segments(RUN)
    assert first[0] == 1
    assert second == (second[0], 1000)
    assert second[0] > 10
    assert "resumes after" in finished.log(RUN)
    assert finished.contents()[RUN] == whole


@pytest.mark.slow
def test_ctrl_c_saves_every_run_and_the_next_snakemake_goes_on(finished: Project, whole: str) -> None:
    config = long_config(checkpoint_seconds=1000)
    with started(finished, config) as snakemake:
        wait_until(lambda: has_passed_50_epochs(finished))
        os.killpg(snakemake.pid, signal.SIGINT)  # as a terminal does
        assert snakemake.wait(60) != 0
    assert finished.checkpoint(RUN).exists()
    finished.train(config)  # without unlocking
    assert finished.segments(RUN)[1][0] > 50
    assert finished.contents()[RUN] == whole


@pytest.mark.slow
@pytest.mark.parametrize("closed", [True, False], ids=["closed terminal", "kill -HUP"])
def test_a_closed_terminal_ends_all_in_order_and_the_next_goes_on(closed: bool, finished: Project, whole: str) -> None:
    config = long_config(checkpoint_seconds=1000)
    command = finished.command("--configfile", finished.write_config(config), "--until", "train_run")
    shown = Terminal(command, cwd=finished.path, env=finished.environment)
    assert shown.run(until=lambda _: has_passed_50_epochs(finished)) is None
    jobs = psutil.Process(shown.pid).children(recursive=True)
    if closed:
        assert shown.hang_up() == 1
    else:
        os.kill(shown.pid, signal.SIGHUP)
        assert shown.run() == 1
    assert jobs
    assert not any(job.is_running() for job in jobs)
    assert not list(finished.path.glob(".snakemake/locks/*"))
    assert "stopped by SIGHUP after" in finished.log(RUN)
    finished.train(config)
    assert finished.segments(RUN)[1][0] > 50
    assert finished.contents()[RUN] == whole


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_ends_nothing(finished: Project, whole: str) -> None:
    config = long_config(checkpoint_seconds=1000)
    command = finished.command("--configfile", finished.write_config(config), "--until", "train_run")
    shown = Terminal(["nohup", *command], cwd=finished.path, env=finished.environment)
    wait_until(lambda: has_passed_50_epochs(finished))
    assert shown.hang_up() == 0
    assert finished.segments(RUN) == [(1, 1000)]
    assert finished.contents()[RUN] == whole


def epochs_config(tiny: Tiny, epochs: int) -> dict[str, Any]:
    return tiny(axes={"epochs": epochs, "learning_rate": 0.001})


def name_of(epochs: int) -> str:
    return f"results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_{epochs}_l2_0.01_seed_0.h5"


def test_more_epochs_train_only_those_and_are_the_run_from_scratch(finished: Project, tiny: Tiny) -> None:
    finished.train(epochs_config(tiny, 3))
    assert finished.segments(name_of(3)) == [(1, 1), (2, 3)]  # one epoch was there already
    longer = finished.contents()[name_of(3)]
    shutil.rmtree(finished.path / "results/checkpoints")
    (finished.path / name_of(3)).unlink()
    finished.train(epochs_config(tiny, 3))
    assert finished.segments(name_of(3)) == [(1, 3)]
    assert finished.contents()[name_of(3)] == longer


def test_a_deleted_run_file_comes_back_without_training(finished: Project, tiny: Tiny) -> None:
    path = finished.path / name_of(1)
    before = path.read_bytes()
    path.unlink()
    finished.train(tiny())
    assert path.read_bytes() == before
    assert "epoch 1 of 1" not in finished.log(name_of(1))


@pytest.mark.slow
def test_runs_that_a_changed_check_starts_again_are_not_trained_again(finished: Project, tiny: Tiny) -> None:
    before = {path: path.read_bytes() for path in finished.path.glob("results/runs/**/*.h5")}
    finished.edit("scripts/handgrad/gradient_check/check.py", "\nimport time", "\nanother = 1\nimport time")
    assert re.search(r"^train_run +2$", finished.train(tiny()), re.MULTILINE)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_checkpoints_of_other_code_are_set_aside_and_runs_trained_again(finished: Project, tiny: Tiny) -> None:
    checkpoint = finished.checkpoint(name_of(1))
    old = checkpoint.read_bytes()
    finished.edit("scripts/handgrad/training/loop.py", "\nimport time", "\nanother = 1\nimport time")
    finished.train(tiny())
    log = finished.log(name_of(1))
    assert f"{checkpoint.name}: of other training code; set aside as " in log
    assert "epoch 1 of 1" in log
    assert Path(f"{checkpoint}.rejected").read_bytes() == old
    assert checkpoint.read_bytes() != old
