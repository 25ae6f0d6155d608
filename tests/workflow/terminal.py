"""A terminal emulator: it runs a command and gives the text of the screen."""

import os
import pty
import select
import signal
import struct
import termios
import time
import warnings
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

import pyte


class Terminal:
    """A command that runs in a terminal of this many rows and columns.

    size: rows and columns that the terminal reports, if they differ from the real ones. frames: the text of the
    screen after each change. written: all bytes that the command wrote.
    """

    def __init__(
        self,
        command: list[str],
        *,
        cwd: Path,
        env: dict[str, str],
        rows: int = 40,
        columns: int = 120,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self.screen)
        self.frames: list[str] = []
        self.written = b""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JAX warns about fork, but the child executes a command at once
            self.pid, self._end = pty.fork()
        if self.pid == 0:
            ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", *(size or (rows, columns)), 0, 0))
            os.chdir(cwd)
            inherited = {key for key in ("COLUMNS", "LINES") if env.get(key) == os.environ.get(key)}
            own = {key: value for key, value in env.items() if key not in inherited}
            os.execvpe(command[0], command, {**own, "TERM": "xterm-256color"})  # noqa: S606

    def run(self, *, until: Callable[[str], bool] = lambda _: False, seconds: float = 120) -> int | None:
        """Read until the screen meets the condition (return None) or the command ends (return its exit status)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self._end], [], [], 0.05)[0]:
                try:
                    data = os.read(self._end, 65536)
                except OSError:  # on Linux: the other end is closed
                    return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                self.written += data
                self._stream.feed(data)
                self.frames.append("\n".join(line.rstrip() for line in self.screen.display))
            if until(self.frames[-1] if self.frames else ""):  # also without output: a condition may be about files
                return None
        raise TimeoutError(self.frames[-1] if self.frames else "the command wrote nothing")

    def resize(self, rows: int, columns: int) -> None:
        """Change the size that the terminal reports."""
        ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self, seconds: float = 60) -> int:
        """Close the terminal while the command runs and return the exit status of the command."""
        os.close(self._end)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            process, status = os.waitpid(self.pid, os.WNOHANG)
            if process:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        raise TimeoutError(f"the command did not end within {seconds:g} s")

    def type(self, keys: bytes) -> None:
        """Send keys to the command."""
        os.write(self._end, keys)

    @property
    def text(self) -> str:
        """The text of the screen, after the lines that have scrolled out of it."""
        scrolled = ["".join(line[n].data for n in range(self.screen.columns)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*scrolled, *self.screen.display])
