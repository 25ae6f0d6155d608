"""Ending early without losing anything: SIGTERM and SIGINT as a request, and not as a death."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from handgrad.errors import HandgradError


class Stopped(HandgradError):
    """Work that a signal has ended early, and whose state is kept. signal: which one it was."""

    def __init__(self, message: str, number: signal.Signals) -> None:
        super().__init__(message)
        self.signal = number


class StopSignals:
    """While entered, SIGTERM and SIGINT are remembered in ``received``, for the work to look at.

    A scheduler sends SIGTERM some seconds before SIGKILL (at a time limit, a preemption or an scancel), and
    may send it more than once; Ctrl-C sends SIGINT. The first one counts.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._remember) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)
