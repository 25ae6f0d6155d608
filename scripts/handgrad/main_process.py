"""What the main process of a workflow takes care of, and no job does."""

import logging
import signal
import threading
from contextlib import suppress
from types import FrameType

import psutil  # type: ignore[import-untyped]

from handgrad.stopping import handle


def prepare_main_process() -> None:
    """From now on, a closed terminal ends this process and its jobs in an orderly way.

    On a full disk, the handlers of Snakemake's log print no traceback for each line that they cannot write.
    """
    logging.raiseExceptions = False
    if threading.current_thread() is threading.main_thread():  # Python allows signal handlers nowhere else
        end_tree_at_hangup()


def end_tree_at_hangup() -> None:
    """From now on, the first SIGHUP ends this process as Ctrl-C does, and reaches all jobs.

    A terminal that is closed sends SIGHUP to each process that runs in it; ``kill -HUP`` does not.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:  # from the shell as well: the second must not end what the first has begun
            return
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.send_signal(number)
        raise SystemExit(128 + number)

    handle((signal.SIGHUP,), end)
