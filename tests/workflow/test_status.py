"""``handgrad status`` during and after a run of the workflow."""

import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project
from .test_resume import terminal

pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]


def status(project: Project, config: dict[str, Any]) -> str:
    """Return the output of ``handgrad status``."""
    done = project.handgrad("status", project.write_config(config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_status_shows_a_running_run_and_then_a_stopped_run(project: Project, tiny: Tiny) -> None:
    axes = {"hidden_units": 200, "batch_size": 2, "epochs": 5000, "learning_rate": 0.003}
    config = tiny(axes=axes)
    progress = project.path / "results/logs/train_run/digits"
    shown = terminal(project, config)
    shown.run(until=lambda _: any('"epoch": 2' in path.read_text() for path in progress.glob("*.jsonl")))
    text = status(project, config)
    assert re.search(r"^datasets +1 ", text, re.MULTILINE)
    assert re.search(r"train_run digits/af_tanh_hu_200_\S+: epoch \d+ of 5000, \d+ \w+", text)
    assert re.search(r"process \d+", text)
    assert re.search(r"About \d+ \w+.* left, with 1 job at once", text)
    shown.type(b"\x03")
    shown.run()
    text = status(project, config)
    assert re.search(r"stopped\n +train_run digits/af_tanh_hu_200_\S+: stopped by SIGINT after epoch", text)
    assert not re.search(r"process \d+", text)


def test_tables_wait_if_the_runs_behind_them_were_deleted(finished: Project, tiny: Tiny) -> None:
    shutil.rmtree(finished.path / "results/runs")
    # only the table of checks needs no run
    assert re.search(r"^tables, figures, page +1 +10$", status(finished, tiny()), re.MULTILINE)
