"""Files of the workflow that are dated in the future, by another machine's clock or after a copy.

Snakemake removes what a job made if one of its inputs is newer, so nothing could be made from such a file
until its date has passed.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from handgrad.common.errors import HandgradError

_STEP = 1_000_000  # ns; a millisecond keeps apart what Snakemake compares as floating point


def date_now(paths: Iterable[str | Path]) -> list[Path]:
    """Date the files that are in the future to now, in the order of their dates, and return them.

    Raises HandgradError, one line, if the dates cannot be set.
    """
    now = time.time_ns()
    there = [path for path in map(Path, paths) if path.exists()]
    found = {path: modified for path in there if (modified := path.stat().st_mtime_ns) > now}
    order = sorted(set(found.values()), reverse=True)
    for path, modified in found.items():
        date = now - _STEP * order.index(modified)
        try:
            os.utime(path, ns=(date, date))
        except OSError as error:
            hours = (modified - now) / 3.6e12
            raise HandgradError(
                f"{path}: dated {hours:.1f} hours in the future, so Snakemake removes what is made from it, "
                f"and the date cannot be set ({error.strerror}); let the file's owner touch it, or copy the "
                "folder and work in the copy"
            ) from error
    return sorted(found)
