"""The live display loses no line and never blocks the process, even if the terminal or the display fails."""

import os
import re
import sys
from pathlib import Path

import pytest

from .conftest import ROOT
from .terminal import Terminal

#: a program that shows progress while it and a child print many lines to stderr
PROGRAM = """
import os, signal, subprocess, sys
sys.path.insert(0, {scripts!r})
from handgrad.monitor.progress import Progress
from handgrad.monitor.display import LiveDisplay, display

class Broken(Progress):
    def snapshot(self):
        raise RuntimeError("nothing to be seen")

signal.signal(signal.SIGHUP, signal.SIG_IGN)
shown = display({kind}({{}}, 2))
os.write(2, type(shown).__name__.encode() + b"\\n")
child = subprocess.Popen(["sh", "-c", {child!r}])
for number in range({lines}):
    os.write(2, b"line %d\\n" % number)
child.wait() if {wait} else None
shown.say("the last line")
shown.stop()
try:
    os.write(2, b"after it\\n")
except OSError:
    pass
child.kill()
"""
LINES = "i=0; while [ $i -lt 300 ]; do echo child $i >&2; i=$((i+1)); done"


def program(kind: str = "Progress", child: str = LINES, wait: bool = True, lines: int = 2000) -> list[str]:
    scripts = str(ROOT / "scripts")
    text = PROGRAM.format(scripts=scripts, kind=kind, child=child, wait=wait, lines=lines)
    return [sys.executable, "-c", text]


@pytest.mark.parametrize("kind", ["Progress", "Broken"])
def test_every_line_is_shown_once_and_in_order(kind: str, tmp_path: Path) -> None:
    shown = Terminal(program(kind), cwd=tmp_path, env=dict(os.environ), columns=80)
    assert shown.run() == 0
    lines = [line.strip() for line in shown.text.splitlines()]
    assert [line for line in lines if line.startswith("line ")] == [f"line {n}" for n in range(2000)]
    assert [line for line in lines if line.startswith("child ")] == [f"child {n}" for n in range(300)]
    assert lines.index("line 1999") < lines.index("the last line") < lines.index("after it")
    assert "steps done" not in shown.text
    assert (b"cannot be shown: RuntimeError: nothing to be seen" in shown.written) == (kind == "Broken")


@pytest.mark.slow
def test_a_terminal_of_size_zero_gets_plain_lines(tmp_path: Path) -> None:
    shown = Terminal(program(), cwd=tmp_path, env=dict(os.environ), size=(0, 0))
    assert shown.run() == 0
    output = shown.written.decode()
    assert re.findall(r"line (\d+)", output) == [str(n) for n in range(2000)]
    assert re.findall(r"child (\d+)", output) == [str(n) for n in range(300)]
    assert b"\x1b" not in shown.written


@pytest.mark.slow
@pytest.mark.parametrize("size", [(0, 0), (3, 5)], ids=str)
def test_no_line_is_lost_when_the_terminal_shrinks_to_nothing(size: tuple[int, int], tmp_path: Path) -> None:
    wait = "until [ -e go ]; do sleep 0.05; done; "
    shown = Terminal(program(child=wait + LINES, lines=0), cwd=tmp_path, env={**os.environ, "COLUMNS": "0"})
    assert shown.run(until=lambda frame: "steps done" in frame) is None
    shown.resize(*size)
    (tmp_path / "go").touch()
    assert shown.run() == 0
    assert re.findall(r"child (\d+)", shown.written.decode()) == [str(n) for n in range(300)]
    assert b"the last line" in shown.written


@pytest.mark.slow
def test_the_display_ends_while_a_child_process_still_prints(tmp_path: Path) -> None:
    forever = "while :; do echo and on and on >&2; done"
    shown = Terminal(program(child=forever, wait=False), cwd=tmp_path, env=dict(os.environ))
    assert shown.run(seconds=60) == 0


@pytest.mark.slow
def test_a_closed_terminal_does_not_block_the_process(tmp_path: Path) -> None:
    shown = Terminal(program(lines=20_000), cwd=tmp_path, env=dict(os.environ))
    shown.run(until=lambda frame: "line 1" in frame)
    assert shown.hang_up() == 0


@pytest.mark.slow
def test_a_background_job_of_the_shell_has_no_live_display(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(program()[2])
    shell = ["bash", "-ic", f"{sys.executable} {script} & wait"]
    shown = Terminal(shell, cwd=tmp_path, env=dict(os.environ))
    assert shown.run() == 0
    assert "PlainDisplay" in shown.text
