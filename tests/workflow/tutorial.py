"""Follow docs/tutorial.md: write its files, run its commands, and compare their output with the page.

The language of a block says what to do:

- console: lines with `$ ` are commands, run one after another in one shell. The lines below a command are its output.
- yaml: a file. The comment in the first line names it.
- diff: a change of the file that the first line names. Lines with a blank or - exist before the change, and lines
  with a blank or + after it.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .conftest import ROOT, wait_until

PAGE = ROOT / "docs/tutorial.md"
CLUSTER = "On a cluster"
INTERRUPT = "^C"
#: omitted text in a line
LEFT_OUT = r"(\.\.\.)"
#: in a table also measured numbers (accuracy, interval, faults, loss, seconds): their last digits depend on the CPU
VARIES = r"(\.\.\.|\d+\.\d+%|\d+\.\d+ to \d+\.\d+|\d+/\d+|\d+\.\d{5}|\d+\.\d(?= \|$))"
#: the first words of lines that only a failing command prints
FAILURES = ("broken.yaml: ", "At least one job did not complete successfully.")
END = "--- exit status "


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the section that contains it."""

    section: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of the page in order, except those with a comment on the line before them."""
    sections = re.split(r"^## (.*)\n", f"## \n{page}", flags=re.MULTILINE)[1:]
    return [
        Block(section, *block)
        for section, text in zip(sections[::2], sections[1::2], strict=True)
        for block in re.findall(r"(?<!-->\n)^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def fits(shown: Iterable[str], output: str) -> bool:
    """Return whether the output matches the page. A line `...` matches any lines; widths of columns may differ."""
    expected = "".join("(?:.*\n)*?" if line == "..." else f"{pattern(squeezed(line))}\n" for line in shown)
    lines = [squeezed(line) for line in output.splitlines() if line.strip()]
    return re.fullmatch(expected, "".join(f"{line}\n" for line in lines)) is not None


def pattern(line: str) -> str:
    """Return a regular expression for a line: `...` matches any text, a measured number in a table any number."""
    parts = re.split(VARIES if line.startswith("|") else LEFT_OUT, line)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [".*" if part == "..." else re.sub(r"\d+", r"\\d+", re.escape(part)) for part in parts[1::2]]
    return "".join(parts)


def squeezed(line: str) -> str:
    """Return a line with single spaces."""
    return re.sub(r" +", " ", line).rstrip()


class Reader:
    """A shell that follows the page, first in an empty folder."""

    def __init__(self, folder: Path) -> None:
        own = Path(sys.prefix) / "bin"  # the page itself activates an environment
        path = ":".join(entry for entry in os.environ["PATH"].split(":") if Path(entry) != own)
        git = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        # In a container, another user may own the checkout. git would then refuse to clone it.
        git |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        foreign = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "VIRTUAL_ENV", "SLURM_CONF")
        self.shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={key: value for key, value in os.environ.items() if key not in foreign} | git | {"PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.run("trap : INT")

    @property
    def folder(self) -> Path:
        """Return the working directory of the shell."""
        return Path(f"/proc/{self.shell.pid}/cwd").readlink()

    def follow(self, block: Block, *, skip: Iterable[str] = ()) -> None:
        """Follow a block, except the commands in skip."""
        if block.language == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
                if command not in skip:
                    self.type(command, shown.splitlines())
            return
        first, change = block.text.split("\n", 1)
        path, text = self.folder / first.removeprefix("# "), block.text
        if block.language == "diff":
            old, new = (re.sub(rf"^(?:[{mark}].*\n|.)", "", change, flags=re.MULTILINE) for mark in "+-")
            text = path.read_text()
            assert text.count(old) == 1, f"{path} must contain this text exactly once:\n{old}"
            text = text.replace(old, new)
        path.write_text(text)

    def type(self, command: str, shown: list[str]) -> None:
        """Run a command; compare its output and its success with the page."""
        status, output = self.run(command.replace("<this repository>", str(ROOT)), interrupt=INTERRUPT in shown)
        lines = [line for line in shown if line != INTERRUPT]
        assert fits(lines, output), "\n".join([f"$ {command}", output, "--- does not match:", *lines])
        fails = any(line.startswith(FAILURES) for line in lines)
        assert (status != 0) == fails, f"$ {command}\n{output}\n{END}{status}"

    def run(self, command: str, *, interrupt: bool = False) -> tuple[int, str]:
        """Run the next command; return its exit status and output. interrupt: send SIGINT when training has started."""
        assert self.shell.stdin
        assert self.shell.stdout
        began, output = time.time(), ""

        def trains() -> bool:
            logs = [log for log in self.folder.glob("results/logs/train_run/*/*.log") if log.stat().st_mtime >= began]
            return any(" epoch 2 of " in log.read_text() for log in logs)

        print(f"{{ {command}\n}} </dev/null; printf '\\n{END}%s\\n' $?", file=self.shell.stdin, flush=True)
        if interrupt:
            wait_until(trains)
            os.killpg(self.shell.pid, signal.SIGINT)
        for line in self.shell.stdout:
            if line.startswith(END):
                return int(line.removeprefix(END)), output
            output += line
        raise EOFError(output)

    def close(self) -> None:
        """Kill the shell and its processes."""
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.communicate()
