"""The output of a running workflow at a terminal."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Project
from .terminal import Terminal
from .test_gate import ACTIVATIONS

pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]

#: epochs long enough for the display to show them
LONG = {"hidden_units": 200, "batch_size": 2, "epochs": 30}
DATA = "results/data/digits.h5"


def terminal(project: Project, config: dict[str, Any], *arguments: str, **size: int) -> Terminal:
    command = project.command(*arguments, "--configfile", project.write_config(config))
    return Terminal(command, cwd=project.path, env=project.environment, **size)


def test_the_display_shows_steps_epochs_and_remaining_time(project: Project, tiny: Tiny) -> None:
    shown = terminal(project, tiny(axes=LONG), "--until", "train_run")
    assert shown.run() == 0
    live = [frame for frame in shown.frames if "epoch" in frame]
    epochs = [set(re.findall(r"epoch (\d+) of 30, .+ left", frame)) for frame in live]
    assert (
        any(len(both) == 2 for both in epochs) or len(set.union(*epochs)) > 3
    )  # both runs in one frame, or one run over several frames
    assert any(re.search(r"2 of 4 steps done, about .+ left", frame) for frame in live)
    assert "train_run digits/af_tanh_hu_200_lr_0.001_bs_2_ep_30_l2_0.01_seed_0: done in" in shown.text
    assert "steps done" not in shown.text  # the live display disappears at the end
    assert "Complete log(s)" in shown.text
    assert not shown.screen.cursor.hidden


def test_the_error_of_a_failed_job_stays_on_the_screen(project: Project, tiny: Tiny) -> None:
    project.edit(ACTIVATIONS, "return 1 - np.tanh(A) ** 2", "return 1 - np.tanh(A)")
    shown = terminal(project, tiny(), "--until", "check_gate", columns=400)
    assert shown.run() == 1
    assert "gradient check of tanh on digits failed at W1" in shown.text
    assert "Error in rule check_gate" in shown.text
    assert "steps done" not in shown.text


def test_ctrl_c_saves_a_checkpoint_and_reports_it(project: Project, tiny: Tiny) -> None:
    shown = terminal(project, tiny(axes={**LONG, "epochs": 5000}), "--until", "train_run", columns=400)
    assert shown.run(until=lambda frame: " of 5000, " in frame) is None
    shown.type(b"\x03")
    assert shown.run() == 1
    assert "stopped by SIGINT after epoch" in shown.text
    assert "the next snakemake continues from results/checkpoints/digits/" in shown.text
    assert not shown.screen.cursor.hidden


@pytest.mark.parametrize("quiet", [["--quiet", "all"], ["-n"]], ids=" ".join)
def test_quiet_calls_and_dry_runs_have_no_live_display(quiet: list[str], project: Project, tiny: Tiny) -> None:
    shown = terminal(project, tiny(), DATA, *quiet)
    assert shown.run() == 0
    assert "steps done" not in "".join(shown.frames)


def test_without_a_terminal_snakemake_prints_its_usual_output(project: Project, tiny: Tiny) -> None:
    output = project.run(tiny(), DATA)
    assert "\x1b" not in output
    assert "rule preprocess_dataset:" in output
    assert "Finished jobid" in output
