"""Find the memory of this machine and the runs that need more."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

import psutil

from handgrad.common.formatting import size_text
from handgrad.experiment.runs import Run
from handgrad.layout.paths import RUN
from handgrad.layout.resources import Facts, max_units, min_megabytes

#: share of the memory for all jobs together; the rest is for the system and Snakemake
SHARE = 0.9

#: the control group of this process, and the mount point of control groups (version 2)
_GROUP, _ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def machine_megabytes() -> int:
    """Return the memory of this machine, or of its container if that is less, in megabytes."""
    installed: int = psutil.virtual_memory().total
    return min([installed, *group_limits(_GROUP, _ROOT)]) // 10**6


def group_limits(group: Path, root: Path) -> Iterator[int]:
    """Yield the memory limits, in bytes, of the control group of a process and of its parent groups.

    group: /proc/<id>/cgroup of the process. root: mount point of the control groups. A container may see its own group
    as the root, so missing groups are skipped.
    """
    with suppress(OSError):  # not Linux
        for line in group.read_text(encoding="utf-8").splitlines():
            own = PurePosixPath(line.removeprefix("0::/"))
            for folder in (own, *own.parents) if line.startswith("0::") else ():
                with suppress(OSError, ValueError):  # missing, or "max" for no limit
                    yield int((root / folder / "memory.max").read_text(encoding="ascii"))


def too_large(runs: Iterable[Run], datasets: Mapping[str, Facts], available: int | None = None) -> str | None:
    """Return one line about the largest run that does not fit into memory, or None if all runs fit.

    available: megabytes; None for the memory of this machine.
    """
    available = machine_megabytes() if available is None else available
    needed = {run: min_megabytes(run, datasets[run.dataset]) for run in runs}
    large = [run for run, megabytes in needed.items() if megabytes > available]
    if not large:
        return None
    run = max(large, key=lambda run: (needed[run], run.name))  # of equal runs, the order of jobs must not matter
    units = max_units(run, datasets[run.dataset], available)
    remedy = f"at most {units} hidden_units" if units > 0 else f"a smaller batch_size than {run.batch_size}"
    return (
        f"{RUN.format(dataset=run.dataset, run=run.name)}: this run needs about {size_text(needed[run] * 1e6)} of "
        f"memory, but this machine has {size_text(available * 1e6)} (runs too large: {len(large)}); use {remedy}, or "
        "train on a machine or cluster with more memory"
    )
