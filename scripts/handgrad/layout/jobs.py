"""List the rules of the workflow and the jobs of an experiment, with their outputs.

Every job parses the workflow again, so this module imports little.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from handgrad.experiment.config import Experiment
from handgrad.experiment.registry import EMBEDDED
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout import paths
from handgrad.layout.figures import DATASET_FIGURES, OVERALL_FIGURES, figure_keys
from handgrad.layout.paths import (
    BEST_RUNS,
    CHECKSUMS,
    OPTIONAL_TABLES,
    TABLE_KINDS,
    TABLES,
)

#: the part of searches, and the last part of an experiment
SEARCH_PART, LAST_PART = "search", "tables, figures, page"
#: the rule that ranks settings, and the rules that train runs
RANKING_RULE = "rank_candidates"
TRAINING = ("train_run", "train_candidate", "promote_candidate", "finish_candidate")


class Rule(NamedTuple):
    """A rule of the workflow.

    part: the part of the experiment. name: the name of a job's log and benchmark. outputs: paths of the output files.
    Names and outputs contain wildcards.
    """

    part: str
    name: str
    outputs: tuple[str, ...]


_SEARCH, _SLOT = "{experiment}/{block}_{dataset}", "slot_{slot}_seed_{seed}"

#: the rules that make files; the parts are in the order in which Snakemake makes them
RULES = {
    "download_file": Rule("downloads", "{dataset}/{file}", (paths.DOWNLOAD,)),
    "preprocess_dataset": Rule("datasets", "{dataset}", (paths.DATA,)),
    "check_gate": Rule("gates", "{dataset}_{activation}", (paths.GATE,)),
    "train_run": Rule("runs", "{dataset}/{run}", (paths.RUN,)),
    "train_candidate": Rule(SEARCH_PART, f"{_SEARCH}/{{run}}", (paths.CANDIDATE,)),
    RANKING_RULE: Rule(SEARCH_PART, f"{_SEARCH}/rung_{{rung}}", (paths.RANKING,)),
    "promote_candidate": Rule(SEARCH_PART, f"{_SEARCH}/rung_{{rung}}_{_SLOT}", (paths.PROMOTED,)),
    "finish_candidate": Rule(SEARCH_PART, f"{_SEARCH}/{{part}}_{_SLOT}", (paths.FINISHED,)),
    "check_gradients": Rule("gradient checks", "{dataset}_{activation}_{settings}", (paths.GRADIENT_CHECK,)),
    **{
        f"aggregate_{name}": Rule(LAST_PART, "{experiment}", tuple(paths.table(name, kind) for kind in kinds))
        for names, kinds in (
            ((*TABLES, *OPTIONAL_TABLES), (*TABLE_KINDS, CHECKSUMS)),
            ((BEST_RUNS,), ("csv", CHECKSUMS)),
        )
        for name in names
    },
    **{f"plot_{name}": Rule(LAST_PART, "{experiment}/{dataset}", (paths.figure(name),)) for name in DATASET_FIGURES},
    **{f"plot_{name}": Rule(LAST_PART, "{experiment}", (paths.figure(name),)) for name in OVERALL_FIGURES},
    "render_summary": Rule(LAST_PART, "{experiment}", (paths.PAGE,)),
}
PARTS = tuple(dict.fromkeys(rule.part for rule in RULES.values()))


def log(rule: str) -> str:
    """Return the log path of a rule, with wildcards."""
    return paths.LOG.format(rule=rule, name=RULES[rule].name)


def benchmark(rule: str) -> str:
    """Return the benchmark path of a rule, with wildcards."""
    return paths.BENCHMARK.format(rule=rule, name=RULES[rule].name)


def failed_check(rule: str) -> str:
    """Return the path for the result of a failed check, with wildcards."""
    return paths.FAILED_CHECK.format(rule=rule, name=RULES[rule].name)


@dataclass(frozen=True)
class Job:
    """A job of an experiment.

    name: the name of its log and benchmark. dataset: None if the job is for all datasets. run: the run that it
    trains, if it is known before the job starts. search: the search to which the job belongs. rung: the number of its
    rung; the final part and the finalists have the next numbers. slot: rank (from 0) and seed of the run that it
    trains.
    """

    rule: str
    name: str
    outputs: tuple[str, ...] = ()
    dataset: str | None = None
    run: Run | None = None
    search: Search | None = None
    rung: int | None = None
    slot: tuple[int, int] | None = None

    @property
    def trains(self) -> bool:
        """Whether the job trains a run."""
        return self.rule in TRAINING

    @property
    def is_ranked(self) -> bool:
        """Whether the job depends on all settings of its search: a ranking, or a slot of it."""
        return self.rule == RANKING_RULE or self.slot is not None

    @property
    def title(self) -> str:
        """The rule and the name of the job."""
        return f"{self.rule} {self.name}"

    @property
    def part(self) -> str:
        """The part of the experiment to which the job belongs."""
        return RULES[self.rule].part if self.rule in RULES else LAST_PART

    @property
    def log(self) -> Path:
        """The path of the log, relative to the working directory."""
        return Path(paths.LOG.format(rule=self.rule, name=self.name))

    @property
    def benchmark(self) -> Path:
        """The path of the benchmark file, relative to the working directory."""
        return Path(paths.BENCHMARK.format(rule=self.rule, name=self.name))


def runs_of(jobs: Iterable[Job]) -> list[Run]:
    """Return all runs that some jobs may train, each once."""
    training = [job for job in jobs if job.trains]
    known = [job.run for job in training if job.run]
    searches = dict.fromkeys(job.search for job in training if job.search and not job.run)
    return list(dict.fromkeys([*known, *(run for search in searches for run in search.settings)]))


def jobs_of(experiment: Experiment) -> list[Job]:
    """Return all jobs of an experiment, finished or not, including downloads."""
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
    for search in experiment.searches:
        yield from _search_jobs(name, search)
    for figure, shown in figure_keys(experiment):
        yield _job(f"plot_{figure}", shown, experiment=name)
    tables = [f"aggregate_{table}" for table in (*paths.table_names(experiment), BEST_RUNS)]
    yield from (_job(rule, experiment=name) for rule in (*tables, "render_summary"))


def _search_jobs(experiment: str, search: Search) -> Iterator[Job]:
    """Yield the jobs of a search in the order in which they run."""
    final = len(search.rungs)

    def job(rule: str, number: int, run: Run | None = None, at: tuple[int, int] | None = None, part: str = "") -> Job:
        values = {"experiment": experiment, "block": str(search.block), "rung": str(number), "part": part}
        values |= {"slot": str(at[0]), "seed": str(at[1])} if at else {}
        return replace(_job(rule, search.dataset, run, **values), search=search, rung=number, slot=at)

    for number in range(final + 1 if search.rungs else 0):
        if number == 0:
            yield from (job("train_candidate", 0, run) for run in search.candidates)
        elif number < final:
            yield from (job("promote_candidate", number, at=at) for at in search.slots(number))
        else:
            yield from (job("finish_candidate", number, at=at, part=paths.FINAL) for at in search.slots(number))
        if number in search.rankings:
            yield job(RANKING_RULE, number)
    if not search.rungs:
        yield from (job(RANKING_RULE, number) for number in search.rankings)
    yield from (job("finish_candidate", final + 1, at=at, part=paths.FINALISTS) for at in search.finalist_slots())


def _job(rule: str, dataset: str | None = None, run: Run | None = None, **wildcards: str) -> Job:
    values = {"dataset": dataset, "run": run and run.name, **wildcards}
    made = RULES[rule]
    return Job(rule, made.name.format(**values), tuple(path.format(**values) for path in made.outputs), dataset, run)


def downloads(experiment: Experiment, dataset: str) -> dict[str, str]:
    """Return the paths of the files that a dataset downloads, by role.

    Files in the user's own folder are not inputs of any rule. Their modification times may be in the future, and
    Snakemake would then delete the outputs. The config check finds missing files. The checksums of the registry are
    params of the rule, so a changed checksum makes the dataset again.
    """
    names = _downloaded(experiment, dataset)
    return {role: paths.DOWNLOAD.format(dataset=dataset, file=file) for role, file in names.items()}


def _downloaded(experiment: Experiment, dataset: str) -> dict[str, str]:
    facts = experiment.datasets[dataset]
    local = facts["format"] in EMBEDDED or facts["local_dir"] is not None
    return {} if local else {role: file["name"] for role, file in facts["files"].items()}
