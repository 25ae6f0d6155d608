"""How long the jobs of a plan take on this machine's cores, or on a cluster."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.errors import HandgradError
from handgrad.common.formatting import counted
from handgrad.layout.memory import SHARE
from handgrad.monitor.estimates import Estimate
from handgrad.monitor.makespan import makespan

#: seconds that Snakemake takes to plan, and for each job
TO_PLAN, A_JOB = 1.0, 0.1
#: seconds of a submission to a cluster beside its work: the queue, and Snakemake within it
A_SUBMISSION = 8.0


#: what is done one after the other; checks wait for data alone, and are done with runs
STAGES = (("download_file",), ("preprocess_dataset",), ("check_gate",), ("train_run", "check_gradients"))


@dataclass(frozen=True)
class Cores:
    """A machine. megabytes: its memory."""

    number: int
    megabytes: int

    def at_once(self, megabytes: int) -> int:
        """Return how many jobs run at once that each ask for so much memory."""
        fit = int(SHARE * self.megabytes) // megabytes if megabytes else self.number
        return max(1, min(self.number, fit))

    def seconds(self, stage: Sequence[Estimate]) -> float:
        """Return how long the jobs of a stage take."""
        return makespan([job.seconds + A_JOB for job in stage], self.at_once(max_megabytes(stage)))

    def megabytes_at_once(self, stage: Sequence[Estimate]) -> int:
        """Return what the largest jobs of a stage that run at once ask for."""
        megabytes = sorted((job.megabytes for job in stage), reverse=True)
        return sum(megabytes[: self.at_once(max_megabytes(stage))])

    def __str__(self) -> str:
        return counted(self.number, "core")


@dataclass(frozen=True)
class Cluster:
    """A cluster, by its profile. jobs: submissions at once; cpus and runs: of a submission."""

    profile: str
    jobs: int
    runs: int
    cpus: int

    def seconds(self, stage: Sequence[Estimate]) -> float:
        """Return how long the jobs of a stage take, if the cluster starts each submission at once."""
        return makespan(self.submissions(stage), self.jobs)

    def submissions(self, estimates: Iterable[Estimate]) -> list[float]:
        """Return what each submission takes: runs of one dataset go together, all else by itself."""
        found, runs = [], dict[str, list[float]]()
        for estimate in estimates:
            if estimate.job.rule == "train_run":
                runs.setdefault(estimate.job.name.partition("/")[0], []).append(estimate.seconds)
            else:
                found.append(A_SUBMISSION + estimate.seconds)
        for seconds in runs.values():
            groups = math.ceil(len(seconds) / self.runs)
            ordered = sorted(seconds, reverse=True)
            found += [A_SUBMISSION + makespan(ordered[n::groups], self.cpus) for n in range(groups)]
        return found

    def __str__(self) -> str:
        return f"{self.profile}, {counted(self.jobs, 'submission')} at once"


def read_cluster(profile: Path) -> Cluster:
    """Read a cluster profile. Raises HandgradError if it is none, or does not say what a plan needs."""
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


def wall_seconds(estimates: Sequence[Estimate], machine: Cores | Cluster) -> float:
    """Return the seconds from the command to its end."""
    return TO_PLAN + sum(map(machine.seconds, stages(estimates))) if estimates else 0.0


def stages(estimates: Sequence[Estimate]) -> list[list[Estimate]]:
    """Return estimates by what must be done before what."""
    found = [[one for one in estimates if one.job.rule in rules] for rules in STAGES]
    return [*found, [one for one in estimates if not any(one.job.rule in rules for rules in STAGES)]]


def max_megabytes(estimates: Iterable[Estimate]) -> int:
    """Return what the largest job asks for."""
    return max((estimate.megabytes for estimate in estimates), default=0)
