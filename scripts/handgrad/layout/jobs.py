"""The rules of the workflow, and the jobs that an experiment has: the one place that knows which job makes what.

Light on purpose: Snakemake parses the workflow again in every job.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import EMBEDDED
from handgrad.experiment.runs import Run
from handgrad.layout import paths
from handgrad.layout.paths import (
    BEST_RUNS,
    CHECKSUMS,
    COMPARISON,
    DATASET_FIGURES,
    OVERALL_FIGURES,
    TABLE_KINDS,
    TABLES,
)

#: the part of an experiment that is made last
LAST_PART = "tables, figures, page"


class Rule(NamedTuple):
    """A rule. part: of an experiment. name: that of a job's log and benchmark, by its wildcards, as are its outputs."""

    part: str
    name: str
    outputs: tuple[str, ...]


#: the rules that make files, by the parts of an experiment in the order in which these are made
RULES = {
    "download_file": Rule("downloads", "{dataset}/{file}", (paths.DOWNLOAD,)),
    "preprocess_dataset": Rule("datasets", "{dataset}", (paths.DATA,)),
    "check_gate": Rule("gates", "{dataset}_{activation}", (paths.GATE,)),
    "train_run": Rule("runs", "{dataset}/{run}", (paths.RUN,)),
    "check_gradients": Rule("gradient checks", "{dataset}_{activation}_{settings}", (paths.GRADIENT_CHECK,)),
    **{
        f"aggregate_{name}": Rule(LAST_PART, "{experiment}", tuple(paths.table(name, kind) for kind in kinds))
        for names, kinds in (((*TABLES, COMPARISON), (*TABLE_KINDS, CHECKSUMS)), ((BEST_RUNS,), ("csv", CHECKSUMS)))
        for name in names
    },
    **{f"plot_{name}": Rule(LAST_PART, "{experiment}/{dataset}", (paths.figure(name),)) for name in DATASET_FIGURES},
    **{f"plot_{name}": Rule(LAST_PART, "{experiment}", (paths.figure(name),)) for name in OVERALL_FIGURES},
    "render_summary": Rule(LAST_PART, "{experiment}", (paths.PAGE,)),
}
PARTS = tuple(dict.fromkeys(rule.part for rule in RULES.values()))


def log(rule: str) -> str:
    """Return where the logs of a rule's jobs are, by their wildcards."""
    return paths.LOG.format(rule=rule, name=RULES[rule].name)


def benchmark(rule: str) -> str:
    """Return where the benchmarks of a rule's jobs are, by their wildcards."""
    return paths.BENCHMARK.format(rule=rule, name=RULES[rule].name)


def failed_check(rule: str) -> str:
    """Return where the results of checks that fail are, by their wildcards."""
    return paths.FAILED_CHECK.format(rule=rule, name=RULES[rule].name)


@dataclass(frozen=True)
class Job:
    """A job of an experiment. name: of its log and benchmark. dataset: None if it is for all. run: what it trains."""

    rule: str
    name: str
    outputs: tuple[str, ...] = ()
    dataset: str | None = None
    run: Run | None = None

    @property
    def title(self) -> str:
        """Its rule and its name."""
        return f"{self.rule} {self.name}"

    @property
    def part(self) -> str:
        """The part of the experiment that it belongs to."""
        return RULES[self.rule].part if self.rule in RULES else LAST_PART

    @property
    def log(self) -> Path:
        """Its log, relative to the working directory."""
        return Path(paths.LOG.format(rule=self.rule, name=self.name))

    @property
    def benchmark(self) -> Path:
        """Its benchmark, relative to the working directory."""
        return Path(paths.BENCHMARK.format(rule=self.rule, name=self.name))


def jobs_of(experiment: Experiment) -> list[Job]:
    """Return all jobs of an experiment, downloads included, whether they are done or not."""
    return list(_jobs(experiment))


def _jobs(experiment: Experiment) -> Iterator[Job]:
    datasets, name = paths.dataset_names(experiment), experiment.name
    for dataset in datasets:
        yield from (_job("download_file", dataset, file=file) for file in _downloaded(experiment, dataset).values())
        yield _job("preprocess_dataset", dataset)
    for dataset, activation in paths.checked(experiment):
        yield _job("check_gate", dataset, activation=activation)
        settings = experiment.gradient_check.name
        yield _job("check_gradients", dataset, activation=activation, settings=settings)
    yield from (_job("train_run", run.dataset, run) for run in experiment.runs)
    for figure, shown in paths.figure_keys(datasets, comparison=experiment.has_published):
        yield _job(f"plot_{figure}", shown, experiment=name)
    tables = [f"aggregate_{table}" for table in (*paths.table_names(experiment), BEST_RUNS)]
    yield from (_job(rule, experiment=name) for rule in (*tables, "render_summary"))


def _job(rule: str, dataset: str | None = None, run: Run | None = None, **wildcards: str) -> Job:
    values = {"dataset": dataset, "run": run and run.name, **wildcards}
    made = RULES[rule]
    return Job(rule, made.name.format(**values), tuple(path.format(**values) for path in made.outputs), dataset, run)


def downloads(experiment: Experiment, dataset: str) -> dict[str, str]:
    """Return the files of a dataset that are downloaded, by their roles.

    Files in a folder of the user's own are no input of any rule, since they may be dated in the future, and Snakemake
    then removes what is made from them. Checking the config finds those that are missing; the checksums of the
    registry, which are params, decide whether they are read again.
    """
    names = _downloaded(experiment, dataset)
    return {role: paths.DOWNLOAD.format(dataset=dataset, file=file) for role, file in names.items()}


def _downloaded(experiment: Experiment, dataset: str) -> dict[str, str]:
    facts = experiment.datasets[dataset]
    local = facts["format"] in EMBEDDED or facts["local_dir"] is not None
    return {} if local else {role: file["name"] for role, file in facts["files"].items()}
