"""How much memory this machine has for jobs, and which runs need more than that."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

import psutil

from handgrad.common.formatting import size_text
from handgrad.experiment.runs import Run
from handgrad.layout.paths import RUN
from handgrad.layout.resources import Facts, max_units, min_megabytes

#: of the machine's memory, what jobs get together; the rest is for the system and Snakemake
SHARE = 0.9

#: where the control group of a process, and the limits of all groups of version 2, are found
_GROUP, _ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def machine_megabytes() -> int:
    """Return the megabytes that all processes here may use: of the machine, or of its container if that has less."""
    installed: int = psutil.virtual_memory().total
    return min([installed, *group_limits(_GROUP, _ROOT)]) // 10**6


def group_limits(group: Path, root: Path) -> Iterator[int]:
    """Return the limits, in bytes, of the control group of a process and of all groups around it.

    group: its /proc/<id>/cgroup. root: where control groups are mounted. A container may see its own group
    as the root, so groups that are not there are passed over.
    """
    with suppress(OSError):  # no Linux
        for line in group.read_text(encoding="utf-8").splitlines():
            own = PurePosixPath(line.removeprefix("0::/"))
            for folder in (own, *own.parents) if line.startswith("0::") else ():
                with suppress(OSError, ValueError):  # not there, or "max": no limit
                    yield int((root / folder / "memory.max").read_text(encoding="ascii"))


def too_large(runs: Iterable[Run], datasets: Mapping[str, Facts], available: int | None = None) -> str | None:
    """Return a line on the runs that need more memory than there is, or None: the largest, how much, what to change.

    available: megabytes; None for those of this machine. Only runs that cannot fit are named.
    """
    available = machine_megabytes() if available is None else available
    needed = {run: min_megabytes(run, datasets[run.dataset]) for run in runs}
    large = [run for run, megabytes in needed.items() if megabytes > available]
    if not large:
        return None
    run = max(large, key=lambda run: (needed[run], run.name))  # Snakemake's jobs come in any order
    units = max_units(run, datasets[run.dataset], available)
    remedy = f"at most {units} hidden_units" if units > 0 else f"a smaller batch_size than {run.batch_size}"
    return (
        f"{RUN.format(dataset=run.dataset, run=run.name)}: this run needs about {size_text(needed[run] * 1e6)} of "
        f"memory, and this machine has {size_text(available * 1e6)} (runs too large: {len(large)}); use {remedy}, or "
        "train on a machine or cluster that has more"
    )
