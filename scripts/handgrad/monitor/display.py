"""Showing how far a workflow is: live at the foot of a terminal, or by a few lines every minute in a log."""

import contextlib
import math
import os
import select
import sys
import threading
import time
from typing import Protocol, TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from handgrad.monitor.progress import Progress, Running

#: seconds between two looks at a terminal, and where jobs run on a cluster, whose file server has to answer
LIVE_SECONDS, CLUSTER_SECONDS = 0.5, 5.0
#: and where there is no terminal
PLAIN_SECONDS = 60.0
#: the most jobs that are shown one by one
MOST_ROWS = 16
#: columns of a bar, of a terminal that has room for one beside each job, and for one at all
BAR, WIDE, NARROW = 24, 100, 70
#: columns and rows of the smallest terminal that has room for what is shown live; some consoles say 0 and 0
LEAST_COLUMNS, LEAST_ROWS = 20, 6
#: seconds in which the last of what was written is shown
LAST_SECONDS = 1.0
#: what makes a terminal write in green, and as before
GREEN, PLAIN = "\033[32m", "\033[0m"


class Display(Protocol):
    """What shows progress until it is stopped. say: show a line of its own."""

    def say(self, line: str) -> None: ...

    def stop(self) -> None: ...


def display(progress: Progress, stream: TextIO | None = None) -> Display:
    """The display that suits where messages go, begun."""
    stream = stream or sys.stderr
    return LiveDisplay(progress) if is_live(stream) else PlainDisplay(progress, stream)


