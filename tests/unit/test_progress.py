"""The progress of a workflow, from events and from the progress files of jobs."""

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import pytest

from factories import epoch_event, image_data, run_of, write_progress
from handgrad.common.atomic import partial_file
from handgrad.common.progress_file import ProgressFile, progress_path
from handgrad.layout.jobs import Job
from handgrad.monitor.display import PlainDisplay
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.events import ProgressEvents, follow, is_printed
from handgrad.monitor.job_progress import END, JobProgress, read_progress
from handgrad.monitor.progress import Progress
from handgrad.monitor.status import Status
from handgrad.storage.training_job import epoch_log
from handgrad.training.loop import first_state


def read(log: Path) -> JobProgress:
    progress = read_progress(log)
    assert progress
    return progress


def test_progress_is_read_as_it_was_written(tmp_path: Path) -> None:
    log = tmp_path / "a_lr_0.001.log"
    log.touch()
    file = ProgressFile(log)
    file.write("started", host="here", pid=7, slurm_job=None)
    for number in range(13, 300):
        file.write("epoch", epoch=number, epochs=300, resumed=12, seconds=2.0 * (number - 12), examples=100)
    assert progress_path(log).stat().st_size > END
    progress = read(log)
    assert (progress.host, progress.pid, progress.epoch, progress.ended) == ("here", 7, 299, False)
    file.write("failed", message="no room")
    assert (read(log).event, read(log).message, read(log).ended) == ("failed", "no room", True)
    ProgressFile(log).write("started")  # the next attempt
    file.write("failed", message="from a lost process of the first attempt")
    assert read(log).event == "started"
    log.unlink()  # Snakemake does this before it starts a job
    assert read_progress(log) is None
    file.close()


def test_the_run_of_a_job_is_read_after_many_epochs_too(tmp_path: Path) -> None:
    log, run = tmp_path / "a.log", run_of()
    log.touch()
    file = ProgressFile(log)
    file.write("started", host="here", pid=7, slurm_job=None)
    epoch_log(run, 300, 20, first_state(run, image_data()), file)
    for number in range(1, 300):
        file.write("epoch", epoch=number, epochs=300, resumed=0, seconds=2.0 * number, examples=100)
    file.close()
    assert read(log).run == vars(run)


@pytest.mark.parametrize("junk", [b"", b'{"event": "epo', b"[1]\n5\nnull\n", b"\xff\xfe\n"], ids=str)
def test_a_torn_line_is_skipped(junk: bytes, tmp_path: Path) -> None:
    log = write_progress(tmp_path / "a.log", epoch_event(3, 3.0))
    with progress_path(log).open("ab") as file:
        file.write(junk)
    assert read(log).epoch == 3
    progress_path(log).write_bytes(junk)
    assert read_progress(log) is None


def planned(jobs: Iterable[Job], seconds: float = 20.0) -> dict[Job, Estimate]:
    return {job: Estimate(job, seconds, disk=1000) for job in jobs}


