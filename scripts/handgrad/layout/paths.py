"""Define the paths of all files that the workflow makes; names in braces are Snakemake wildcards.

Every job parses the workflow again, so this module imports little.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
#: files that jobs write in addition to their outputs; for {name}, see ``layout.jobs``
LOG = "results/logs/{rule}/{name}.log"
BENCHMARKS = "results/benchmarks"
BENCHMARK = f"{BENCHMARKS}/{{rule}}/{{name}}.tsv"
FAILED_CHECK = "results/checks/failed/{rule}/{name}.json"

#: the table that compares with published results, the other tables, and the file types of each table
COMPARISON = "comparison"
TABLES = ("results", "seeds", "best", "gradient_checks")
TABLE_KINDS = ("csv", "md", "html")
#: the table with the best run of each dataset; only programs read it
BEST_RUNS = "best_runs"
#: the file type for the checksums of a table
CHECKSUMS = "csv.sha256"
#: figure -> title, in the order of the page: one figure for each dataset, then one figure for all datasets; a figure
#: for all datasets has the name of the table that it shows
DATASET_FIGURES = {
    "accuracy": "Accuracy by hidden units",
    "heat_maps": "Faults by learning rate and λ",
    "learning_curves": "Learning curves",
    "cost": "Accuracy against cost",
    "confusion": "Confusion matrix of the best run",
    "mistakes": "The most confident mistakes of the best run",
    "weights": "First-layer weights of the best run",
}
IMAGE_FIGURES = ("mistakes",)  # only for datasets of images
OVERALL_FIGURES = {"best": "Best accuracy by hidden units", COMPARISON: "Published and reproduced faults"}


def table(name: str, kind: str = "csv", experiment: str = "{experiment}") -> str:
    """Return the path of a table. kind: its file type."""
    return TABLE.format(experiment=experiment, table=name, kind=kind)


def figure(name: str, experiment: str = "{experiment}", dataset: str = "{dataset}") -> str:
    """Return the path of a figure. dataset: ignored for a figure of all datasets."""
    template = DATASET_FIGURE if name in DATASET_FIGURES else FIGURE
    return template.format(experiment=experiment, figure=name, dataset=dataset)


def dataset_names(experiment: "Experiment") -> list[str]:
    """Return the datasets that an experiment uses, in the order of first use."""
    return list(dict.fromkeys(run.dataset for run in experiment.runs))


def entries(experiment: "Experiment") -> dict[str, Mapping[str, Any]]:
    """Return the registry entries of the datasets that an experiment uses, in the order of first use."""
    return {dataset: experiment.datasets[dataset] for dataset in dataset_names(experiment)}


def run_file(dataset: str, run: str) -> str:
    """Return the path of a run file."""
    return RUN.format(dataset=dataset, run=run)


def data_file(dataset: str) -> str:
    """Return the path of a dataset file."""
    return DATA.format(dataset=dataset)


def run_files(experiment: "Experiment", dataset: str | None = None) -> list[str]:
    """Return the run files of an experiment, in table order. dataset: None for all datasets."""
    return [run_file(run.dataset, run.name) for run in experiment.runs if dataset in (None, run.dataset)]


def data_files(experiment: "Experiment") -> list[str]:
    """Return the dataset files of an experiment."""
    return [data_file(dataset) for dataset in dataset_names(experiment)]


def checked(experiment: "Experiment") -> list[tuple[str, str]]:
    """Return the pairs of dataset and activation that gates and gradient checks cover."""
    return list(dict.fromkeys((run.dataset, run.activation) for run in experiment.runs))


def gates(experiment: "Experiment") -> list[str]:
    """Return the gate files, the checks that must pass before training."""
    return [GATE.format(dataset=dataset, activation=activation) for dataset, activation in checked(experiment)]


def gradient_checks(experiment: "Experiment") -> list[str]:
    """Return the files of the gradient checks that the report shows."""
    settings = experiment.gradient_check.name
    return [
        GRADIENT_CHECK.format(dataset=dataset, activation=activation, settings=settings)
        for dataset, activation in checked(experiment)
    ]


def table_names(experiment: "Experiment") -> list[str]:
    """Return the table names of an experiment."""
    return [*TABLES, *([COMPARISON] if experiment.has_published else [])]


def table_files(experiment: "Experiment") -> list[str]:
    """Return the table files of an experiment, in all file types."""
    return [table(name, kind, experiment.name) for name in table_names(experiment) for kind in TABLE_KINDS]


def checksum_files(experiment: "Experiment") -> list[str]:
    """Return the checksum files of the tables of an experiment."""
    return [table(name, CHECKSUMS, experiment.name) for name in table_names(experiment)]


def figure_files(experiment: "Experiment") -> list[str]:
    """Return the figure files of an experiment."""
    figures = figure_keys(entries(experiment), comparison=experiment.has_published)
    return [figure(name, experiment.name, dataset or "") for name, dataset in figures]


def figure_keys(datasets: Mapping[str, Mapping[str, Any]], *, comparison: bool) -> list[tuple[str, str | None]]:
    """Return the name and the dataset of each figure, in the order of ``figure_files``.

    The dataset is None for a figure of all datasets. datasets: registry entries by name. comparison: whether the
    experiment has a comparison table.
    """
    of_datasets = [
        (name, dataset)
        for name in DATASET_FIGURES
        for dataset, entry in datasets.items()
        if name not in IMAGE_FIGURES or entry["image_shape"]
    ]
    return [*of_datasets, *((name, None) for name in OVERALL_FIGURES if name != COMPARISON or comparison)]


def page_file(experiment: "Experiment") -> str:
    """Return the path of the page of an experiment."""
    return PAGE.format(experiment=experiment.name)


def report_file(experiment: "Experiment") -> str:
    """Return the path of Snakemake's report of an experiment."""
    return REPORT.format(experiment=experiment.name)


def final_outputs(experiment: "Experiment") -> list[str]:
    """Return the files that ``snakemake`` makes without an explicit target."""
    best_runs = [table(BEST_RUNS, kind, experiment.name) for kind in ("csv", CHECKSUMS)]
    return [*archived_outputs(experiment), *checksum_files(experiment), *best_runs]


def archived_outputs(experiment: "Experiment") -> list[str]:
    """Return the final outputs that an archive needs: all except the checksums of tables and the best runs.

    Run files, checks and gates are targets too. If one of them was deleted, Snakemake makes it again even if its
    tables still exist. Snakemake also retries a failed gate, even if its runs still exist.
    """
    return [
        *run_files(experiment),
        *gradient_checks(experiment),
        *gates(experiment),
        *table_files(experiment),
        *figure_files(experiment),
        page_file(experiment),
    ]
