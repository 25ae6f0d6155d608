"""Killed, interrupted and extended runs resume from their checkpoints and end with the same content."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import Project, made_once, wait_until
from .terminal import Terminal

Tiny = Callable[..., dict[str, Any]]

LONG = {"hidden_units": 100, "learning_rate": 0.001, "batch_size": 20, "epochs": 1200}  # some seconds
RUN = "results/runs/digits/af_tanh_hu_100_lr_0.001_bs_20_ep_1200_l2_0.01_seed_0.h5"


@pytest.fixture
def whole(shared: Path, tiny: Tiny) -> str:
    """The content_sha256 of the long run, trained without interruption."""
    return made_once(shared, "whole", lambda project: project.train(tiny(axes=LONG))).contents()[RUN]


def terminal(project: Project, config: dict[str, Any]) -> Terminal:
    """Return a terminal in which snakemake starts to train."""
    command = project.command("--configfile", project.write_config(config), "--until", "train_run")
    return Terminal(command, cwd=project.path, env=project.environment)


def has_passed_50_epochs(project: Project) -> bool:
    return "epoch 50 of 1200" in project.log(RUN)


def kill_training(shown: Terminal, jobs: list[psutil.Process]) -> int | None:
    jobs[-1].kill()
    return shown.run()


def press_ctrl_c(shown: Terminal, _: list[psutil.Process]) -> int | None:
    shown.type(b"\x03")
    return shown.run()


def close_terminal(shown: Terminal, _: list[psutil.Process]) -> int | None:
    return shown.hang_up()


def send_sighup(shown: Terminal, _: list[psutil.Process]) -> int | None:
    os.kill(shown.pid, signal.SIGHUP)
    return shown.run()


@pytest.mark.slow
@pytest.mark.parametrize("interrupt", [kill_training, press_ctrl_c, close_terminal, send_sighup])
def test_an_interrupted_run_resumes_and_ends_with_the_same_content(
    finished: Project, whole: str, tiny: Tiny, interrupt: Callable[[Terminal, list[psutil.Process]], int | None]
) -> None:
    # a stop signal saves a checkpoint; after SIGKILL, only the last periodic checkpoint exists
    killed = interrupt is kill_training
    config, checkpoint = tiny(axes=LONG, checkpoint_seconds=0.1 if killed else 1000), finished.checkpoint(RUN)
    shown = terminal(finished, config)
    shown.run(until=lambda _: has_passed_50_epochs(finished) and (checkpoint.exists() or not killed))
    jobs = psutil.Process(shown.pid).children(recursive=True)
    assert interrupt(shown, jobs) == 1
    assert not any(job.is_running() for job in jobs)
    assert not list(finished.path.glob(".snakemake/locks/*"))
    assert checkpoint.exists()
    assert not (finished.path / RUN).exists()
    assert ("stopped by SIG" in finished.log(RUN)) != killed
    finished.train(config)
    (first, second) = finished.segments(RUN)
    assert (first[0], second[1]) == (1, 1200)
    assert second[0] > (10 if killed else 50)
    assert finished.contents()[RUN] == whole


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_a_killed_run_in_storage_resumes_and_keeps_its_content(
    finished: Project, whole: str, tiny: Tiny, tmp_path: Path
) -> None:
    stored, config = Project(tmp_path / "stored"), tiny(axes=LONG, checkpoint_seconds=0.1)
    options = ["--default-storage-provider", "fs", "--default-storage-prefix", str(stored.path)]
    command = finished.command("--configfile", finished.write_config(config), "--until", "train_run", *options)
    with subprocess.Popen(command, cwd=finished.path, env=finished.environment, stderr=subprocess.DEVNULL) as snakemake:
        wait_until(stored.checkpoint(RUN).exists)
        wait_until(finished.training_process).kill()
        assert snakemake.wait() == 1
    assert not stored.contents()
    finished.run(config, *options, "--until", "train_run")
    assert stored.contents() == {RUN: whole}
    assert [first for first, _ in stored.segments(RUN)] != [1]
    assert finished.plan(config, *options, "--until", "train_run") == {}
    finished.run(config, *options, "--until", "plot_confusion")  # it needs a file that another job left in storage
    assert list(stored.path.glob("results/*/figures/confusion/digits.svg"))


def name_of(epochs: int) -> str:
    return f"results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_{epochs}_l2_0.01_seed_0.h5"


def test_checkpoints_restore_a_deleted_run_and_save_earlier_epochs(finished: Project, tiny: Tiny) -> None:
    path = finished.path / name_of(1)
    before = path.read_bytes()
    path.unlink()
    finished.train(tiny(axes={"epochs": [1, 3], "learning_rate": 0.001}))
    assert path.read_bytes() == before
    assert "epoch 1 of 1" not in finished.log(name_of(1))
    assert finished.segments(name_of(3)) == [(1, 1), (2, 3)]
