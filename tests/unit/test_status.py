"""Where the steps of an experiment stand, by their files, their logs and what is at work."""

from collections.abc import Callable
from pathlib import Path

import pytest
from job_log_files import at, epoch, log

from handgrad.monitor.estimates import Estimate
from handgrad.monitor.jobs import Step
from handgrad.monitor.running import LOGS, slurm_logs
from handgrad.monitor.slurm import Job
from handgrad.monitor.status import MOST_ROWS, Status, status_rows, status_table, statuses, time_left


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Status]:
    """The status of a run whose log has some lines."""
    monkeypatch.chdir(tmp_path)

    def found(
        *lines: str,
        there: bool = False,
        pending: bool = True,
        alive: bool = False,
        began: float | None = None,
    ) -> Status:
        step = Step("train_run", "digits/a", ("made.h5",), pending=pending, there=there)
        if lines:
            log(step.log, *lines)
        return statuses([step], {step.log} if alive else set(), began=began, now=at(2.5))[0]

    return found


ERROR = "2026-11-25 12:00:03,000 ERROR no room on the disk"
DONE = "2026-11-25 12:00:03,000 INFO done in 3.0 s"
STOPPED = "2026-11-25 12:00:03,000 WARNING stopped by SIGTERM after epoch 3; the next goes on from x"


def test_what_is_there_and_up_to_date_is_done(state: Callable[..., Status]) -> None:
    assert state(DONE, there=True, pending=False).state == "done"
    assert state(DONE, there=True, pending=True).state == "waiting"  # out of date
    assert state(DONE).state == "waiting"  # somebody has deleted it
    assert state().state == "waiting"


def test_what_was_made_since_snakemake_was_asked_is_done(state: Callable[..., Status], tmp_path: Path) -> None:
    (tmp_path / "made.h5").touch()
    assert state(DONE).state == "done"


def test_what_is_at_work_tells_its_epoch_and_the_time_left(state: Callable[..., Status]) -> None:
    running = state(epoch(5, 30, 2), alive=True)
    assert (running.state, running.text, running.left) == ("running", "epoch 5 of 20, 30 s left", 30)
    assert state("2026-11-25 12:00:00,000 INFO digits", alive=True).text == "at work"


def test_what_failed_tells_the_last_line_of_its_log(state: Callable[..., Status]) -> None:
    failed = state(epoch(5, 30), ERROR)
    assert (failed.state, failed.text) == ("failed", "no room on the disk")


def test_a_failed_download_tells_what_the_first_mirror_said(state: Callable[..., Status]) -> None:
    lines = (
        "x.gz: is not there, and no mirror had it:",
        "  https://a/x.gz: HTTP 404",
        "  https://b/x.gz: gone",
    )
    first, *rest = lines
    failed = state(epoch(5, 30), f"2026-11-25 12:00:03,000 ERROR {first}", *rest)
    assert (failed.state, failed.text) == ("failed", f"{first} https://a/x.gz: HTTP 404")


def test_what_continues_a_message_that_is_whole_is_not_told(state: Callable[..., Status]) -> None:
    assert state(ERROR, "Traceback (most recent call last):").text == "no room on the disk"


def test_what_was_killed_tells_where_it_was(state: Callable[..., Status]) -> None:
    killed = state(epoch(5, 30))
    assert killed.state == "failed"
    assert "was killed" in killed.text
    assert "epoch 5 of 20" in killed.text


def test_what_was_stopped_has_not_failed(state: Callable[..., Status]) -> None:
    assert state(STOPPED).state == "stopped"
    interrupted = "2026-11-25 12:00:03,000 WARNING interrupted; nothing of this job was kept"
    assert state(interrupted).state == "stopped"


def test_what_failed_before_is_waiting_once_snakemake_is_at_it_again(state: Callable[..., Status]) -> None:
    assert state(ERROR, began=at(60)).state == "waiting"
    assert state(ERROR, began=at(0)).state == "failed"


def steps(number: int) -> list[Step]:
    return [Step("train_run", f"digits/{n}", (), pending=True, there=False) for n in range(number)]


def test_the_table_counts_each_part() -> None:
    a, b, c = steps(3)
    found = [Status(a, "done"), Status(b, "running"), Status(c, "waiting")]
    gate = Step("check_gate", "digits_tanh", (), pending=False, there=True)
    assert [line.split() for line in status_table([*found, Status(gate, "done")])] == [
        ["done", "running", "waiting"],
        ["gates", "1", "-", "-"],
        ["runs", "1", "1", "1"],
    ]


def test_of_many_failures_the_first_are_told() -> None:
    rows = status_rows([Status(step, "failed", "why") for step in steps(100)], "failed")
    assert len(rows) == 2 * MOST_ROWS + 1
    assert rows[:2] == ["  train_run digits/0: why", "    log: results/logs/train_run/digits/0.log"]
    assert rows[-1] == f"  and {100 - MOST_ROWS} more"


def test_the_log_of_what_has_not_failed_is_not_named() -> None:
    rows = status_rows([Status(step, "stopped", "why") for step in steps(2)], "stopped")
    assert rows == ["  train_run digits/0: why", "  train_run digits/1: why"]


def test_the_time_left_counts_what_runs_and_what_waits() -> None:
    a, b, c = steps(3)
    found = [Status(a, "running", left=10.0), Status(b, "waiting"), Status(c, "done")]
    guessed = {step: Estimate(step, 30.0) for step in (a, b)}
    assert time_left(found, guessed) == "about 40 s left, with 1 job at once as now"


def test_on_slurm_the_steps_of_a_job_are_those_that_its_log_names(tmp_path: Path) -> None:
    said = tmp_path / ".snakemake/slurm_logs/7.log"
    said.parent.mkdir(parents=True)
    logs = [LOGS / f"train_run/digits/{name}.log" for name in "abc"]
    said.write_text("rule train_run:\n" + "".join(f"    log: {path}\n" for path in logs))
    log(tmp_path / logs[0], epoch(5, 30))
    log(tmp_path / logs[1], DONE)  # and the third has not begun
    assert [*slurm_logs(tmp_path, [Job("7", "RUNNING", "handgrad:train_digits", "x")])] == [logs[0]]
    assert [*slurm_logs(tmp_path, [Job("8", "RUNNING", "handgrad:train_digits", "x")])] == []
