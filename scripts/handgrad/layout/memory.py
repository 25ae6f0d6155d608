"""How much memory this machine has for jobs, and which runs need more than that."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import psutil

from handgrad.common.formatting import counted, size_text
from handgrad.experiment.runs import Run
from handgrad.layout import resources as costs

#: of the machine's memory, what jobs get together; the rest is for the system and Snakemake
SHARE = 0.9

_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def machine_megabytes() -> int:
    """Return the megabytes that all processes here may use: of the machine, or of its container if that has less."""
    installed: int = psutil.virtual_memory().total
    return min([installed, *group_limits(_GROUPS, _ROOT)]) // 10**6


def group_limits(groups: Path, root: Path) -> Iterator[int]:
    """Return the limits, in bytes, of the control groups of a process and of all groups around them.

    groups: its /proc/<id>/cgroup. root: where control groups are mounted. A container may see its own group
    as the root, so groups that are not there are passed over.
    """
    try:
        lines = groups.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":  # version 2
            folders, name = [root, root / "unified"], "memory.max"
        elif "memory" in controllers.split(","):
            folders, name = [root / "memory"], "memory.limit_in_bytes"
        else:
            continue
        own = PurePosixPath(path.lstrip("/"))
        for folder in folders:
            yield from filter(None, (_limit(folder / group / name) for group in [own, *own.parents]))


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max": no limit
        return None


def too_large(runs: Iterable[Run], datasets: Mapping[str, costs.Facts], available: int | None = None) -> str | None:
    """Return a line on the runs that need more memory than there is, or None: the largest, how much, what to change.

    available: megabytes; None for those of this machine. Only runs that cannot fit are named.
    """
    available = machine_megabytes() if available is None else available
    needed = {run: costs.min_megabytes(run, datasets[run.dataset]) for run in runs}
    large = [run for run, megabytes in needed.items() if megabytes > available]
    if not large:
        return None
    run = max(large, key=lambda run: (needed[run], run.name))  # Snakemake's jobs come in any order
    others = f" (so do {counted(len(large) - 1, 'other run')})" if len(large) > 1 else ""
    return (
        f"results/runs/{run.dataset}/{run.name}.h5: this run needs about {size_text(needed[run] * 1e6)} of "
        f"memory, and this machine has {size_text(available * 1e6)}{others}; "
        f"{_remedy(run, datasets[run.dataset], available)}, or train on a machine or cluster that has more"
    )


def _remedy(run: Run, facts: costs.Facts, available: int) -> str:
    """Return what to change; a run's memory grows evenly with its hidden units."""
    units = costs.max_units(run, facts, available)
    if units < 1:
        return f"use a smaller batch_size than {run.batch_size}"
    digits = 10 ** max(len(str(units)) - 2, 0)
    return f"use at most {units // digits * digits} hidden_units, not {run.hidden_units}"
