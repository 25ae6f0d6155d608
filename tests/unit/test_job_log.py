"""How a job ends, and what its log and the terminal say then."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import REFUSALS, system_message

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys
sys.path.insert(0, {scripts!r})
import h5py, numpy as np
from handgrad.common.atomic import whole_file
from handgrad.common.logs import job_log, logger
with job_log({log!r}):
    {work}
"""


def job(work: str, folder: Path, log: str = "job.log", **env: str) -> subprocess.CompletedProcess[str]:
    """A process that does some work as a job does it."""
    program = PROGRAM.format(scripts=str(ROOT / "scripts"), log=log, work=work.replace("\n", "\n    "))
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("number", sorted(REFUSALS), ids=lambda number: errno.errorcode[number])
def test_what_the_system_refuses_is_one_line_with_the_file(number: int) -> None:
    error = OSError(number, os.strerror(number), "results/runs/mnist/.one.h5.x1y2z3w4.part")
    line = system_message(error)
    assert line
    assert line.startswith(f"results/runs/mnist/one.h5: {os.strerror(number)}; ")
    assert "\n" not in line
    blamed = HandgradError("one.h5: not a run file; delete it")
    blamed.__cause__ = error
    assert system_message(blamed) == line


def test_a_damaged_file_is_still_blamed_by_its_reader() -> None:
    blamed = HandgradError("one.h5: not a run file; delete it")
    blamed.__cause__ = OSError("Unable to open file (file signature not found)")
    assert system_message(blamed) is None


@pytest.mark.parametrize(
    "work",
    [
        "with whole_file('results/x.h5') as part: raise OSError(28, 'No space left on device')",
        "with open('/dev/full', 'w') as file: file.write('1')",
    ],
    ids=["written whole", "plain"],
)
def test_a_job_on_a_full_disk_says_so_in_one_line(work: str, tmp_path: Path) -> None:
    done = job(work, tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line
    assert "Traceback" not in (tmp_path / "job.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_prints_no_traceback_and_stops_no_job(tmp_path: Path) -> None:
    (tmp_path / "job.log").symlink_to("/dev/full")
    done = job("logger.info('one')\nlogger.warning('two')\nlogger.info('three')", tmp_path)
    assert done.returncode == 0
    warning, missing = done.stderr.splitlines()
    assert warning == "two"
    assert "job.log" in missing
    assert "No space left on device" in missing


def test_what_hdf5_says_of_a_full_disk_is_one_line_too(tmp_path: Path) -> None:
    work = "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    work += "with whole_file('x.h5') as part, h5py.File(part, 'w') as file: file['x'] = np.ones(100_000)"
    done = job(f"import resource\n{work}", tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("x.h5: File too large; ")


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    done = job("print('worked')", tmp_path, log="logs/job.log")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("logs/job.log: Not a directory; ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_job_with_nothing_to_save_leaves_nothing_half_written(number: signal.Signals, tmp_path: Path) -> None:
    work = f"with whole_file('out') as part:\n    for _ in 'ab': os.kill(os.getpid(), {int(number)})"
    done = job(work, tmp_path)
    assert done.returncode == 128 + number
    assert len(done.stderr.splitlines()) == 1
    assert number.name in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"job.log", "job.jsonl"}


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
