"""Show the progress of a workflow: live at the bottom of a terminal, or as a few lines every minute in a log."""

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

#: seconds between two updates of the live display; longer on a cluster, to reduce the load of its file server
LIVE_SECONDS, CLUSTER_SECONDS = 0.5, 5.0
#: seconds between two updates without a terminal
PLAIN_SECONDS = 60.0
#: columns of a bar, and of the smallest terminal that shows a bar for each job (WIDE) or the main bar (NARROW)
BAR, WIDE, NARROW = 24, 100, 70
#: columns and rows of the smallest terminal for the live display; some consoles report 0 and 0
MIN_COLUMNS, MIN_ROWS = 20, 6
#: maximum seconds to wait at the end until all lines are shown
LAST_SECONDS = 1.0
#: terminal codes: green text, default colour
GREEN, PLAIN = "\033[32m", "\033[0m"


def may_draw_on(stream: TextIO) -> bool:
    """Return whether a stream is a terminal with a movable cursor, and this process runs in its foreground."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    try:  # if this process group runs in the background, another process uses the terminal
        room = has_room(os.get_terminal_size(stream.fileno()))
        return room and os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:
        return False


def has_room(size: os.terminal_size) -> bool:
    """Return whether a terminal of this size is large enough for the live display."""
    return size.columns >= MIN_COLUMNS and size.lines >= MIN_ROWS


class PlainDisplay:
    """A display for logs: every minute a headline and a line for each running job."""

    is_live = False

    def __init__(self, progress: Progress, stream: TextIO, seconds: float = PLAIN_SECONDS) -> None:
        self.progress, self.stream, self.seconds = progress, stream, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="progress", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Show nothing: Snakemake writes its own line to the log."""

    def stop(self) -> None:
        """End the display; no line follows."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with suppress(OSError, ValueError):  # the stream may be closed
            while not self._over.wait(self.seconds):
                self.stream.write("\n".join(self.lines()) + "\n")
                self.stream.flush()

    def lines(self) -> list[str]:
        """Return the current lines."""
        view = self.progress.snapshot()
        return [f"Progress: {self.progress.headline(view)}", *status_rows(view, "running")]


class LiveDisplay:
    """A display at the bottom of a terminal, updated continuously; all printed lines appear above it.

    Jobs inherit stderr and write to it directly, so no logger plugin or handler of Snakemake receives their lines. Rich
    must receive each line, because each line scrolls the terminal. While the display is active, stderr is therefore
    a pipe, and Rich prints the lines that it reads from the pipe. The pipe is read even if the terminal fails;
    otherwise all writers would block.
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
        self.console.show_cursor(True)  # if this process is killed, nothing else shows the cursor again
        read, write = os.pipe()
        sys.stderr.flush()
        os.dup2(write, 2)
        os.close(write)
        self._reader = threading.Thread(target=self._print_all, args=(read,), name="progress", daemon=True)
        self._reader.start()

    def say(self, line: str) -> None:
        """Print a line above the display."""
        print(f"{GREEN}{line}{PLAIN}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Restore stderr, wait until all lines are shown, and remove the display.

        Processes that still run keep the pipe. Their lines are shown until this process ends.
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
        except Exception:  # noqa: BLE001, the pipe must be read even if the terminal fails
            with suppress(OSError):  # the terminal may be closed
                os.write(self._terminal, lines + b"\n")

    def shown(self) -> RenderableType:
        """Return the current display: the main bar and a line for each running job, or an error message."""
        try:
            size = os.get_terminal_size(self._terminal)
            if not has_room(size):
                return Text()
            self.console.size = ConsoleDimensions(*size)  # Rich uses stdin or COLUMNS, which may be wrong
            return self._table()
        except Exception as error:  # noqa: BLE001, a display error must not end the workflow
            return Text(f"Progress cannot be shown: {type(error).__name__}: {error}")

    def _table(self) -> RenderableType:
        view = self.progress.snapshot()
        rows = Table.grid(padding=(0, 1), expand=True)  # long titles are cut
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
    """Start and return a live display if stderr is a suitable terminal, otherwise a plain display."""
    return LiveDisplay(progress) if may_draw_on(sys.stderr) else PlainDisplay(progress, sys.stderr)


def _bar(share: float | None) -> RenderableType:
    return Text() if share is None else ProgressBar(total=1.0, completed=share, width=BAR)
