"""Stop a job on SIGTERM, SIGINT or SIGHUP without losing its work.

A signal that was ignored when the process started stays ignored, for example SIGHUP under ``nohup``.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from handgrad.common.errors import HandgradError

Handler = Callable[[int, FrameType | None], Any]


class Stopped(HandgradError):
    """A signal stopped the job, and its state was saved. signal: the signal."""

    def __init__(self, message: str, number: signal.Signals) -> None:
        super().__init__(message)
        self.signal = number


class Interrupted(BaseException):
    """A signal stopped the job, and there was nothing to save. Not an Exception, so that no other code catches it."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.signal = number


def handle(numbers: Iterable[signal.Signals], handler: Handler | signal.Handlers) -> dict[signal.Signals, Any]:
    """Set the handler of all given signals that are not ignored; return their previous handlers."""
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heeded}


def restore(previous: dict[signal.Signals, Any]) -> None:
    """Restore the handlers that ``handle`` replaced."""
    for number, handler in previous.items():
        signal.signal(number, handler)


class StopSignals:
    """A context that stores the first SIGTERM, SIGINT or SIGHUP in ``received``, which the job must check.

    A scheduler sends SIGTERM some seconds before SIGKILL (at a time limit, a preemption or an scancel), and may send it
    more than once. Ctrl-C sends SIGINT. A closed terminal sends SIGHUP.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._previous = handle(self.SIGNALS, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        restore(self._previous)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """A context in which the first SIGTERM or SIGHUP raises Interrupted, so that temporary files are deleted.

    SIGINT raises KeyboardInterrupt, as usual in Python.
    """

    def interrupt(number: int, _: FrameType | None) -> None:
        # a closed terminal may send SIGHUP twice; the second must not interrupt the cleanup
        handle((signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)
        raise Interrupted(signal.Signals(number))

    previous = handle((signal.SIGTERM, signal.SIGHUP), interrupt)
    try:
        yield
    finally:
        restore(previous)
