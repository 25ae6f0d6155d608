"""How a job ends: its exit status, its log, its progress file, and the line on the terminal."""

import errno
import logging
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from factories import RUN
from handgrad.common.code_digests import digested_rules
from handgrad.common.errors import HandgradError
from handgrad.common.logs import logger
from handgrad.common.system_errors import REFUSALS, system_message
from handgrad.monitor.job_progress import read_progress

SCRIPTS = Path(__file__).parents[2] / "scripts"

PROGRAM = """
import os, signal, sys
sys.path.insert(0, {scripts!r})
from handgrad.common.atomic import whole_file
from handgrad.common.sealed import sealed_file
from handgrad.common.errors import HandgradError
from handgrad.common.logs import job_log, logger
with job_log("job.log"):
    {work}
"""


@pytest.fixture
def _logging_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the logging of the process after a job has changed it."""
    root = logging.getLogger()
    for holder, name in ((root, "handlers"), (logging, "raiseExceptions")):
        monkeypatch.setattr(holder, name, getattr(holder, name))
    before, level = root.handlers, logger.level
    yield
    logger.setLevel(level)
    for handler in set(root.handlers) - set(before):
        handler.close()


def job(work: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new process as a job does."""
    program = PROGRAM.format(scripts=str(SCRIPTS), work=work.replace("\n", "\n    "))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def ending(folder: Path) -> tuple[str, str | None]:
    """Return the last event of a job and its message, from its progress file."""
    progress = read_progress(folder / "job.log")
    assert progress
    return progress.event, progress.message


@pytest.mark.parametrize("number", sorted(REFUSALS), ids=lambda number: errno.errorcode[number])
def test_what_the_system_refuses_is_one_line_with_the_file(number: int) -> None:
    blamed = HandgradError("one.h5: not a run file; delete it")
    blamed.__cause__ = OSError("file signature not found")
    assert system_message(blamed) is None  # the message of the reader is used
    error = OSError(number, os.strerror(number), "results/runs/mnist/.one.h5.x1y2z3w4.part")
    blamed.__cause__ = error
    line = f"results/runs/mnist/one.h5: {os.strerror(number)}; {REFUSALS[number]}; "
    assert all(str(system_message(it)).startswith(line) for it in (error, blamed))


FULL_DISK = """import numpy as np, resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with sealed_file('x.h5') as file: file['x'] = np.ones(100_000)"""


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("raise HandgradError('a.h5: not a run file; delete it')", "a.h5: not a run file; delete it"),
        ("with whole_file('results/x.h5') as part: raise OSError(28, 'No space left on device')", "No space left"),
        ("with open('/dev/full', 'w') as file: file.write('1')", "No space left on device"),
        (FULL_DISK, "x.h5: File too large; "),
        ("raise MemoryError('Unable to allocate 22.9 GiB for an array')", "22.9 GiB"),
        ("1 / 0", "ZeroDivisionError"),
    ],
    ids=["HandgradError", "written whole", "plain", "HDF5", "memory", "an error in the program"],
)
def test_a_job_that_fails_says_why_in_one_line(work: str, said: str, tmp_path: Path) -> None:
    done = job(work, tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in line
    text = (tmp_path / "job.log").read_text()
    assert line in text
    assert ("Traceback" in text) == (work == "1 / 0")
    assert ending(tmp_path) == ("failed", line)


@pytest.mark.parametrize("rule", digested_rules())
@pytest.mark.usefixtures("_logging_restored")
def test_a_job_with_other_code_than_planned_does_nothing(
    rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snakemake = MagicMock(log=[str(tmp_path / "job.log")])
    snakemake.params.code = "old"
    snakemake.params.run = vars(RUN)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPTS / f"{rule}.py"), {"snakemake": snakemake})
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(rf"the code of {rule} changed .*planned with old\); run snakemake again$", line)
    assert {path.name for path in tmp_path.iterdir()} == {"job.log", "job.jsonl"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_stopped_job_leaves_nothing_half_written(number: signal.Signals, tmp_path: Path) -> None:
    times = 1 if number == signal.SIGINT else 2  # a closed terminal may send SIGHUP twice
    work = f"with whole_file('out') as part:\n    for _ in range({times}): os.kill(os.getpid(), {int(number)})"
    done = job(work, tmp_path)
    assert done.returncode == 128 + number
    assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"job.log", "job.jsonl"}
    assert ending(tmp_path)[0] == "stopped"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_stops_no_job(tmp_path: Path) -> None:
    (tmp_path / "job.log").symlink_to("/dev/full")
    done = job("logger.info('one')\nlogger.warning('two')\nlogger.info('three')", tmp_path)
    assert done.returncode == 0
    warning, missing = done.stderr.splitlines()
    assert warning == "two"
    assert re.match(r"job\.log: .*No space left on device", missing)


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "job.log").mkdir()
    done = job("print('worked')", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("job.log: Is a directory; ")


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(tmp_path: Path) -> None:
    work = "os.kill(os.getpid(), signal.SIGHUP)\nprint('went on')"
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        done = job(work, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, previous)
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_what_the_terminal_cannot_encode_ends_no_job(tmp_path: Path) -> None:
    done = job("logger.warning('class \u4e2d')", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == "class \\u4e2d\n"
    assert "class \u4e2d" in (tmp_path / "job.log").read_text(encoding="utf-8")
