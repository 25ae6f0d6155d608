"""The log of a job: every line in its file, warnings and errors on the terminal too."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handgrad.errors import HandgradError
from handgrad.stopping import Stopped

logger = logging.getLogger("handgrad")


@contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Log to a file while a job runs; an error ends the process with status 1.

    A HandgradError is one line, in the file and on the terminal. Any other exception is a fault of the
    program: its traceback goes to the file, its last line and the file's name to the terminal. Work that a
    signal has stopped ends with the status that shells give to it, 128 and the signal's number.
    """
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers = [to_file, to_terminal]
    logger.setLevel(logging.INFO)
    began = time.perf_counter()
    try:
        yield
    except Stopped as stopped:
        logger.warning("%s", stopped)
        sys.exit(128 + stopped.signal)
    except HandgradError as error:
        logger.error("%s", error)
        sys.exit(1)
    except MemoryError as error:
        logger.error(
            "not enough memory on this machine (%s): make room, use fewer hidden_units, a smaller batch_size "
            "or fewer cores, or train where there is more, and run snakemake again",
            " ".join(str(error).split()) or "how much was asked for is not known",
        )
        sys.exit(1)
    except KeyboardInterrupt:
        logger.warning("interrupted; nothing of this job was kept")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001, the last place that sees it
        to_file.handle(_record(error))
        to_terminal.handle(
            logging.makeLogRecord(
                {
                    "levelno": logging.ERROR,
                    "msg": f"{type(error).__name__}: {error} (an error in the program; all of it: {path})",
                }
            )
        )
        sys.exit(1)
    logger.info("done in %.1f s", time.perf_counter() - began)


def _record(error: Exception) -> logging.LogRecord:
    return logger.makeRecord(
        logger.name,
        logging.ERROR,
        __file__,
        0,
        "an error in the program",
        (),
        (type(error), error, error.__traceback__),
    )
