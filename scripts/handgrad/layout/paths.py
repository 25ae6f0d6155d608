"""The files that the workflow makes, as paths in the folder of the project; names in braces are Snakemake's wildcards.

Light on purpose: Snakemake parses the workflow again in every job.
"""

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment

DOWNLOAD = "resources/{dataset}/{file}"
DATA = "results/data/{dataset}.h5"
RUN = "results/runs/{dataset}/{run}.h5"
CHECKPOINTS = "results/checkpoints"
GATE = "results/checks/gate/{dataset}_{activation}.json"
GRADIENT_CHECK = "results/checks/gradients/{dataset}_{activation}_{settings}.json"
TABLE = "results/{experiment}/tables/{table}.{kind}"
DATASET_FIGURE = "results/{experiment}/figures/{figure}/{dataset}.svg"
FIGURE = "results/{experiment}/figures/{figure}.svg"
PAGE = "results/{experiment}/summary.html"
#: Snakemake's report, which ``handgrad report`` makes
REPORT = "results/{experiment}/report.html"
#: what jobs write besides their outputs; name: see ``layout.jobs``
LOG = "results/logs/{rule}/{name}.log"
BENCHMARKS = "results/benchmarks"
BENCHMARK = f"{BENCHMARKS}/{{rule}}/{{name}}.tsv"
FAILED_CHECK = "results/checks/failed/{rule}/{name}.json"

#: the table of published results, and the other tables of an experiment; the kinds of file that each comes as
COMPARISON = "comparison"
TABLES = ("results", "seeds", "best", "gradient_checks")
TABLE_KINDS = ("csv", "md", "html")
#: the best run of each dataset, a table for programs alone
BEST_RUNS = "best_runs"
#: the kind of file that holds the checksums of a table
CHECKSUMS = "csv.sha256"
#: the figures of each dataset, and those of all datasets, with their titles, in the order of the page; the latter are
#: called like the tables that they show
DATASET_FIGURES = {
    "accuracy": "Accuracy by hidden units",
    "heat_maps": "Faults by learning rate and λ",
    "learning_curves": "Learning curves",
    "cost": "Accuracy against cost",
    "confusion": "Confusion matrix of the best run",
    "mistakes": "The most confident mistakes of the best run",
    "weights": "First-layer weights of the best run",
}
OVERALL_FIGURES = {"best": "Best accuracy by hidden units", COMPARISON: "Published and reproduced faults"}


def table(name: str, kind: str = "csv", experiment: str = "{experiment}") -> str:
    """Return the file of a table."""
    return TABLE.format(experiment=experiment, table=name, kind=kind)


def figure(name: str, experiment: str = "{experiment}", dataset: str = "{dataset}") -> str:
    """Return the file of a figure; dataset: of which, where each dataset has one."""
    template = DATASET_FIGURE if name in DATASET_FIGURES else FIGURE
    return template.format(experiment=experiment, figure=name, dataset=dataset)


def dataset_names(experiment: "Experiment") -> list[str]:
    """Return the datasets that an experiment trains on, in the order in which it names them."""
    return list(dict.fromkeys(run.dataset for run in experiment.runs))


def run_file(dataset: str, run: str) -> str:
    """Return the file of a run."""
    return RUN.format(dataset=dataset, run=run)


def data_file(dataset: str) -> str:
    """Return the file of a dataset."""
    return DATA.format(dataset=dataset)


def run_files(experiment: "Experiment", dataset: str | None = None) -> list[str]:
    """Return the run files of an experiment, in the order of its table; of one dataset, or of all."""
    return [run_file(run.dataset, run.name) for run in experiment.runs if dataset in (None, run.dataset)]


def data_files(experiment: "Experiment") -> list[str]:
    """Return the files of the datasets that an experiment trains on."""
    return [data_file(dataset) for dataset in dataset_names(experiment)]


def checked(experiment: "Experiment") -> list[tuple[str, str]]:
    """Return what is checked: each dataset and activation that is trained."""
    return list(dict.fromkeys((run.dataset, run.activation) for run in experiment.runs))


def gates(experiment: "Experiment") -> list[str]:
    """Return the files of the checks that must have passed before training."""
    return [GATE.format(dataset=dataset, activation=activation) for dataset, activation in checked(experiment)]


def gradient_checks(experiment: "Experiment") -> list[str]:
    """Return the files of the report's gradient checks."""
    settings = experiment.gradient_check.name
    return [
        GRADIENT_CHECK.format(dataset=dataset, activation=activation, settings=settings)
        for dataset, activation in checked(experiment)
    ]


def table_names(experiment: "Experiment") -> list[str]:
    """Return the names of the tables of an experiment."""
    return [*TABLES, *([COMPARISON] if experiment.has_published else [])]


def table_files(experiment: "Experiment") -> list[str]:
    """Return the files of the tables of an experiment."""
    return [table(name, kind, experiment.name) for name in table_names(experiment) for kind in TABLE_KINDS]


def checksum_files(experiment: "Experiment") -> list[str]:
    """Return the files of the checksums of the tables of an experiment."""
    return [table(name, CHECKSUMS, experiment.name) for name in table_names(experiment)]


def figure_files(experiment: "Experiment") -> list[str]:
    """Return the files of the figures of an experiment."""
    figures = figure_keys(dataset_names(experiment), comparison=experiment.has_published)
    return [figure(name, experiment.name, dataset or "") for name, dataset in figures]


def figure_keys(datasets: Iterable[str], *, comparison: bool) -> list[tuple[str, str | None]]:
    """Return the name and the dataset of each figure, in the order of ``figure_files``; None: of all datasets."""
    overall = [name for name in OVERALL_FIGURES if name != COMPARISON or comparison]
    return [*product(DATASET_FIGURES, datasets), *((name, None) for name in overall)]


def page_file(experiment: "Experiment") -> str:
    """Return the file of the page of an experiment."""
    return PAGE.format(experiment=experiment.name)


def report_file(experiment: "Experiment") -> str:
    """Return the file of Snakemake's report of an experiment."""
    return REPORT.format(experiment=experiment.name)


def final_outputs(experiment: "Experiment") -> list[str]:
    """Return what ``snakemake`` makes if it is given no target."""
    best_runs = [table(BEST_RUNS, kind, experiment.name) for kind in ("csv", CHECKSUMS)]
    return [*archived_outputs(experiment), *checksum_files(experiment), *best_runs]


def archived_outputs(experiment: "Experiment") -> list[str]:
    """Return the same without the checksums of tables and the best runs, which an archive does not need.

    Run files, checks and gates are named too: one that somebody deleted is made again, though the tables made
    from it are still there; and a gate that has failed is tried again, though the runs that it once let pass
    are.
    """
    return [
        *run_files(experiment),
        *gradient_checks(experiment),
        *gates(experiment),
        *table_files(experiment),
        *figure_files(experiment),
        page_file(experiment),
    ]
