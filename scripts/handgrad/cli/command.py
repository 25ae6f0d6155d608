"""How a command for people ends: with its result, or with one line that says why not."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from handgrad.common.errors import HandgradError
from handgrad.common.logs import replacing_what_cannot_be_encoded
from handgrad.common.signals import Interrupted, interrupted_by_signals
from handgrad.common.system_errors import system_message
from handgrad.experiment.config_errors import ConfigError


@contextmanager
def as_command(name: str = "", *, looks: bool = False, interrupted: str = "interrupted") -> Iterator[None]:
    """Run a command; what ends it early is a line on stderr and an exit status.

    name: what the line begins with, as in ``make recover``. looks: whether it changes nothing, so that it may
    end well when its reader, such as ``head``, has seen enough. interrupted: what to say after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        replacing_what_cannot_be_encoded(stream)
    start = f"{name}: " if name else ""
    try:
        with interrupted_by_signals():
            yield
            sys.stdout.flush()
    except ConfigError as error:  # its lines begin with the file
        _exit(str(error), 1)
    except HandgradError as error:
        _exit(f"{start}{system_message(error) or error}", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes at its end
        sys.exit(0 if looks else 128 + signal.SIGPIPE)
    except OSError as error:
        if not (line := system_message(error)):
            raise
        _exit(f"{start}{line}", 1)
    except KeyboardInterrupt:
        _exit(f"{start}{interrupted}", 128 + signal.SIGINT)
    except Interrupted as stopped:
        _exit(f"{start}stopped by {stopped}", 128 + stopped.signal)


def _exit(message: str, status: int) -> None:
    with suppress(OSError):  # a terminal that is gone
        sys.stderr.write("".join(f"{printable(line)}\n" for line in message.splitlines()))
        sys.stderr.flush()
    sys.exit(status)


def printable(text: str) -> str:
    """A text without what would steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
