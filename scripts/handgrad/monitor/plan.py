"""What will be done and what it will cost, in words: ``handgrad plan``."""

from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.jobs import PARTS
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.machines import Cluster, Cores, wall_seconds
from handgrad.monitor.planned_jobs import PlannedJob

DOWNLOADS = PARTS[0]


@dataclass(frozen=True)
class Cost:
    """What all jobs of a plan cost: seconds of one core, without downloads; seconds to the end; bytes."""

    cpu_seconds: float
    wall_seconds: float
    disk: int
    disk_free: int


def cost_of(estimates: Sequence[Estimate], machine: Cores | Cluster, free: int) -> Cost:
    """Return what the jobs that are to be done will cost. free: bytes that are free where results go."""
    cpu_seconds = sum(one.cpu_seconds for one in estimates if one.job.part != DOWNLOADS)
    return Cost(cpu_seconds, wall_seconds(estimates, machine), sum(one.disk for one in estimates), free)


def plan_table(jobs: Sequence[PlannedJob], estimates: Sequence[Estimate]) -> list[str]:
    """Return a line for each part that the experiment has: to do, done, and the time of one core."""
    lines = [f"{'':<23}{'to do':>7}{'done':>8}{'CPU time':>14}"]
    for part in PARTS:
        number = sum(planned.job.part == part for planned in jobs)
        some = [one for one in estimates if one.job.part == part]
        time, note = duration_text(sum(one.cpu_seconds for one in some)) if some else "-", ""
        if part == DOWNLOADS:
            time, note = "-", f"   {size_text(sum(one.disk for one in some))}"
        if resumed := sum(one.passed > 0 for one in some):
            note = f"   {resumed} from checkpoints"
        if number:
            lines.append(f"{part:<23}{len(some):>7}{number - len(some):>8}{time:>14}{note}")
    return lines


def plan_words(estimates: Sequence[Estimate], machine: Cores | Cluster, cost: Cost, *, earlier: int) -> list[str]:
    """Return what the jobs that are to be done will cost, in sentences.

    earlier: how many earlier runs the estimate rests on.
    """
    wall = f"Wall time: about {duration_text(cost.wall_seconds)} on {machine}"
    if isinstance(machine, Cluster):
        submissions = machine.submissions(one for one in estimates if one.job.part != DOWNLOADS)
        wall += f", if it starts each at once. {counted(len(submissions), 'submission')} in all"
    disk = f"Disk: about {size_text(cost.disk)}, checkpoints included; {size_text(cost.disk_free)} are free."
    lines = [
        f"CPU time in all: about {duration_text(cost.cpu_seconds)}.",
        f"{wall}.",
        *([f"Memory: {machine.memory_text(estimates)}."] if any(one.memory for one in estimates) else []),
        disk + (" THAT IS NOT ENOUGH." if cost.disk >= cost.disk_free else ""),
    ]
    runs = [one.by_earlier_runs for one in estimates if one.job.run]
    if by_earlier := sum(runs):
        lines.append(f"{counted(by_earlier, 'run')} estimated by {counted(earlier, 'earlier run')}.")
    if counted_operations := len(runs) - by_earlier:
        lines.append(
            f"{counted(counted_operations, 'run')} estimated by operation counts, at the speed of a matrix product on "
            "this machine now: right within a factor of 2. It gets better with the first runs."
        )
    return lines
