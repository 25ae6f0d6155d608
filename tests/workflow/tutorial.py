"""docs/tutorial.md as a reader follows it: files written, commands run, and what the page shows compared.

A block of the page begins with its language. console: lines with `$ ` are commands, typed one after another
in one shell; the lines below are what is said. yaml: a file, whose name is the comment in its first line.
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
from functools import partial
from pathlib import Path

from .conftest import ROOT

PAGE = ROOT / "docs/tutorial.md"
CLUSTER = "On a cluster"
REPOSITORY = "<this repository>"
REST = "..."
INTERRUPT = "^C"
BEGIN, END = "(begin)", "(end)"
#: in a table: what is left out, and what is measured (accuracy, interval, faults, loss, seconds), whose last
#: digits depend on the CPU
VARIES = r"\.\.\.|\d+\.\d+%|\d+\.\d+ to \d+\.\d+|\d+/\d+|\d+\.\d{5}|\d+\.\d(?= \|$)"
#: what is said by a command that fails
FAILURES = ("make: ***", "At least one job did not complete successfully.")
PATIENCE = 300  # seconds for a command


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the heading that it stands under."""

    section: str
    language: str
    lines: tuple[str, ...]

    @property
    def file(self) -> str:
        """The file that it writes or changes."""
        return self.lines[0].removeprefix("# ")

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command, with the lines that are shown below it."""
        commands: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
        return commands


def blocks(page: str) -> list[Block]:
    """The fenced blocks of the page, in their order."""
    found, section = [], ""
    for match in re.finditer(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        heading, language, text = match.groups()
        if heading:
            section = heading
        else:
            found.append(Block(section, language, tuple(text.splitlines())))
    return found


def unseen(shown: Iterable[str], said: str) -> str | None:
    """The first lines that are shown together and were not said together, in this order; None if all were.

    A line `...` stands for any lines. Without one, nothing else was said: not before, between, or after.
    """
    lines = [BEGIN, *(squeezed(line) for line in said.splitlines() if line.strip()), END]
    together: list[list[str]] = [[]]
    for line in [BEGIN, *shown, END]:
        if line == REST:
            together.append([])
        else:
            together[-1].append(line)
    position = 0
    for part in together:
        patterns = [pattern(line) for line in part]
        places = (n for n in range(position, len(lines) - len(part) + 1) if fits(patterns, lines[n:]))
        place = next(places, None)
        if place is None:
            return "\n".join(part)
        position = place + len(part)
    return None


def fits(patterns: list[re.Pattern[str]], lines: list[str]) -> bool:
    """Whether the lines begin so."""
    return all(pattern.fullmatch(line) for pattern, line in zip(patterns, lines, strict=False))


def pattern(shown: str) -> re.Pattern[str]:
    """What a line may be that is shown so: `...` is any text; measured numbers in a table are any numbers."""
    any_number = partial(re.sub, r"\d+", r"\\d+")
    parts, end, line = [], 0, squeezed(shown)
    for special in re.finditer(VARIES if line.startswith("|") else re.escape(REST), line):
        parts.append(re.escape(line[end : special.start()]))
        parts.append(".*" if special[0] == REST else any_number(re.escape(special[0])))
        end = special.end()
    return re.compile("".join([*parts, re.escape(line[end:])]))


def squeezed(line: str) -> str:
    """With one blank for many: the columns of a table are as wide as their widest number."""
    return re.sub(r" +", " ", line).rstrip()


class Reader:
    """A person at a shell who follows the page, in an empty folder at first."""

    def __init__(self, folder: Path) -> None:
        self.home, self.folder = folder / "home", folder
        self.home.mkdir()
        own = Path(sys.prefix) / "bin"  # the page enters an environment itself
        path = [entry for entry in os.environ["PATH"].split(":") if Path(entry) != own]
        # A checkout may belong to somebody else, as in containers; git would not clone it.
        name = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        git = {
            **name,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        self.environment = {**os.environ, **git, "HOME": str(self.home), "PATH": ":".join(path)}
        for key in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "VIRTUAL_ENV", "XDG_CACHE_HOME"):
            self.environment.pop(key, None)

    def follow(self, block: Block, *, skip: Iterable[str] = ()) -> None:
        """Do what a block says, but for these commands."""
        if block.language == "yaml":
            (self.folder / block.file).write_text("\n".join(block.lines) + "\n")
        elif block.language == "diff":
            self.change(block)
        else:
            for command, shown in block.commands:
                if command not in skip:
                    self.type(command, shown)

    def change(self, block: Block) -> None:
        path = self.folder / block.file
        old, new = ("".join(f"{line[1:]}\n" for line in block.lines[1:] if not line.startswith(mark)) for mark in "+-")
        text = path.read_text()
        assert text.count(old) == 1, f"{block.file} does not hold once\n{old}"
        path.write_text(text.replace(old, new))

    def type(self, command: str, shown: list[str]) -> None:
        """Type a command and compare what it says, and whether it succeeds, with what is shown."""
        typed = command.replace(REPOSITORY, str(ROOT))
        status, said = self.run(typed, interrupt=INTERRUPT in shown)
        missing = unseen([line for line in shown if line != INTERRUPT], said)
        assert missing is None, f"$ {command}\n{said}\n--- does not say there:\n{missing}"
        fails = any(line.startswith(FAILURES) for line in shown)
        assert (status != 0) == fails, f"$ {command}\n{said}\n--- exit status {status}"
        if command.startswith("git clone"):
            lend_environment(self.folder / command.split()[-1])

    def run(self, command: str, *, interrupt: bool) -> tuple[int, str]:
        """Run a command as the next of one shell; Ctrl-C is pressed once training is under way."""
        folder, environment, said = (self.home / what for what in ("folder", "environment", "said"))
        keep = f'{command}\nstatus=$?; pwd >"{folder}"; env -0 >"{environment}"; exit $status'
        with said.open("w") as output:
            shell = subprocess.Popen(
                ["bash", "-c", keep],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                if interrupt:
                    self.wait_for_training(shell)
                    os.killpg(shell.pid, signal.SIGINT)
                status = shell.wait(PATIENCE)
            except BaseException:
                os.killpg(shell.pid, signal.SIGKILL)
                raise
        if not interrupt:
            self.folder = Path(folder.read_text().removesuffix("\n"))
            pairs = environment.read_text().split("\0")
            self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        return status, said.read_text()

    def wait_for_training(self, shell: subprocess.Popen[bytes]) -> None:
        began, deadline = time.time(), time.monotonic() + PATIENCE
        while True:
            logs = self.folder.glob("results/logs/train_run/*/*.log")
            if any(" epoch 2 of " in log.read_text() for log in logs if log.stat().st_mtime >= began):
                return
            assert shell.poll() is None, "it ended before Ctrl-C could be pressed"
            assert time.monotonic() < deadline, "no training began"
            time.sleep(0.1)


def lend_environment(clone: Path) -> None:
    """Give a clone the environment of the tests, as if make had made it: a fresh one takes half a minute."""
    venv = clone / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name not in ("workflow", "development"):
            (venv / part.name).symlink_to(part)
    for made in ("workflow", "development"):
        (venv / made).touch()
