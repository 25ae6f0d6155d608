"""What will be done and what it will cost, in words: ``handgrad plan``."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted, duration_text, size_text
from handgrad.layout.memory import SHARE
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.jobs import Step
from handgrad.monitor.makespan import makespan

#: the parts of an experiment, in the order in which they are done, and their rules; the rest is the last part
PARTS = {
    "downloads": ("download_file",),
    "datasets": ("preprocess_dataset",),
    "gates": ("check_gate",),
    "runs": ("train_run",),
    "gradient checks": ("check_gradients",),
    "tables, figures, page": (),
}

#: seconds that Snakemake takes to plan, and for each step
TO_PLAN, A_STEP = 1.0, 0.1
#: seconds of a submission to a cluster beside its work: the queue, and Snakemake within it
A_SUBMISSION = 8.0


def part_of(rule: str) -> str:
    """The part of an experiment that a rule belongs to."""
    return next((part for part, rules in PARTS.items() if rule in rules), "tables, figures, page")


@dataclass(frozen=True)
class Cores:
    """A machine. megabytes: its memory."""

    number: int
    megabytes: int

    def at_once(self, megabytes: int) -> int:
        """How many jobs run at once that each ask for so much memory."""
        fit = int(SHARE * self.megabytes) // megabytes if megabytes else self.number
        return max(1, min(self.number, fit))

    def together(self, estimates: Sequence[Estimate]) -> int:
        """The megabytes that jobs ask for that run at once, when the largest do."""
        megabytes = sorted((estimate.megabytes for estimate in estimates), reverse=True)
        return sum(megabytes[: self.at_once(max(megabytes, default=0))])

    def wall(self, estimates: Sequence[Estimate]) -> float:
        """Seconds from the command to its end."""
        stages = _stages(estimates)
        seconds = sum(
            makespan(
                [estimate.seconds + A_STEP for estimate in stage],
                self.at_once(max((estimate.megabytes for estimate in stage), default=0)),
            )
            for stage in stages
        )
        return TO_PLAN + seconds if estimates else 0.0

    def __str__(self) -> str:
        return counted(self.number, "core")


@dataclass(frozen=True)
class Cluster:
    """A cluster, by its profile. jobs: submissions at once; cpus and runs: of a submission."""

    profile: str
    jobs: int
    runs: int
    cpus: int

    def wall(self, estimates: Sequence[Estimate]) -> float:
        """Seconds from the command to its end, if the cluster starts each submission at once."""
        stages = _stages(estimates)
        seconds = sum(makespan(self._submissions(stage), self.jobs) for stage in stages)
        return TO_PLAN + seconds if estimates else 0.0

    def submissions(self, estimates: Iterable[Estimate]) -> int:
        """How many submissions that makes."""
        return len(self._submissions([e for e in estimates if e.step.rule != "download_file"]))

    def _submissions(self, stage: Iterable[Estimate]) -> list[float]:
        """What each submission of a stage takes: runs of one dataset go together, all else by itself."""
        found, members = [], dict[str, list[float]]()
        for estimate in stage:
            if estimate.step.rule == "train_run":
                members.setdefault(estimate.step.name.partition("/")[0], []).append(estimate.seconds)
            else:
                found.append(A_SUBMISSION + estimate.seconds)
        for seconds in members.values():
            groups = math.ceil(len(seconds) / self.runs)
            ordered = sorted(seconds, reverse=True)
            found += [A_SUBMISSION + makespan(ordered[n::groups], self.cpus) for n in range(groups)]
        return found

    def __str__(self) -> str:
        return f"{self.profile}, {counted(self.jobs, 'submission')} at once"


def read_cluster(profile: Path) -> Cluster:
    """A cluster profile. Raises HandgradError if it is none, or does not say what a plan needs."""
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
            f"{file}: cannot be read as a profile for a cluster ({' '.join(str(error).split())}); it must "
            "say jobs, how many submissions may be in the queue, as profiles/slurm does"
        ) from error


def _stages(estimates: Sequence[Estimate]) -> list[list[Estimate]]:
    """Estimates by what must be done before what; checks wait for data alone, and are done with runs."""
    stages: dict[str, list[Estimate]] = {part: [] for part in PARTS}
    for estimate in estimates:
        part = part_of(estimate.step.rule)
        stages["runs" if part == "gradient checks" else part].append(estimate)
    return list(stages.values())


def plan_table(steps: Sequence[Step], estimates: Sequence[Estimate]) -> list[str]:
    """A line for each part that the experiment has: to do, done, and the time of one core."""
    lines = [f"{'':<23}{'to do':>7}{'done':>8}{'CPU time':>14}"]
    for part in PARTS:
        own = [step for step in steps if part_of(step.rule) == part]
        some = [estimate for estimate in estimates if part_of(estimate.step.rule) == part]
        if own:
            seconds = "-" if part == "downloads" or not some else duration_text(_seconds(some))
            lines.append(f"{part:<23}{len(some):>7}{len(own) - len(some):>8}{seconds:>14}{_beside(some)}")
    return lines


def _seconds(estimates: Iterable[Estimate]) -> float:
    return sum(estimate.seconds for estimate in estimates)


def _beside(estimates: Sequence[Estimate]) -> str:
    resumed = [estimate for estimate in estimates if estimate.passed]
    downloads = sum(estimate.room for estimate in estimates if estimate.step.rule == "download_file")
    if resumed:
        return f"   {len(resumed)} from checkpoints"
    return f"   {size_text(downloads)}" if downloads else ""


def plan_words(estimates: Sequence[Estimate], machine: Cores | Cluster, *, earlier: int, free: int) -> list[str]:
    """What the steps that are to be done will cost, in sentences.

    earlier: how many earlier runs the estimate rests on. free: bytes that are free where results go.
    """
    computed = [estimate for estimate in estimates if estimate.step.rule != "download_file"]
    lines = [
        f"CPU time in all: about {duration_text(_seconds(computed))}.",
        f"Wall time: about {duration_text(machine.wall(estimates))} on {machine}"
        + (", if it starts each at once." if isinstance(machine, Cluster) else "."),
    ]
    if isinstance(machine, Cluster):
        lines[-1] += f" {counted(machine.submissions(estimates), 'submission')} in all."
    lines += [_memory(estimates, machine), _disk(estimates, free)]
    return [line for line in [*lines, *_basis(estimates, earlier)] if line]


def _memory(estimates: Sequence[Estimate], machine: Cores | Cluster) -> str:
    each = max((estimate.megabytes for estimate in estimates), default=0)
    if not each:
        return ""
    if isinstance(machine, Cluster):
        return f"Memory: a job asks for up to {size_text(each * 1e6)}, and for 150 MB for Snakemake."
    together = max(machine.together(stage) for stage in _stages(estimates))
    line = f"Memory: up to {size_text(together * 1e6)} at once, {size_text(each * 1e6)} for one job"
    runs = [estimate.megabytes for estimate in estimates if estimate.step.rule == "train_run"]
    at_once = machine.at_once(max(runs, default=0))
    if at_once < min(machine.number, len(runs)):
        line += f"; this machine has room for {counted(at_once, 'run')} at once"
    if each > machine.megabytes:
        step = max(estimates, key=lambda estimate: estimate.megabytes).step
        has = size_text(machine.megabytes * 1e6)
        line += f". THIS MACHINE HAS {has}: {step.rule} {step.name} asks for more"
    return f"{line}."


def _disk(estimates: Sequence[Estimate], free: int) -> str:
    needed = sum(estimate.room for estimate in estimates)
    line = f"Disk: about {size_text(needed)}, checkpoints included; {size_text(free)} are free."
    return line if needed < free else f"{line} THAT IS NOT ENOUGH."


def _basis(estimates: Sequence[Estimate], earlier: int) -> list[str]:
    by = [estimate.by for estimate in estimates]
    known, unknown = by.count("earlier runs"), by.count("operation counts")
    lines = []
    if known:
        lines.append(f"{counted(known, 'run')} estimated by {counted(earlier, 'earlier run')}.")
    if unknown:
        lines.append(
            f"{counted(unknown, 'run')} estimated by operation counts, at the speed of a matrix product on "
            "this machine now: right within a factor of 2. It gets better with the first runs."
        )
    return lines
