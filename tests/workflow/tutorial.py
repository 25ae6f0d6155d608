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

from .conftest import ROOT

PAGE = ROOT / "docs/tutorial.md"
CLUSTER = "On a cluster"
INTERRUPT = "^C"
#: in a line: what is left out; in a table also what is measured (accuracy, interval, faults, loss, seconds),
#: whose last digits depend on the CPU
LEFT_OUT = r"(\.\.\.)"
VARIES = r"(\.\.\.|\d+\.\d+%|\d+\.\d+ to \d+\.\d+|\d+/\d+|\d+\.\d{5}|\d+\.\d(?= \|$))"
#: how lines begin that a command prints which fails
FAILURES = ("broken.yaml: ", "At least one job did not complete successfully.")
PATIENCE = 600  # seconds for a command


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the heading that it is under."""

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
        self.home, self.folder = folder / "home", folder
        self.home.mkdir()
        own = Path(sys.prefix) / "bin"  # the page enters an environment itself
        path = [entry for entry in os.environ["PATH"].split(":") if Path(entry) != own]
        git = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        # A checkout may belong to somebody else, as in containers; git would not clone it.
        git |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
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
        """Type a command and compare its output, and whether it succeeds, with what is shown."""
        status, output = self.run(command.replace("<this repository>", str(ROOT)), interrupt=INTERRUPT in shown)
        lines = [line for line in shown if line != INTERRUPT]
        assert fits(lines, output), "\n".join([f"$ {command}", output, "--- is not what is shown:", *lines])
        fails = any(line.startswith(FAILURES) for line in lines)
        assert (status != 0) == fails, f"$ {command}\n{output}\n--- exit status {status}"
        if command.startswith("git clone"):
            lend_environment(self.folder / command.split()[-1])

    def run(self, command: str, *, interrupt: bool) -> tuple[int, str]:
        """Run a command as the next of one shell; Ctrl-C is pressed once training is under way."""
        folder, environment, said = (self.home / what for what in ("folder", "environment", "said"))
        keep = f'{command}\nstatus=$?; pwd >"{folder}"; env -0 >"{environment}"; exit $status'
        with (
            said.open("w") as output,
            subprocess.Popen(
                ["bash", "-c", keep],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as shell,
        ):
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
    """Give a clone what it needs of the tests' environment, as if make had made one, which takes half a minute."""
    bin_folder = clone / ".venv/bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "activate").write_text(f'export PATH="{bin_folder}:$PATH"\n')
    (bin_folder / "snakemake").symlink_to(Path(sys.prefix) / "bin/snakemake")
    command = f'#!/bin/sh\nPYTHONPATH="{clone}/scripts" exec "{sys.executable}" -m handgrad "$@"\n'
    (bin_folder / "handgrad").write_text(command)
    (bin_folder / "handgrad").chmod(0o755)
    (clone / ".venv/workflow").touch()
