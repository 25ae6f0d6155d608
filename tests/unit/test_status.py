"""The state of each job, from its outputs, its progress file and the running processes."""

from pathlib import Path
from typing import Any

import pytest

from factories import epoch_event, started_event, write_progress
from handgrad.layout.jobs import Job
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.planned_jobs import PlannedJob
from handgrad.monitor.status import MAX_ROWS, Status, status_rows, status_table, statuses, time_left

JOB = Job("train_run", "digits/a", ("made.h5",))
FAILED, STOPPED, FINISHED = (
    {"event": event, "time": 30, "message": "x.gz: no mirror had it:\n  a: gone"}
    for event in ("failed", "stopped", "finished")
)
EPOCH = epoch_event(5, 10.0, time=2)
HERE = started_event()


def status(*events: dict[str, Any], began: float | None = None, **planned: Any) -> Status:
    """Return the status of a job with these events, at time 4 s, while SLURM job 7 is in the queue."""
    if events:
        write_progress(JOB.log, *events)
    (found,) = statuses([PlannedJob(JOB, **planned)], ["7"], began=began, now=4)
    return found


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("events", "facts", "state", "text"),
    [
        ([], {}, "waiting", ""),
        ([FINISHED], {"outputs_exist": True, "pending": False}, "done", ""),
        ([FINISHED], {"outputs_exist": True}, "waiting", ""),  # out of date
        ([FINISHED], {}, "waiting", ""),  # its output was deleted
        ([EPOCH | {"slurm_job": "7"}], {}, "running", "epoch 5 of 20, 28 s left"),
        ([HERE], {}, "running", "running"),
        ([EPOCH, FAILED], {}, "failed", "x.gz: no mirror had it: a: gone"),
        ([EPOCH, FAILED], {"began": 20}, "failed", "x.gz: no mirror had it: a: gone"),
        ([EPOCH, FAILED], {"began": 60}, "waiting", ""),  # a retry will follow
        ([EPOCH, STOPPED], {}, "stopped", "x.gz: no mirror had it: a: gone"),
        ([EPOCH], {}, "failed", "was killed, or its machine has failed after epoch 5 of 20"),
    ],
)
def test_the_state_of_a_job(events: list[dict[str, Any]], facts: dict[str, Any], state: str, text: str) -> None:
    found = status(*events, **facts)
    assert (found.state, found.text) == (state, text)


def test_what_was_made_since_snakemake_was_asked_is_done() -> None:
    Path("made.h5").touch()
    assert status(FINISHED).state == "done"


@pytest.mark.parametrize(
    ("facts", "runs"),
    [
        ({}, True),
        ({"time": 0}, False),  # from an earlier process with the same id
        ({"pid": 2**31 - 1}, False),
        ({"host": "elsewhere"}, False),
        ({"host": "elsewhere", "slurm_job": "7"}, True),
        ({"slurm_job": "8"}, False),
        ({"event": "failed"}, False),
    ],
    ids=str,
)
def test_a_job_runs_while_its_process_or_its_slurm_job_does(facts: dict[str, Any], runs: bool) -> None:
    assert (status({**HERE, **facts}).state == "running") == runs


def jobs(number: int) -> list[Job]:
    return [Job("train_run", f"digits/{n}") for n in range(number)]


def test_the_table_counts_each_part() -> None:
    found = [Status(job, state) for job, state in zip(jobs(3), ("done", "running", "waiting"), strict=True)]
    gate = Status(Job("check_gate", "digits_tanh"), "done")
    assert [line.split() for line in status_table([*found, gate])] == [
        ["done", "running", "waiting"],
        ["gates", "1", "-", "-"],
        ["runs", "1", "1", "1"],
    ]


def test_of_many_failures_the_first_are_listed_with_their_logs() -> None:
    rows = status_rows([Status(job, "failed", "why") for job in jobs(100)], "failed")
    assert len(rows) == 2 * MAX_ROWS + 1
    assert rows[:2] == ["  train_run digits/0: why", "    log: results/logs/train_run/digits/0.log"]
    assert rows[-1] == f"  and {100 - MAX_ROWS} more"


def test_the_time_left_counts_what_runs_and_what_waits() -> None:
    a, b, c = jobs(3)
    found = [Status(a, "running", seconds_left=10.0), Status(b, "waiting"), Status(c, "done")]
    assert "40 s left, with 1 job" in time_left(found, {job: Estimate(job, 30.0) for job in (a, b)})
