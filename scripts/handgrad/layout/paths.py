"""The files that the workflow makes for an experiment, as paths in the folder of the project.

Light on purpose: Snakemake parses the workflow again in every job.
"""

from collections.abc import Iterable
from itertools import product
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment

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
#: what jobs write besides their outputs
LOG = "results/logs/{rule}/{name}.log"
BENCHMARK = "results/benchmarks/{rule}/{name}.tsv"
FAILED_CHECK = "results/checks/failed/{rule}/{name}.json"

#: the tables of an experiment, but for the comparison, and the kinds of file that each comes as
TABLES = ("results", "seeds", "best", "gradient_checks")
COMPARISON = "comparison"
TABLE_KINDS = ("csv", "md", "html")
#: the best run of each dataset, a table for programs alone
BEST_RUNS = "best_runs"
#: what holds the checksums of a table
CHECKSUMS = "csv.sha256"
#: the figures of each dataset, and those of all datasets, with their titles, in the order of the page
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


def dataset_names(experiment: "Experiment") -> list[str]:
    """The datasets that an experiment trains on, in the order in which it names them."""
    return list(dict.fromkeys(run.dataset for run in experiment.runs))


def run_file(dataset: str, run: str) -> str:
    """The file of a run."""
    return f"results/runs/{dataset}/{run}.h5"


def data_file(dataset: str) -> str:
    """A dataset as a file."""
    return f"results/data/{dataset}.h5"


def run_files(experiment: "Experiment", dataset: str | None = None) -> list[str]:
    """The run files of an experiment, in the order of its table; of one dataset, or of all."""
    return [run_file(run.dataset, run.name) for run in experiment.runs if dataset in (None, run.dataset)]


def data_files(experiment: "Experiment") -> list[str]:
    """The datasets that an experiment trains on, as files."""
    return [data_file(dataset) for dataset in dataset_names(experiment)]


def checked(experiment: "Experiment") -> list[tuple[str, str]]:
    """What is checked: each dataset and activation that is trained."""
    return list(dict.fromkeys((run.dataset, run.activation) for run in experiment.runs))


def gates(experiment: "Experiment") -> list[str]:
    """The checks that must have passed before training."""
    return [f"results/checks/gate/{dataset}_{activation}.json" for dataset, activation in checked(experiment)]


def gradient_checks(experiment: "Experiment") -> list[str]:
    """The report's gradient checks."""
    settings = experiment.gradient_check.name
    return [
        f"results/checks/gradients/{dataset}_{activation}_{settings}.json"
        for dataset, activation in checked(experiment)
    ]


def table_names(experiment: "Experiment") -> list[str]:
    """What the tables of an experiment are called."""
    return [*TABLES, *([COMPARISON] if experiment.has_published else [])]


def table_files(experiment: "Experiment") -> list[str]:
    """The tables of an experiment, as files."""
    return [
        f"results/{experiment.name}/tables/{name}.{kind}" for name in table_names(experiment) for kind in TABLE_KINDS
    ]


def checksum_files(experiment: "Experiment") -> list[str]:
    """The checksums of the tables of an experiment."""
    return [f"results/{experiment.name}/tables/{name}.{CHECKSUMS}" for name in table_names(experiment)]


def figure_files(experiment: "Experiment") -> list[str]:
    """The figures of an experiment."""
    figures = figure_keys(dataset_names(experiment), comparison=experiment.has_published)
    return [
        f"results/{experiment.name}/figures/{'/'.join(filter(None, [kind, dataset]))}.svg" for kind, dataset in figures
    ]


def figure_keys(datasets: Iterable[str], *, comparison: bool) -> list[tuple[str, str | None]]:
    """The kind and the dataset of each figure, in the order of ``figure_files``; None: of all datasets."""
    overall = [kind for kind in OVERALL_FIGURES if kind != COMPARISON or comparison]
    return [*product(DATASET_FIGURES, datasets), *((kind, None) for kind in overall)]


def page_file(experiment: "Experiment") -> str:
    """The page of an experiment."""
    return f"results/{experiment.name}/summary.html"


def report_file(experiment: "Experiment") -> str:
    """Snakemake's report of an experiment, which ``handgrad report`` makes."""
    return f"results/{experiment.name}/report.html"


def final_outputs(experiment: "Experiment") -> list[str]:
    """What ``snakemake`` makes when it is not told what to make."""
    best_runs = f"results/{experiment.name}/tables/{BEST_RUNS}"
    return [*archived_outputs(experiment), *checksum_files(experiment), f"{best_runs}.csv", f"{best_runs}.{CHECKSUMS}"]


def archived_outputs(experiment: "Experiment") -> list[str]:
    """The same without the checksums of tables and the best runs, which an archive does not need.

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


def job_name(path: str) -> str:
    """The job that makes one of these files, as its log is called: ``train_run/<dataset>/<run>``."""
    _, top, *inner, last = PurePosixPath(path.removesuffix(f".{CHECKSUMS}")).with_suffix("").parts
    if top == "runs":
        return "/".join(["train_run", *inner, last])
    if top == "data":
        return f"preprocess_dataset/{last}"
    if top == "checks":
        return f"check_{inner[0]}/{last}"
    if inner == ["tables"]:
        return f"aggregate_{last}/{top}"
    if inner[:1] == ["figures"]:
        return f"plot_{last}/{top}" if len(inner) == 1 else f"plot_{inner[1]}/{top}/{last}"
    return f"render_summary/{top}"
