"""Describe the remaining jobs and their cost, on this machine or on a cluster, for ``handgrad plan``."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.jobs import PARTS
from handgrad.layout.memory import SHARE
from handgrad.layout.resources import SNAKEMAKE_MEGABYTES
from handgrad.monitor.estimates import Estimate, makespan
from handgrad.monitor.planned_jobs import PlannedJob

DOWNLOADS = PARTS[0]
#: seconds of Snakemake: to plan, and for each job
TO_PLAN, A_JOB = 1.0, 0.1
#: additional seconds of a submission to a cluster: the queue, and the start of Snakemake in the job
A_SUBMISSION = 8.0


@dataclass(frozen=True)
class Cores:
    """This machine. number: cores to use. megabytes: its memory."""

    number: int
    megabytes: int

    def at_once(self, estimates: Iterable[Estimate]) -> int:
        """Return how many jobs run at once if each requests as much memory as the largest of them."""
        memory = _most_memory(estimates)
        return max(1, min(self.number, int(SHARE * self.megabytes * 10**6) // memory if memory else self.number))

    def seconds(self, part: Sequence[Estimate]) -> float:
        """Return how long the jobs of a part of the experiment take."""
        return makespan([one.cpu_seconds + A_JOB for one in part], self.at_once(part))

    def memory_text(self, estimates: Sequence[Estimate]) -> str:
        """Return a description of the memory that jobs request, with a warning if this machine has less."""
        most = max(map(self._memory_at_once, parts_of(estimates)))
        largest = max(estimates, key=lambda one: one.memory)
        text = f"up to {size_text(most)} at once, {size_text(largest.memory)} for one job"
        runs = [one for one in estimates if one.job.run]
        if self.at_once(runs) < min(self.number, len(runs)):
            text += f"; this machine has memory for {counted(self.at_once(runs), 'run')} at once"
        if largest.memory > self.megabytes * 10**6:
            text += f". THIS MACHINE HAS {size_text(self.megabytes * 1e6)}: {largest.job.title} requests more"
        return text

    def _memory_at_once(self, part: Sequence[Estimate]) -> int:
        return sum(sorted((one.memory for one in part), reverse=True)[: self.at_once(part)])

    def __str__(self) -> str:
        return counted(self.number, "core")


@dataclass(frozen=True)
class Cluster:
    """A cluster. profile: path of its profile. jobs: submissions at once. runs, cpus: in each submission."""

    profile: str
    jobs: int
    runs: int
    cpus: int

    def seconds(self, part: Sequence[Estimate]) -> float:
        """Return how long the jobs of a part of the experiment take, without time in the queue."""
        return makespan(self.submissions(part), self.jobs)

    def submissions(self, estimates: Iterable[Estimate]) -> list[float]:
        """Return the seconds of each submission. Runs of one dataset are grouped; each other job is a submission."""
        found, runs = [], dict[str | None, list[float]]()
        for one in estimates:
            if one.job.run:
                runs.setdefault(one.job.dataset, []).append(one.cpu_seconds)
            else:
                found.append(A_SUBMISSION + one.cpu_seconds)
        for seconds in runs.values():
            groups = math.ceil(len(seconds) / self.runs)
            ordered = sorted(seconds, reverse=True)
            found += [A_SUBMISSION + makespan(ordered[n::groups], self.cpus) for n in range(groups)]
        return found

    def memory_text(self, estimates: Sequence[Estimate]) -> str:
        """Return a description of the memory that jobs request."""
        largest = size_text(_most_memory(estimates))
        return f"up to {largest} for one job, and {SNAKEMAKE_MEGABYTES} MB more for Snakemake in it"

    def __str__(self) -> str:
        return f"{self.profile}, {counted(self.jobs, 'submission')} at once"


def read_cluster(profile: Path) -> Cluster:
    """Read a cluster profile. Raises HandgradError if it is not a profile or lacks a value that a plan needs."""
    file = profile / "profile.yaml"
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        sizes = content.get("group-components", {})
        return Cluster(
            str(profile),
            jobs=int(content["jobs"]),
            runs=max((int(size) for group, size in sizes.items() if group.startswith("train_")), default=1),
            cpus=int(content.get("resources", {}).get("cpus_per_task", 1)),
        )
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise HandgradError(
            f"{file}: cannot be read as a cluster profile ({' '.join(str(error).split())}); set jobs, the maximum "
            "number of submissions in the queue, as in profiles/slurm"
        ) from error


def wall_seconds(estimates: Sequence[Estimate], machine: Cores | Cluster) -> float:
    """Return the wall time of all jobs in seconds."""
    return TO_PLAN + sum(map(machine.seconds, parts_of(estimates)))


def parts_of(estimates: Sequence[Estimate]) -> list[list[Estimate]]:
    """Return the estimates, grouped by the parts of the experiment. The parts run one after the other."""
    return [[one for one in estimates if one.job.part == part] for part in PARTS]


def _most_memory(estimates: Iterable[Estimate]) -> int:
    return max((one.memory for one in estimates), default=0)


@dataclass(frozen=True)
class Cost:
    """The cost of all jobs of a plan.

    cpu_seconds: time of one core, without downloads. wall_seconds: time until the end. disk, disk_free: bytes.
    """

    cpu_seconds: float
    wall_seconds: float
    disk: int
    disk_free: int


def cost_of(estimates: Sequence[Estimate], machine: Cores | Cluster, free: int) -> Cost:
    """Return the cost of the remaining jobs. free: free bytes on the disk of the results."""
    cpu_seconds = sum(one.cpu_seconds for one in estimates if one.job.part != DOWNLOADS)
    return Cost(cpu_seconds, wall_seconds(estimates, machine), sum(one.disk for one in estimates), free)


def plan_table(jobs: Sequence[PlannedJob], estimates: Sequence[Estimate]) -> list[str]:
    """Return a table with one line for each part of the experiment: jobs to do, jobs done, and CPU time."""
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
    """Return sentences about the cost of the remaining jobs. earlier: number of earlier runs in the estimate."""
    wall = f"Wall time: about {duration_text(cost.wall_seconds)} on {machine}"
    if isinstance(machine, Cluster):
        submissions = machine.submissions(one for one in estimates if one.job.part != DOWNLOADS)
        wall += f", without time in the queue. {counted(len(submissions), 'submission')} in all"
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
