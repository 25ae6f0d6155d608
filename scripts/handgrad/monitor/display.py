"""Showing how far a workflow is: live at the foot of a terminal, or by a few lines every minute in a log."""

import os
import sys
import threading
from contextlib import suppress
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from handgrad.monitor.progress import Progress
from handgrad.monitor.status import MAX_ROWS, status_rows

#: seconds between two looks at a terminal, and where jobs run on a cluster, whose file server has to answer
LIVE_SECONDS, CLUSTER_SECONDS = 0.5, 5.0
#: and where there is no terminal
PLAIN_SECONDS = 60.0
#: columns of a bar, of a terminal that has room for one beside each job, and for one at all
BAR, WIDE, NARROW = 24, 100, 70
#: columns and rows of the smallest terminal that has room for what is shown live; some consoles say 0 and 0
MIN_COLUMNS, MIN_ROWS = 20, 6
#: seconds to wait at the end for what was written and is not yet shown
LAST_SECONDS = 1.0
#: what makes a terminal write in green, and as before
GREEN, PLAIN = "\033[32m", "\033[0m"


def may_draw_on(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that this process may draw on: it can move its cursor, and is ours."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    try:  # the shell has it, or another of its jobs, if it is not this process group's
        room = has_room(os.get_terminal_size(stream.fileno()))
        return room and os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:
        return False


def has_room(size: os.terminal_size) -> bool:
    """Return whether a terminal of this size has room for what is shown live."""
    return size.columns >= MIN_COLUMNS and size.lines >= MIN_ROWS


class PlainDisplay:
    """A headline and a line for each running job, every minute, for logs."""

    is_live = False

    def __init__(self, progress: Progress, stream: TextIO, seconds: float = PLAIN_SECONDS) -> None:
        self.progress, self.stream, self.seconds = progress, stream, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="progress", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Show nothing: Snakemake's own lines say it in a log."""

    def stop(self) -> None:
        """End it: no line comes afterwards."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with suppress(OSError, ValueError):  # a stream that is gone or closed
            while not self._over.wait(self.seconds):
                self.stream.write("\n".join(self.lines()) + "\n")
                self.stream.flush()

    def lines(self) -> list[str]:
        """Return what is shown now."""
        view = self.progress.snapshot()
        return [f"Progress: {self.progress.headline(view)}", *status_rows(view, "running")]


class LiveDisplay:
    """The same at the foot of a terminal, renewed all the time; all that is printed appears above it.

    Not only Snakemake prints: jobs write to the stderr that they inherit, which no logger plugin or handler of
    Snakemake sees, and Rich must know each line that scrolls the terminal. So as long as this lasts, stderr is a
    pipe, and what comes through it is printed by Rich. The pipe is read whatever happens to
    the terminal: otherwise all that print would wait.
    """

    is_live = True

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._encoding = sys.stderr.encoding or "utf-8"
        self._terminal = os.dup(2)
        file = os.fdopen(os.dup(2), "w", encoding=self._encoding, errors="replace")
        self.console = Console(file=file, force_terminal=True, highlight=False, soft_wrap=True)
        self._live = Live(
            console=self.console,
            get_renderable=self.shown,
            refresh_per_second=1 / (LIVE_SECONDS if progress.workers else CLUSTER_SECONDS),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self.console.show_cursor(True)  # a process that is killed could not bring it back
        read, write = os.pipe()
        sys.stderr.flush()
        os.dup2(write, 2)
        os.close(write)
        self._reader = threading.Thread(target=self._print_all, args=(read,), name="progress", daemon=True)
        self._reader.start()

    def say(self, line: str) -> None:
        """Print a line above the live part."""
        print(f"{GREEN}{line}{PLAIN}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Give stderr back, and take the live part away once what was written is shown.

        Processes that still run keep the pipe; what they write is shown until this process ends.
        """
        if self._live.is_started:
            sys.stderr.flush()
            os.dup2(self._terminal, 2)
            self._reader.join(LAST_SECONDS)
            with suppress(OSError):
                self._live.stop()

    def _print_all(self, pipe: int) -> None:
        rest = b""
        while chunk := os.read(pipe, 65536):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                self._print(lines)
        if rest:
            self._print(rest)

    def _print(self, lines: bytes) -> None:
        try:
            self.console.print(Text.from_ansi(lines.decode(self._encoding, "replace")))
        except Exception:  # noqa: BLE001, see above
            with suppress(OSError):  # a terminal that is gone takes nothing
                os.write(self._terminal, lines + b"\n")

    def shown(self) -> RenderableType:
        """Return what is shown now: a bar for all of it, and a line for each running job; or why that failed."""
        try:
            size = os.get_terminal_size(self._terminal)
            if not has_room(size):
                return Text()
            self.console.size = ConsoleDimensions(*size)  # Rich would ask stdin, which may be no terminal, or COLUMNS
            return self._table()
        except Exception as error:  # noqa: BLE001, what is shown must never end a workflow
            return Text(f"Progress cannot be shown: {type(error).__name__}: {error}")

    def _table(self) -> RenderableType:
        view = self.progress.snapshot()
        rows = Table.grid(padding=(0, 1), expand=True)  # what does not fit is cut off the titles
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
        rows.add_column(width=BAR if self.console.width >= WIDE else 0)
        rows.add_column(no_wrap=True, overflow="ellipsis", style="cyan")
        running = [one for one in view if one.state == "running"]
        shown = running[: max(1, min(MAX_ROWS, self.console.height - 6))]
        for one in shown:
            rows.add_row(one.job.title, _bar(one.share), one.text)
        if len(running) > len(shown):
            rows.add_row(f"and {len(running) - len(shown)} more")
        head = Table.grid(padding=(0, 1))
        headline = Text(self.progress.headline(view), style="bold")
        head.add_row(*([_bar(self.progress.share(view))] if self.console.width >= NARROW else []), headline)
        return Group(Text(), head, rows)


def display(progress: Progress) -> PlainDisplay | LiveDisplay:
    """Return the display that suits where messages go, begun."""
    return LiveDisplay(progress) if may_draw_on(sys.stderr) else PlainDisplay(progress, sys.stderr)


def _bar(share: float | None) -> RenderableType:
    return Text() if share is None else ProgressBar(total=1.0, completed=share, width=BAR)
