"""How far a workflow is: from events and from the ends of logs."""

import io
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from job_log_files import NOON, at, epoch, log

from handgrad.monitor.display import MOST_ROWS, PlainDisplay
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.events import NotShown, ProgressEvents, follow, step_of_log
from handgrad.monitor.job_logs import END, last_lines, position
from handgrad.monitor.jobs import Step
from handgrad.monitor.progress import Key, Progress, View


def test_the_last_epoch_of_a_log_tells_how_far_it_is(tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", f"{NOON},000 INFO digits", epoch(1, 19), epoch(2, 18, 2))
    where = position(last_lines(path))
    assert where is not None
    assert (where.epoch, where.epochs, where.left) == (2, 20, 18)
    assert where.left_at(at(2.5)) == 18
    assert where.left_at(at(7.5)) == 13
    assert where.left_at(at(70)) == 0


def test_a_resumed_run_is_where_its_checkpoint_is(tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", f"{NOON},000 INFO resumes after epoch 12 and 300 examples of the next of x")
    where = position(last_lines(path))
    assert where is not None
    assert (where.epoch, where.left) == (12, None)


def test_only_a_line_without_a_date_continues_the_one_above(tmp_path: Path) -> None:
    lines = (f"{NOON},000 INFO reads:", f"{NOON},000 ERROR no mirror had it:", "  a: HTTP 404", "  b: gone")
    reads, failed = last_lines(log(tmp_path / "a.log", *lines))
    assert reads.message == "reads:"
    assert failed.message == "no mirror had it: a: HTTP 404"
    (alone,) = last_lines(log(tmp_path / "b.log", lines[1]))
    assert alone.message == "no mirror had it:"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", *(epoch(n % 20, 5) for n in range(2000)), epoch(20, 0))
    lines = last_lines(path)
    assert sum(len(line.text) for line in lines) < END
    where = position(lines)
    assert where is not None
    assert where.epoch == 20


@pytest.mark.parametrize("text", ["", "no line of ours\n", "2026-11-25 12:00:00,000 INFO epoch x of y"])
def test_a_log_that_says_nothing_is_no_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(text)
    assert position(last_lines(tmp_path / "a.log")) is None
    assert last_lines(tmp_path / "none.log") == []


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def planned(jobs: Iterable[tuple[str, str, float]]) -> dict[Key, Estimate]:
    steps = {(rule, name): (Step(rule, name, (), pending=True, there=False), s) for rule, name, s in jobs}
    return {key: Estimate(step, seconds, room=1000) for key, (step, seconds) in steps.items()}


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Three runs of 20 s on two cores."""
    monkeypatch.chdir(tmp_path)
    return Progress(planned(("train_run", f"d/{name}", 20.0) for name in "abc"), 2, Clock(at(0)))


def test_time_left_is_that_of_what_runs_and_of_what_is_to_come(three: Progress) -> None:
    assert three.left(View([])) == 40
    three.begin(("train_run", "d/a"))
    three.begin(("train_run", "d/b"))
    log(Path("results/logs/train_run/d/a.log"), epoch(10, 9, 11))
    three.clock = Clock(at(11.5))
    view = three.look()
    assert [row.text for row in view.running] == ["epoch 10 of 20, 9 s left", "12 s so far"]
    assert view.running[0].done == 0.5
    assert three.left(View([])) == 20  # of c alone
    assert three.left(view) == pytest.approx(8.5 + 20.5)  # c follows b, and takes as long as a


def test_a_run_whose_end_is_in_sight_corrects_the_guess_for_those_to_come(three: Progress) -> None:
    three.begin(("train_run", "d/a"))
    log(Path("results/logs/train_run/d/a.log"), epoch(10, 3, 3))
    three.clock = Clock(at(3.5))
    assert three.left(three.look()) == pytest.approx(3 + 6.5)  # a takes 6.5 s where 20 were guessed


def test_runs_that_have_ended_correct_the_guess_for_those_to_come(three: Progress) -> None:
    three.begin(("train_run", "d/a"))
    three.clock = Clock(at(60))
    assert three.finish(("train_run", "d/a")) == 60
    assert three.left(View([])) == 60  # two of three times 20 s, side by side


def test_the_log_of_an_earlier_attempt_is_not_that_of_this_one(three: Progress) -> None:
    log(Path("results/logs/train_run/d/a.log"), epoch(19, 1))
    three.clock = Clock(at(100))
    three.begin(("train_run", "d/a"))
    assert three.look().running[0].text == "0 s so far"


def test_on_a_cluster_a_job_runs_from_its_logs_first_line_to_its_last(three: Progress) -> None:
    three.workers = None
    for name in "abc":
        three.begin(("train_run", f"d/{name}"))
    log(Path("results/logs/train_run/d/a.log"), epoch(10, 8))
    log(Path("results/logs/train_run/d/b.log"), epoch(20, 0), "2026-11-25 12:00:00,900 INFO done in 9.0 s")
    view = three.look()
    assert [row.key[1] for row in view.running] == ["d/a"]
    assert three.headline(view) == "1 of 3 steps done, 1 submitted, about 28 s left"
    assert three.share(view) == pytest.approx(0.5)


def test_a_download_is_as_far_as_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    key = ("download_file", "d/f.gz")
    progress = Progress(planned([(*key, 1.0)]), 2, Clock())
    progress.begin(key)
    assert progress.look().running[0].text == "asking for it"
    (tmp_path / "resources/d").mkdir(parents=True)
    (tmp_path / "resources/d/.f.gz.abcdefgh.part").write_bytes(bytes(250))
    progress.clock = Clock(5.0)
    row = progress.look().running[0]
    assert row.done == 0.25
    assert row.text == "250 bytes of 1.0 kB, 50 bytes/s, 15 s left"


def record(event: str, **facts: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.INFO, __file__, 0, "", (), None)
    vars(made).update(event=SimpleNamespace(value=event), **facts)
    return made


class Said:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stopped = False

    def say(self, line: str) -> None:
        self.lines.append(line)

    def stop(self) -> None:
        self.stopped = True


def test_events_of_snakemake_keep_the_count(three: Progress) -> None:
    said = Said()
    events = ProgressEvents(three, said)
    for job, name in enumerate("abc"):
        events.handle(record("job_info", jobid=job, log=[f"results/logs/train_run/d/{name}.log"]))
    events.handle(record("job_finished", job_id=0))
    events.handle(record("job_error", jobid=1))
    events.handle(record("group_error", job_error_info=[{"jobid": 2}]))
    events.handle(record("job_finished", job_id=99))  # of a rule without a log
    assert three.headline(View([])) == "1 of 3 steps done, 2 failed, about 0 s left"
    assert said.lines == ["train_run d/a: done in 0.0 s"]
    events.handle(record("job_info", jobid=1, log=["results/logs/train_run/d/b.log"]))  # tried again
    assert three.failed == {("train_run", "d/c")}
    events.close()
    assert said.stopped


def test_what_cannot_be_taken_in_ends_nothing(
    three: Progress, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ProgressEvents(three, Said()).handle(record("job_info", jobid=1, log=["elsewhere.log"]))
    assert not three.begun
    ProgressEvents(three, Said()).handle(record("job_info", jobid=1, log=[None]))
    assert "TypeError" in capsys.readouterr().err


def test_names_of_runs_and_of_files_are_kept_whole() -> None:
    step = step_of_log("results/logs/train_run/d/af_tanh_lr_0.001_seed_0.log")
    file = step_of_log("results/logs/download_file/d/x.gz.log")
    assert step
    assert file
    assert (step.rule, step.name) == ("train_run", "d/af_tanh_lr_0.001_seed_0")
    assert file.name == "d/x.gz"
    assert step_of_log("logs/of/another.log") is None  # of a rule that a user has added


def test_what_is_shown_live_is_not_printed_too_and_errors_are() -> None:
    shown = NotShown()
    assert not shown.filter(record("job_info"))
    assert not shown.filter(record("progress", done=1, total=2))
    assert shown.filter(record("progress", done=2, total=2))  # stays, when what was live is gone
    assert shown.filter(record("job_error"))
    assert shown.filter(logging.LogRecord("snakemake", logging.INFO, "", 0, "a message", (), None))


def test_what_cannot_be_shown_is_said_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("like snakemake")
    printer = logging.NullHandler()
    printer.name = "DefaultStreamHandler"
    logger.addHandler(printer)
    follow(logger, [], SimpleNamespace(), 2)  # type: ignore[arg-type]
    assert "How far it is cannot be shown" in caplog.text
    assert logger.handlers == [printer]


class Stream(io.StringIO):
    """A stream that tells when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def flush(self) -> None:
        self.written.set()


def test_where_there_is_no_terminal_lines_come_every_so_often(three: Progress) -> None:
    three.begin(("train_run", "d/a"))
    log(Path("results/logs/train_run/d/a.log"), epoch(10, 8, 11))
    three.clock = Clock(at(11.5))
    stream = Stream()
    display = PlainDisplay(three, stream, seconds=0.01)
    assert stream.written.wait(30)
    display.stop()
    assert stream.getvalue().startswith(
        "Progress: 0 of 3 steps done, about 28 s left\n    train_run d/a: epoch 10 of 20, 8 s left\n"
    )


def test_a_hundred_jobs_are_not_a_hundred_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    progress = Progress(planned(("train_run", f"d/{n}", 1.0) for n in range(100)), 100)
    for key in progress.planned:
        progress.begin(key)
    display = PlainDisplay(progress, Stream())
    lines = display.lines()
    display.stop()
    assert len(lines) == MOST_ROWS + 2
    assert lines[-1] == f"    and {100 - MOST_ROWS} more"
