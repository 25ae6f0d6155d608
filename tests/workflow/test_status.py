"""`handgrad status` while the workflow is at work, and after it."""

import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project
from .test_gate import ACTIVATIONS
from .test_resume import started, wait_until

pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]


def status(project: Project, config: dict[str, Any]) -> str:
    """What ``handgrad status`` prints."""
    done = project.handgrad("status", project.write_config(config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_is_seen_at_work_and_then_stopped_and_then_done(finished: Project, tiny: Tiny) -> None:
    assert re.search(r"^runs +2$", status(finished, tiny()), re.MULTILINE)
    axes = {"hidden_units": 200, "batch_size": 2, "epochs": 5000, "learning_rate": 0.003}
    config = tiny(axes=axes)
    logs = finished.path / "results/logs/train_run/digits"
    with started(finished, config) as snakemake:
        wait_until(lambda: any("epoch 2 of" in path.read_text() for path in logs.glob("*5000*")))
        text = status(finished, config)
        assert re.search(r"train_run digits/af_tanh_hu_200_\S+: epoch \d+ of 5000, \d+ \w+", text)
        assert re.search(r"Snakemake is running here \(process \d+\)", text)
        assert re.search(r"About \d+ \w+.* left, with 1 job at once", text)
        os.killpg(snakemake.pid, signal.SIGINT)
        snakemake.wait()
    text = status(finished, config)
    assert re.search(r"stopped\n +train_run digits/af_tanh_hu_200_\S+: stopped by SIGINT after epoch", text)
    assert "No snakemake is seen running here." in text


def test_what_failed_tells_why(project: Project, tiny: Tiny) -> None:
    project.edit(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)")
    project.refuse(tiny())
    text = status(project, tiny())
    assert re.search(r"^gates +- +1", text, re.MULTILINE)
    assert "check_gate digits_tanh: gradient check of tanh on digits failed at W1" in text
    named = re.search(r"check_gate digits_tanh: .+\n    log: (\S+)\n", text)
    assert named is not None, text
    assert "failed at W1" in (project.path / named[1]).read_text()
    assert re.search(r"^runs +- +- +2$", text, re.MULTILINE)
