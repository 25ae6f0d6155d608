"""End each command with its result, or with one line that describes the error."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from handgrad.common.errors import HandgradError
from handgrad.common.logs import replacing_what_cannot_be_encoded
from handgrad.common.signals import Interrupted, interrupted_by_signals
from handgrad.common.system_errors import system_message


@contextmanager
def as_command() -> Iterator[None]:
    """Run a command. An error or a signal becomes one line on stderr and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        replacing_what_cannot_be_encoded(stream)
    try:
        with interrupted_by_signals():
            yield
            sys.stdout.flush()
    except typer.TyperException as error:  # wrong usage
        context = getattr(error, "ctx", None)
        name = context.command_path if context else "handgrad"
        _exit(f"{name}: {error.format_message()} (see {name} --help)", error.exit_code)
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout when it exits
        sys.exit(128 + signal.SIGPIPE)
    except (HandgradError, OSError) as error:
        line = system_message(error) or (str(error) if isinstance(error, HandgradError) else None)
        if line is None:
            raise
        _exit(line, 1)
    except (KeyboardInterrupt, typer.Abort):  # typer raises Abort at a prompt
        _exit("interrupted", 128 + signal.SIGINT)
    except Interrupted as stopped:
        _exit(f"stopped by {stopped}", 128 + stopped.signal)


def _exit(message: str, status: int) -> None:
    with suppress(OSError):  # the terminal may be closed
        sys.stderr.write("".join(f"{printable(line)}\n" for line in message.splitlines()))
        sys.stderr.flush()
    sys.exit(status)


def printable(text: str) -> str:
    """Return a text with unprintable characters, such as terminal control codes, as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
