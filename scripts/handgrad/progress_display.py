"""Showing how far a workflow is: live at the foot of a terminal, or by a few lines every minute in a log."""

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from handgrad.progress import Progress, Running

#: seconds between two looks at a terminal, and where jobs run on a cluster, whose file server has to answer
LIVE_SECONDS, CLUSTER_SECONDS = 0.5, 5.0
#: and where there is no terminal
PLAIN_SECONDS = 60.0
#: the most jobs that are shown one by one
MOST_ROWS = 16
#: columns of a bar
BAR = 24


class Display(Protocol):
    """What shows progress until it is stopped. say: show a line of its own."""

    def say(self, line: str) -> None: ...

    def stop(self) -> None: ...


def display(progress: Progress, stream: TextIO | None = None) -> Display:
    """The display that suits where messages go, begun."""
    stream = stream or sys.stderr
    live = stream.isatty() and os.environ.get("TERM") != "dumb"
    return LiveDisplay(progress) if live else PlainDisplay(progress, stream)


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
        while not self._over.wait(self.seconds):
            self.stream.write("\n".join(self.lines()) + "\n")
            self.stream.flush()

    def lines(self) -> list[str]:
        """What is shown now."""
        running = self.progress.running()
        rows = [f"    {job_title(row)}: {row.text or 'at work'}" for row in running[:MOST_ROWS]]
        return [f"Progress: {self.progress.headline(running)}", *rows, *_more(running)]


def _more(running: list[Running]) -> list[str]:
    hidden = len(running) - MOST_ROWS
    return [f"    and {hidden} more"] if hidden > 0 else []


class LiveDisplay:
    """The same at the foot of a terminal, renewed all the time; all that is printed appears above it.

    Not only Snakemake prints: jobs share its stderr. So as long as this lasts, stderr is a pipe whose lines
    are put above the live part, which alone writes to the terminal.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        self.console = Console(file=terminal, force_terminal=True, highlight=False, soft_wrap=True)
        self._pipe = Stderr(self._above)
        self._live = Live(
            get_renderable=self.shown,
            console=self.console,
            refresh_per_second=1 / (LIVE_SECONDS if progress.workers else CLUSTER_SECONDS),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self.console.show_cursor(True)  # a process that is killed cannot bring it back

    def say(self, line: str) -> None:
        """Print a line above the live part."""
        self.console.print(Text(line, style="green"))

    def stop(self) -> None:
        """Take the live part away and give stderr back."""
        self._live.stop()
        self._pipe.give_back()

    def _above(self, text: str) -> None:
        self.console.print(Text.from_ansi(text))

    def shown(self) -> RenderableType:
        """What is shown now: a bar for all of it, and a line for each running job."""
        running = self.progress.running()
        rows = Table.grid(padding=(0, 1), expand=True)  # what does not fit is cut off the titles
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        rows.add_column(width=BAR)
        rows.add_column(no_wrap=True, style="cyan")
        for row in running[: self._rows()]:
            rows.add_row(job_title(row), _bar(row.done), row.text)
        head = Table.grid(padding=(0, 1))
        head.add_row(_bar(self.progress.share(running)), Text(self.progress.headline(running), style="bold"))
        more = [Text(line) for line in _more(running)]
        return Group(Text(), head, rows, *more)

    def _rows(self) -> int:
        return max(1, min(MOST_ROWS, self.console.height - 6))


def _bar(done: float | None) -> RenderableType:
    return Text() if done is None else ProgressBar(total=1.0, completed=done, width=BAR)


class Stderr:
    """stderr as a pipe: what this process, or one that it starts, writes to it is handed on by lines."""

    def __init__(self, to: Callable[[str], Any]) -> None:
        self._to = to
        sys.stderr.flush()
        self._terminal = os.dup(2)
        self._read, write = os.pipe()
        os.dup2(write, 2)
        os.close(write)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hand_on, name="stderr", daemon=True)
        self._thread.start()

    def give_back(self) -> None:
        """Make stderr the terminal again, once all that was written has been handed on.

        Processes that still run keep the pipe; what they write is copied to the terminal as it comes.
        """
        sys.stderr.flush()
        os.dup2(self._terminal, 2)
        self._over.set()
        self._thread.join()
        threading.Thread(target=self._copy, name="stderr", daemon=True).start()

    def _hand_on(self) -> None:
        rest = b""
        while not (self._over.is_set() and not self._waiting(0)):
            if self._waiting(0.1):
                chunk = os.read(self._read, 65536)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._to(line.decode("utf-8", "replace"))
        if rest:
            self._to(rest.decode("utf-8", "replace"))

    def _waiting(self, seconds: float) -> bool:
        return bool(select.select([self._read], [], [], seconds)[0])

    def _copy(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(self._read, 65536):
                os.write(self._terminal, chunk)
