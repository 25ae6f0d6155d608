"""docs/tutorial.md as a reader follows it: files written, commands run, and what the page shows compared.

A block of the page begins with its language. console: lines with `$ ` are commands, typed one after another
in one shell; the lines below are their output. yaml: a file, whose name is the comment in its first line.
diff: a change of the file that is named so; lines with a blank or - are there before, and those with a blank
or + afterwards.
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
#: in a line: what is left out; in a table also what is measured (accuracy, interval, faults, loss, seconds),
#: whose last digits depend on the CPU
LEFT_OUT = r"(\.\.\.)"
VARIES = r"(\.\.\.|\d+\.\d+%|\d+\.\d+ to \d+\.\d+|\d+/\d+|\d+\.\d{5}|\d+\.\d(?= \|$))"
#: how lines begin that a command prints which fails
FAILURES = ("broken.yaml: ", "At least one job did not complete successfully.")
END = "--- exit status "


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the heading that it is under."""

    section: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of the page, in their order."""
    sections = re.split(r"^## (.*)\n", f"## \n{page}", flags=re.MULTILINE)[1:]
    return [
        Block(section, *block)
        for section, text in zip(sections[::2], sections[1::2], strict=True)
        for block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def fits(shown: Iterable[str], output: str) -> bool:
    """Whether the output is what is shown; a line `...` is any lines, and the width of columns does not matter."""
    expected = "".join("(?:.*\n)*?" if line == "..." else f"{pattern(squeezed(line))}\n" for line in shown)
    lines = [squeezed(line) for line in output.splitlines() if line.strip()]
    return re.fullmatch(expected, "".join(f"{line}\n" for line in lines)) is not None


def pattern(line: str) -> str:
    """What a line may be that is shown so: `...` is any text; measured numbers in a table are any numbers."""
    parts = re.split(VARIES if line.startswith("|") else LEFT_OUT, line)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [".*" if part == "..." else re.sub(r"\d+", r"\\d+", re.escape(part)) for part in parts[1::2]]
    return "".join(parts)


def squeezed(line: str) -> str:
    return re.sub(r" +", " ", line).rstrip()


class Reader:
    """A person at a shell who follows the page, in an empty folder at first."""

    def __init__(self, folder: Path) -> None:
        own = Path(sys.prefix) / "bin"  # the page enters an environment itself
        path = ":".join(entry for entry in os.environ["PATH"].split(":") if Path(entry) != own)
        git = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        # A checkout may belong to somebody else, as in containers; git would not clone it.
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
        return Path(f"/proc/{self.shell.pid}/cwd").readlink()

    def follow(self, block: Block, *, skip: Iterable[str] = ()) -> None:
        """Do what a block says, except these commands."""
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
            assert text.count(old) == 1, f"{path} does not hold once\n{old}"
            text = text.replace(old, new)
        path.write_text(text)

    def type(self, command: str, shown: list[str]) -> None:
        """Type a command and compare its output, and whether it succeeds, with what is shown."""
        status, output = self.run(command.replace("<this repository>", str(ROOT)), interrupt=INTERRUPT in shown)
        lines = [line for line in shown if line != INTERRUPT]
        assert fits(lines, output), "\n".join([f"$ {command}", output, "--- is not what is shown:", *lines])
        fails = any(line.startswith(FAILURES) for line in lines)
        assert (status != 0) == fails, f"$ {command}\n{output}\n{END}{status}"

    def run(self, command: str, *, interrupt: bool = False) -> tuple[int, str]:
        """Run a command as the next of the shell; Ctrl-C is pressed once training is under way."""
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
        """Leave the shell, and end what still runs in it."""
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.communicate()