def is_live(stream: TextIO) -> bool:
    """Whether a stream is a terminal that this process may draw on: it can move its cursor, and is ours."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    try:
        if not has_room(os.get_terminal_size(stream.fileno())):
            return False
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()  # else the shell works there, or another job
    except OSError:
        return False


def has_room(size: os.terminal_size) -> bool:
    """Whether a terminal of this size has room for what is shown live."""
    return size.columns >= LEAST_COLUMNS and size.lines >= LEAST_ROWS


def job_title(row: Running) -> str:
    """A job as people name it: its rule, and what it is about."""
    rule, name = row.key
    return f"{rule} {name}"


class PlainDisplay:
    """A headline and a line for each running job, every minute, for logs."""

    def __init__(self, progress: Progress, stream: TextIO, seconds: float = PLAIN_SECONDS) -> None:
        self.progress, self.stream, self.seconds = progress, stream, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="progress", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Nothing: Snakemake's own lines say it in a log."""

    def stop(self) -> None:
        """The end: no line comes after it."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a stream that is gone or closed
            while not self._over.wait(self.seconds):
                self.stream.write("\n".join(self.lines()) + "\n")
                self.stream.flush()

    def lines(self) -> list[str]:
        """What is shown now."""
        view = self.progress.look()
        rows = [f"    {job_title(row)}: {row.text}" for row in view.running[:MOST_ROWS]]
        return [f"Progress: {self.progress.headline(view)}", *rows, *_more(view.running)]


def _more(running: list[Running]) -> list[str]:
    hidden = len(running) - MOST_ROWS
    return [f"    and {hidden} more"] if hidden > 0 else []


class LiveDisplay:
    """The same at the foot of a terminal, renewed all the time; all that is printed appears above it.

    Not only Snakemake prints: jobs share its stderr. So as long as this lasts, stderr is a pipe, and one
    thread alone writes to the terminal: what comes through the pipe, and the live part below it. Whatever
    happens to the terminal or to what is shown, that thread goes on to read, or all who print would wait.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._terminal = os.dup(2)
        self._encoding = sys.stderr.encoding or "utf-8"
        terminal = os.fdopen(os.dup(2), "w", encoding=self._encoding, errors="replace")
        self.console = Console(file=terminal, force_terminal=True, highlight=False, soft_wrap=True)
        self._set_size(os.get_terminal_size(self._terminal))
        self._over, self._ended = threading.Event(), threading.Event()
        self._read, write = os.pipe()
        sys.stderr.flush()
        os.dup2(write, 2)
        os.close(write)
        threading.Thread(target=self._work, name="progress", daemon=True).start()

    def say(self, line: str) -> None:
        """Print a line above the live part."""
        sys.stderr.write(f"{GREEN}{line}{PLAIN}\n")
        sys.stderr.flush()

    def stop(self) -> None:
        """Take the live part away and give stderr back, once what was written to it is shown.

        Processes that still run keep the pipe; what they write is copied to the terminal as it comes.
        """
        if not self._over.is_set():
            sys.stderr.flush()
            os.dup2(self._terminal, 2)
            self._over.set()
        self._ended.wait(2 * LAST_SECONDS)

    def _work(self) -> None:
        try:
            self._show()
        except Exception as error:  # noqa: BLE001, see above
            self._write(f"\nHow far it is cannot be shown: {type(error).__name__}: {error}\n".encode())
        self._copy()

    def _show(self) -> None:
        """Show what comes and, below it, how far it is, until it is over and nothing comes any more."""
        seconds = LIVE_SECONDS if self.progress.workers else CLUSTER_SECONDS
        with Live(
            console=self.console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as live:
            self.console.show_cursor(True)  # a process that is killed cannot bring it back
            renewed, rest, until = 0.0, b"", math.inf
            while time.monotonic() < until and (self._waiting(0) or not self._over.is_set()):
                if self._over.is_set():
                    until = min(until, time.monotonic() + LAST_SECONDS)
                if self._waiting(0.1):
                    chunk = os.read(self._read, 65536)
                    if not chunk:  # nobody has the other end any more
                        break
                    lines, _, rest = (rest + chunk).rpartition(b"\n")
                    self._print(lines)
                if time.monotonic() - renewed > seconds:
                    size = os.get_terminal_size(self._terminal)
                    if not has_room(size):  # any more: what is printed is copied from now on
                        break
                    self._set_size(size)
                    live.update(self.shown(), refresh=True)
                    renewed = time.monotonic()
            self._print(rest)

    def _set_size(self, size: os.terminal_size) -> None:
        """Of this terminal: Rich would ask stdin, stdout and stderr, which need not be one, or COLUMNS."""
        self.console.size = ConsoleDimensions(*size)

    def _print(self, text: bytes) -> None:
        if text:
            self.console.print(Text.from_ansi(text.decode(self._encoding, "replace")))

    def _copy(self) -> None:
        """Hand on what comes as it is, as long as anybody can write to the pipe."""
        while True:
            if not self._waiting(0.1):
                if self._over.is_set():
                    self._ended.set()
                continue
            chunk = os.read(self._read, 65536)
            if not chunk:
                break
            self._write(chunk)
        self._ended.set()

    def _write(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone takes nothing
            while text:
                select.select([], [self._terminal], [], 1.0)
                text = text[os.write(self._terminal, text) :]

    def _waiting(self, seconds: float) -> bool:
        """Whether something has come through the pipe, or comes in so many seconds."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def shown(self) -> RenderableType:
        """What is shown now: a bar for all of it, and a line for each running job."""
        view = self.progress.look()
        rows = Table.grid(padding=(0, 1), expand=True)  # what does not fit is cut off the titles
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
        rows.add_column(width=BAR if self.console.width >= WIDE else 0)
        rows.add_column(no_wrap=True, overflow="ellipsis", style="cyan")
        for row in view.running[: self._rows()]:
            rows.add_row(job_title(row), _bar(row.done), row.text)
        head = Table.grid(padding=(0, 1))
        headline = Text(self.progress.headline(view), style="bold")
        head.add_row(*([_bar(self.progress.share(view))] if self.console.width >= NARROW else []), headline)
        more = [Text(line) for line in _more(view.running)]
        return Group(Text(), head, rows, *more)

    def _rows(self) -> int:
        return max(1, min(MOST_ROWS, self.console.height - 6))


def _bar(done: float | None) -> RenderableType:
    return Text() if done is None else ProgressBar(total=1.0, completed=done, width=BAR)
