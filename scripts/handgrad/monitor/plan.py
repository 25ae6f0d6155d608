"""What will be done and what it will cost: ``handgrad plan``."""

from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.jobs import Job
from handgrad.monitor.machines import Cluster, Cores, max_megabytes, stages, wall_seconds

#: the parts of an experiment, in the order in which they are done, and their rules; the rest is the last part
PARTS = {
    "downloads": ("download_file",),
    "datasets": ("preprocess_dataset",),
    "gates": ("check_gate",),
    "runs": ("train_run",),
    "gradient checks": ("check_gradients",),
    "tables, figures, page": (),
}


def part_of(rule: str) -> str:
    """Return the part of an experiment that a rule belongs to."""
    return next((part for part, rules in PARTS.items() if rule in rules), "tables, figures, page")


@dataclass(frozen=True)
class PlannedPart:
    """What is to be done of a part of an experiment. seconds: of one core."""

    name: str
    to_do: int
    done: int
    seconds: float
    from_checkpoints: int
    download_bytes: int


@dataclass(frozen=True)
class PlannedCost:
    """What a plan costs.

    job_megabytes: what the largest job asks for, largest_job. megabytes, runs_at_once: of what runs at once on
    this machine; None on a cluster, whose submissions are counted in place of them. runs_by_earlier_runs,
    runs_by_operation_counts: how many runs are estimated by what.
    """

    cpu_seconds: float
    wall_seconds: float
    job_megabytes: int
    largest_job: str
    megabytes: int | None
    runs_at_once: int | None
    submissions: int | None
    disk_bytes: int
    runs_by_earlier_runs: int
    runs_by_operation_counts: int


def plan_parts(jobs: Sequence[Job], estimates: Sequence[Estimate]) -> list[PlannedPart]:
    """Return the parts that the experiment has. estimates: of the jobs that are to be done."""
    found = []
    for part in PARTS:
        number = sum(part_of(job.rule) == part for job in jobs)
        some = [one for one in estimates if part_of(one.job.rule) == part]
        seconds = 0.0 if part == "downloads" else sum(one.seconds for one in some)
        download = sum(one.room for one in some) if part == "downloads" else 0
        resumed = sum(one.passed > 0 for one in some)
        if number:
            found.append(PlannedPart(part, len(some), number - len(some), seconds, resumed, download))
    return found


def plan_cost(estimates: Sequence[Estimate], machine: Cores | Cluster) -> PlannedCost:
    """Return what the jobs that are to be done will cost."""
    computed = [one for one in estimates if one.job.rule != "download_file"]
    runs = [one for one in estimates if one.job.rule == "train_run"]
    largest = max(estimates, key=lambda one: one.megabytes, default=None)
    cores, cluster = (machine, None) if isinstance(machine, Cores) else (None, machine)
    return PlannedCost(
        cpu_seconds=sum(one.seconds for one in computed),
        wall_seconds=wall_seconds(estimates, machine),
        job_megabytes=largest.megabytes if largest else 0,
        largest_job=largest.job.title if largest else "",
        megabytes=max(map(cores.megabytes_at_once, stages(estimates))) if cores else None,
        runs_at_once=cores.at_once(max_megabytes(runs)) if cores else None,
        submissions=len(cluster.submissions(computed)) if cluster else None,
        disk_bytes=sum(one.room for one in estimates),
        runs_by_earlier_runs=sum(one.by == "earlier runs" for one in runs),
        runs_by_operation_counts=sum(one.by == "operation counts" for one in runs),
    )


def plan_table(jobs: Sequence[Job], estimates: Sequence[Estimate]) -> list[str]:
    """Return a line for each part that the experiment has: to do, done, and the time of one core."""
    lines = [f"{'':<23}{'to do':>7}{'done':>8}{'CPU time':>14}"]
    for part in plan_parts(jobs, estimates):
        seconds = duration_text(part.seconds) if part.seconds else "-"
        line = f"{part.name:<23}{part.to_do:>7}{part.done:>8}{seconds:>14}"
        if part.from_checkpoints:
            line += f"   {part.from_checkpoints} from checkpoints"
        if part.download_bytes:
            line += f"   {size_text(part.download_bytes)}"
        lines.append(line)
    return lines


def plan_words(estimates: Sequence[Estimate], machine: Cores | Cluster, *, earlier: int, free: int) -> list[str]:
    """Return what the jobs that are to be done will cost, in sentences.

    earlier: how many earlier runs the estimate rests on. free: bytes that are free where results go.
    """
    cost = plan_cost(estimates, machine)
    lines = [
        f"CPU time in all: about {duration_text(cost.cpu_seconds)}.",
        f"Wall time: about {duration_text(cost.wall_seconds)} on {machine}",
    ]
    if isinstance(machine, Cluster):
        lines[-1] += f", if it starts each at once. {counted(cost.submissions or 0, 'submission')} in all."
    else:
        lines[-1] += "."
    if cost.job_megabytes:
        lines.append(_memory(cost, machine))
    lines.append(f"Disk: about {size_text(cost.disk_bytes)}, checkpoints included; {size_text(free)} are free.")
    if cost.disk_bytes >= free:
        lines[-1] += " THAT IS NOT ENOUGH."
    if cost.runs_by_earlier_runs:
        lines.append(f"{counted(cost.runs_by_earlier_runs, 'run')} estimated by {counted(earlier, 'earlier run')}.")
    if cost.runs_by_operation_counts:
        lines.append(
            f"{counted(cost.runs_by_operation_counts, 'run')} estimated by operation counts, at the speed of a matrix "
            "product on this machine now: right within a factor of 2. It gets better with the first runs."
        )
    return lines


def _memory(cost: PlannedCost, machine: Cores | Cluster) -> str:
    each = size_text(cost.job_megabytes * 1e6)
    if isinstance(machine, Cluster):
        return f"Memory: a job asks for up to {each}, and for 150 MB for Snakemake."
    line = f"Memory: up to {size_text((cost.megabytes or 0) * 1e6)} at once, {each} for one job"
    runs = cost.runs_by_earlier_runs + cost.runs_by_operation_counts
    if cost.runs_at_once is not None and cost.runs_at_once < min(machine.number, runs):
        line += f"; this machine has room for {counted(cost.runs_at_once, 'run')} at once"
    if cost.job_megabytes > machine.megabytes:
        line += f". THIS MACHINE HAS {size_text(machine.megabytes * 1e6)}: {cost.largest_job} asks for more"
    return f"{line}."
