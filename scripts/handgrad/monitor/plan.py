"""Describe the remaining jobs and their cost, on this machine or on a cluster, for ``handgrad plan``."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.jobs import PARTS, RANKING_RULE
from handgrad.layout.memory import SHARE
from handgrad.layout.resources import SNAKEMAKE_MEGABYTES
from handgrad.monitor.estimates import Estimate, makespan
from handgrad.monitor.groups import table_lines, waves
from handgrad.monitor.planned_jobs import PlannedJob

DOWNLOADS = PARTS[0]
#: seconds of Snakemake: to plan, additionally for each job of the plan, and to start a job
TO_PLAN, TO_PLAN_A_JOB, A_JOB = 1.0, 0.003, 0.1
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
        most = max(map(self._memory_at_once, waves(estimates)))
        largest = max(estimates, key=lambda one: one.memory)
        text = f"up to {size_text(most)} at once, {size_text(largest.memory)} for one job"
        runs = [one for one in estimates if one.job.trains]
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
    """A cluster. profile: path of its profile. jobs: submissions at once.

    grouped: number of jobs in each submission, for rules whose jobs are grouped. cpus: of each submission.
    """

    profile: str
    jobs: int
    grouped: Mapping[str, int]
    cpus: int

    def seconds(self, part: Sequence[Estimate]) -> float:
        """Return how long the jobs of a part of the experiment take, without time in the queue."""
        local = sum(one.cpu_seconds for one in part if one.job.rule == RANKING_RULE)
        return local + makespan(self.submissions(part), self.jobs)

    def submissions(self, estimates: Iterable[Estimate]) -> list[float]:
        """Return the seconds of each submission. Jobs of one rule and dataset that run at once are grouped.

        Rankings are not submitted; they run where Snakemake runs.
        """
        found = []
        for wave in waves(one for one in estimates if one.job.rule != RANKING_RULE):
            alike: dict[tuple[str, str | None], list[float]] = {}
            for one in wave:
                alike.setdefault((one.job.rule, one.job.dataset), []).append(one.cpu_seconds)
            for (rule, _), seconds in alike.items():
                groups = math.ceil(len(seconds) / self.grouped.get(rule, 1))
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
        groups, sizes = content.get("groups", {}), content.get("group-components", {})
        return Cluster(
            str(profile),
            jobs=int(content["jobs"]),
            grouped={rule: int(sizes.get(group, 1)) for rule, group in groups.items()},
            cpus=int(content.get("resources", {}).get("cpus_per_task", 1)),
        )
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise HandgradError(
            f"{file}: cannot be read as a cluster profile ({' '.join(str(error).split())}); set jobs, the maximum "
            "number of submissions in the queue, as in profiles/slurm"
        ) from error


def wall_seconds(estimates: Sequence[Estimate], machine: Cores | Cluster) -> float:
    """Return the wall time of all jobs in seconds."""
    return TO_PLAN + len(estimates) * TO_PLAN_A_JOB + sum(map(machine.seconds, waves(estimates)))


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
    """Return a table with one line for each part of the experiment: jobs to do, jobs done, and CPU time.

    A search has one line for each rung.
    """
    estimate_of = {one.job: one for one in estimates}
    parts = list(table_lines(jobs))
    width = max(23, *(len(title) + 1 for title, _ in parts))
    lines = [f"{'':<{width}}{'to do':>7}{'done':>8}{'CPU time':>14}"]
    for title, own in parts:
        some = [estimate_of[planned.job] for planned in own if planned.job in estimate_of]
        time, note = duration_text(sum(one.cpu_seconds for one in some)) if some else "-", ""
        if title == DOWNLOADS:
            time, note = "-", f"   {size_text(sum(one.disk for one in some))}"
        if resumed := sum(one.passed > 0 for one in some):
            note = f"   {resumed} from checkpoints"
        counts = f"{len(some):>7}{len(own) - len(some):>8}{time:>14}{note}" if own else ""
        lines.append(f"{title:<{width}}{counts}".rstrip())
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
    training = [one for one in estimates if one.job.trains]
    noun = "training job" if any(one.job.search for one in training) else "run"
    if by_earlier := sum(one.by_earlier_runs for one in training):
        lines.append(f"{counted(by_earlier, noun)} estimated by {counted(earlier, 'earlier run')}.")
    if by_operations := len(training) - by_earlier:
        lines.append(
            f"{counted(by_operations, noun)} estimated by operation counts, at the speed of a matrix product on this "
            "machine now: right within a factor of 2. It gets better with the first runs."
        )
    return lines