A, B, C = (Job("train_run", f"d/{name}", run=run_of(seed=seed)) for seed, name in enumerate("abc"))


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Three runs of 20 s on two cores."""
    monkeypatch.chdir(tmp_path)
    return Progress(planned([A, B, C]), 2, lambda: 0.0)


def at(progress: Progress, now: float) -> list[Status]:
    progress.clock = lambda: now
    return progress.snapshot()


def test_time_left_is_that_of_what_runs_and_of_what_is_to_come(three: Progress) -> None:
    assert three.left([]) == 40
    three.begin(A)
    three.begin(B)
    write_progress(A.log, epoch_event(10, 9.0, time=11))
    view = at(three, 11.5)
    assert [one.text for one in view] == ["epoch 10 of 20, 8 s left", "12 s so far"]
    assert view[0].share == 0.5
    assert three.left([]) == 20  # only C is left
    assert three.left(view) == pytest.approx(8.5 + 20)  # C starts after B and takes 20 s


def test_runs_correct_the_estimate_for_those_to_come(three: Progress) -> None:
    three.begin(A)
    write_progress(A.log, epoch_event(10, 3.0, time=3))
    view = at(three, 3.5)
    assert three.left(view) == pytest.approx(2.5 + 6)  # A takes 6 s instead of the estimated 20 s
    at(three, 60)
    assert three.finish(A) == 60
    assert three.left([]) == 60  # B and C run in parallel and take 3 times 20 s each


def test_an_attempt_counts_only_the_epochs_that_it_computed(three: Progress) -> None:
    three.begin(A)
    write_progress(A.log, epoch_event(15, 6.0, resumed=12))
    view = at(three, 3)
    assert (view[0].seconds_left, view[0].share) == (7, 3 / 8)
    assert three.share(view) == pytest.approx(1 / 8)
    write_progress(A.log, epoch_event(12, 0.0, resumed=12))
    assert at(three, 3)[0].text == "continues after epoch 12 of 20"
    at(three, 100)
    three.begin(A)
    assert at(three, 100)[0].text == "0 s so far"


def test_on_a_cluster_a_job_runs_from_its_first_event_to_its_last(three: Progress) -> None:
    three.workers = None
    for job in (A, B, C):
        three.begin(job)
    write_progress(A.log, epoch_event(10, 8.0))
    write_progress(B.log, epoch_event(20, 9.0), {"event": "finished", "time": 9})
    view = at(three, 0)
    assert [one.state for one in view] == ["running", "done", "submitted"]
    assert three.headline(view) == "1 of 3 steps done, 1 submitted, about 28 s left"
    assert three.share(view) == pytest.approx(0.5)


@pytest.mark.parametrize(("before", "speed"), [(0, 50), (100, 30)])
def test_a_download_is_as_fast_as_what_this_attempt_received(
    before: int, speed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = Job("download_file", "d/f.gz", ("resources/d/f.gz",))
    progress = Progress(planned([job], 1.0), 2, lambda: 0.0)
    with partial_file(Path("resources/d/f.gz")) as (_, file):
        file.truncate(before)
        progress.begin(job)
        assert at(progress, 0)[0].text == "waiting for the server"
        file.truncate(250)
        (one,) = at(progress, 5)
    assert one.share == 0.25
    assert one.text == f"250 bytes of 1.0 kB, {speed} bytes/s, {750 // speed} s left"


def record(event: str, **facts: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.INFO, __file__, 0, "", (), None)
    vars(made).update(event=SimpleNamespace(value=event), **facts)
    return made


def test_events_of_snakemake_keep_the_count(three: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    events = ProgressEvents(three, {str(job.log): job for job in (A, B, C)})
    events.display.stop()
    events.display = display = Mock()
    for number, job in enumerate((A, B, C)):
        events.handle(record("job_info", jobid=number, log=[str(job.log)]))
    events.handle(record("job_finished", job_id=0))
    events.handle(record("job_error", jobid=1))
    events.handle(record("group_error", job_error_info=[{"jobid": 2}]))
    events.handle(record("job_finished", job_id=99))  # a job of a rule without a log
    events.handle(record("job_info", jobid=4, log=["of/a/users/rule.log"]))
    assert three.headline([]) == "1 of 3 steps done, 2 failed, about 0 s left"
    events.handle(record("job_info", jobid=1, log=[str(B.log)]))  # a retry
    assert three.failed == {C}
    events.handle(record("job_info"))  # an event of an unknown form is reported and ignored
    assert "KeyError" in capsys.readouterr().err
    events.close()
    assert [*display.mock_calls] == [call.say("train_run d/a: done in 0.0 s"), call.stop()]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (record("job_info"), False),
        (record("progress", done=1, total=2), False),
        (record("progress", done=2, total=2), True),  # the last count stays on the terminal
        (record("job_error"), True),
        (logging.LogRecord("snakemake", logging.INFO, "", 0, "a message", (), None), True),
    ],
)
def test_what_is_shown_live_is_not_printed_too(shown: logging.LogRecord, printed: bool) -> None:
    assert is_printed(shown) == printed


def test_a_progress_that_cannot_be_shown_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("like snakemake")
    logger.addHandler(printer := logging.StreamHandler())
    follow(logger, [], SimpleNamespace(), 2)  # type: ignore[arg-type]
    assert "Progress cannot be shown" in caplog.text
    assert logger.handlers == [printer]


def test_without_a_terminal_lines_come_again_and_again(three: Progress) -> None:
    three.begin(A)
    write_progress(A.log, epoch_event(10, 9.0, time=11))
    at(three, 11.5)
    written = threading.Event()
    stream = Mock(flush=written.set)
    display = PlainDisplay(three, stream, seconds=0.01)
    assert written.wait(30)
    display.stop()
    said = stream.write.call_args[0][0]
    assert said.startswith("Progress: 0 of 3 steps done, about 28 s left\n  train_run d/a: epoch 10 of 20")
