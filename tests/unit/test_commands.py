"""How commands for people end, whatever their surroundings are."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.common.errors import HandgradError
from handgrad.layout.main_process import require_path, require_readable, require_writable

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys
sys.path.insert(0, {scripts!r})
from handgrad.cli.command import as_command
with as_command("make it", looks={looks}):
    {work}
"""


def ended(work: str, *, looks: bool = True, behind: str = "", **env: str) -> tuple[int, str, str]:
    """The exit status, stdout and stderr of a command; behind: what follows it on its line."""
    program = PROGRAM.format(scripts=str(ROOT / "scripts"), work=work, looks=looks)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$0" -c "$1" {behind}', sys.executable, program],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("looks", "status"), [(True, 0), (False, 128 + signal.SIGPIPE)])
def test_a_reader_that_has_seen_enough_gets_no_traceback(looks: bool, status: int) -> None:
    work = "[print(n) for n in range(100_000)]"
    assert ended(work, looks=looks, behind="| head -1") == (status, "0\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_one_line(number: signal.Signals) -> None:
    status, _, said = ended(f"os.kill(os.getpid(), {int(number)})")
    assert status == 128 + number
    assert len(said.splitlines()) == 1


def test_what_cannot_be_encoded_ends_no_command() -> None:
    assert ended("print('\u4e2d')", PYTHONIOENCODING="ascii") == (0, "\\u4e2d\n", "")


def test_what_the_system_refuses_a_command_is_one_line() -> None:
    status, _, said = ended("open('/dev/null/x')")
    assert status == 1
    assert said.startswith("make it: /dev/null/x: Not a directory; ")
    assert len(said.splitlines()) == 1


# --- what is looked at before a run ---


@pytest.mark.parametrize("folder", ["results", "resources", ".snakemake"])
def test_a_file_in_place_of_a_folder_is_said_before_a_run(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).touch()
    for dry in (False, True):
        with pytest.raises(HandgradError, match=f"^{folder}: Not a directory; "):
            require_writable(["snakemake"], dry=dry)


@pytest.mark.parametrize("folder", ["results", "results/runs/mnist", "results/logs/train_run/mnist"])
def test_a_folder_that_cannot_be_written_to_is_said_before_a_run(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    require_writable(["snakemake"], dry=False)
    access = os.access  # root may do all, so that the system cannot be asked
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != folder and access(path, mode))
    with pytest.raises(HandgradError, match=f"^{folder}: Permission denied; "):
        require_writable(["snakemake"], dry=False)


def test_a_file_that_cannot_be_read_is_said_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, absent = (str(tmp_path / name) for name in ("good", "bad", "absent"))
    for file in (good, bad):
        Path(file).touch()
    require_readable([good, bad, absent])
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != bad and access(path, mode))
    with pytest.raises(HandgradError, match=f"^{bad}: Permission denied; "):
        require_readable([good, bad, absent])


def test_a_path_with_a_brace_is_refused() -> None:
    with pytest.raises(HandgradError, match=r"^/home/me/a\{x\}: "):
        require_path(Path("/home/me/a{x}"))
