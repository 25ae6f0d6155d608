"""Define the paths of all files that the workflow makes; names in braces are Snakemake wildcards.

Every job parses the workflow again, so this module imports little.
"""

from typing import TYPE_CHECKING

from handgrad.layout.figures import COMPARISON, DATASET_FIGURES, IMPORTANCE, SEARCH_TABLE, figure_keys

if TYPE_CHECKING:
    from handgrad.experiment.config import Experiment
    from handgrad.experiment.searches import Search

DOWNLOAD = "resources/{dataset}/{file}"
DATA = "results/data/{dataset}.h5"
RUN = "results/runs/{dataset}/{run}.h5"
CHECKPOINTS = "results/checkpoints"
GATE = "results/checks/gate/{dataset}_{activation}.json"
GRADIENT_CHECK = "results/checks/gradients/{dataset}_{activation}_{settings}.json"
#: the files of a search (``experiment.searches``), for each entry of ``experiments`` and each dataset
SEARCH = "results/{experiment}/search/{block}/{dataset}"
CANDIDATE = f"{SEARCH}/rung_0/{{run}}.json"
RANKING = f"{SEARCH}/ranking_{{rung}}.json"
PROMOTED = f"{SEARCH}/rung_{{rung}}/slot_{{slot}}_seed_{{seed}}.json"
FINISHED = f"{SEARCH}/{{part}}/slot_{{slot}}_seed_{{seed}}.h5"
FINAL, FINALISTS = "final", "finalists"
TABLE = "results/{experiment}/tables/{table}.{kind}"
DATASET_FIGURE = "results/{experiment}/figures/{figure}/{dataset}.svg"
FIGURE = "results/{experiment}/figures/{figure}.svg"
PAGE = "results/{experiment}/summary.html"
#: Snakemake's report, which ``handgrad report`` makes
REPORT = "results/{experiment}/report.html"
#: the page of two experiments, which ``handgrad compare`` makes
COMPARISON_PAGE = "results/{a}_vs_{b}.html"
#: files that jobs write in addition to their outputs; for {name}, see ``layout.jobs``
LOGS = "results/logs"
LOG = f"{LOGS}/{{rule}}/{{name}}.log"
BENCHMARKS = "results/benchmarks"
BENCHMARK = f"{BENCHMARKS}/{{rule}}/{{name}}.tsv"
FAILED_CHECK = "results/checks/failed/{rule}/{name}.json"

#: the tables of every experiment, the tables that only some experiments have, and the file types of each table
TABLES = ("results", "seeds", "best", "gradient_checks")
OPTIONAL_TABLES = (SEARCH_TABLE, COMPARISON, IMPORTANCE)
TABLE_KINDS = ("csv", "md", "html")
#: the table with the best run of each dataset; only programs read it
BEST_RUNS = "best_runs"
#: the file type for the checksums of a table
CHECKSUMS = "csv.sha256"


def table(name: str, kind: str = "csv", experiment: str = "{experiment}") -> str:
    """Return the path of a table. kind: its file type."""
    return TABLE.format(experiment=experiment, table=name, kind=kind)


def figure(name: str, experiment: str = "{experiment}", dataset: str = "{dataset}") -> str:
    """Return the path of a figure. dataset: ignored for a figure of all datasets."""
    template = DATASET_FIGURE if name in DATASET_FIGURES else FIGURE
    return template.format(experiment=experiment, figure=name, dataset=dataset)


def dataset_names(experiment: "Experiment") -> list[str]:
    """Return the datasets that an experiment uses, in the order of first use."""
    return list(dict.fromkeys(run.dataset for run in experiment.all_runs))


def run_file(dataset: str, run: str) -> str:
    """Return the path of a run file."""
    return RUN.format(dataset=dataset, run=run)


def data_file(dataset: str) -> str:
    """Return the path of a dataset file."""
    return DATA.format(dataset=dataset)


def run_files(experiment: "Experiment", dataset: str | None = None) -> list[str]:
    """Return the run files of an experiment, in table order. dataset: None for all datasets."""
    whole = [run_file(run.dataset, run.name) for run in experiment.runs if dataset in (None, run.dataset)]
    searches = [search for search in experiment.searches if dataset in (None, search.dataset)]
    return [*whole, *(path for search in searches for path in finished_files(experiment.name, search))]


def finished_files(experiment: str, search: "Search") -> list[str]:
    """Return the run files of a search: those of its final part and those of finalists with new seeds."""
    final = part_files(experiment, search, len(search.rungs)) if search.rungs else []
    return [*final, *finalist_files(experiment, search)]


def finalist_files(experiment: str, search: "Search") -> list[str]:
    """Return the run files of the finalists of a search with new seeds."""
    return [search_file(FINISHED, experiment, search, FINALISTS, at) for at in search.finalist_slots()]


def part_files(experiment: str, search: "Search", part: int) -> list[str]:
    """Return the files of the settings in a rung of a search, or in its final part, in the order of its slots.

    Without ``halving``, the final part is the runs that are trained whole.
    """
    if not search.rungs:
        return [run_file(run.dataset, run.name) for run in search.candidates]
    if part == 0:
        return [search_file(CANDIDATE, experiment, search, run=run.name) for run in search.candidates]
    template, name = (FINISHED, FINAL) if part == len(search.rungs) else (PROMOTED, part)
    return [search_file(template, experiment, search, name, at) for at in search.slots(part)]


def ranking_file(experiment: str, search: "Search", rung: int) -> str:
    """Return the path of the ranking after a rung; the final part counts as the last rung."""
    return search_file(RANKING, experiment, search, rung)


def ranked_files(experiment: "Experiment", dataset: str | None = None) -> tuple[list[str], list[str]]:
    """Return the results and the rankings of searches with halving, part by part. dataset: None for all datasets."""
    name, searches = experiment.name, [search for search in experiment.halved if dataset in (None, search.dataset)]
    parts = [(search, part) for search in searches for part in range(len(search.sizes))]
    rankings = [ranking_file(name, search, rung) for search in searches for rung in search.rankings]
    return [path for search, part in parts for path in part_files(name, search, part)], rankings


def finalist_inputs(experiment: "Experiment") -> dict[str, list[str]]:
    """Return the files that decide on the finalists of all searches: ranked run files, rankings and their run files."""
    name, searches = experiment.name, [search for search in experiment.searches if search.finalists]
    return {
        "ranked": [path for search in searches for path in part_files(name, search, len(search.rungs))],
        "rankings": [ranking_file(name, search, len(search.rungs)) for search in searches],
        "finalists": [path for search in searches for path in finalist_files(name, search)],
    }


def search_files(experiment: "Experiment") -> list[str]:
    """Return the rungs and the rankings of all searches of an experiment, without the run files."""
    rungs = [
        path
        for search in experiment.searches
        for part in range(len(search.rungs))
        for path in part_files(experiment.name, search, part)
    ]
    searches = experiment.searches
    return rungs + [ranking_file(experiment.name, search, rung) for search in searches for rung in search.rankings]


def search_file(
    template: str, experiment: str, search: "Search", part: str | int = "", at: tuple[int, int] = (0, 0), run: str = ""
) -> str:
    """Return the path of a file of a search. part: a rung, or the name of a part. at: rank (from 0) and seed."""
    place = {"experiment": experiment, "block": search.block, "dataset": search.dataset}
    return template.format(**place, run=run, part=part, rung=part, slot=at[0], seed=at[1])


def data_files(experiment: "Experiment") -> list[str]:
    """Return the dataset files of an experiment."""
    return [data_file(dataset) for dataset in dataset_names(experiment)]


def checked(experiment: "Experiment") -> list[tuple[str, str]]:
    """Return the pairs of dataset and activation that gates and gradient checks cover."""
    return list(dict.fromkeys((run.dataset, run.activation) for run in experiment.all_runs))


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
    has = {
        SEARCH_TABLE: bool(experiment.halved),
        COMPARISON: experiment.has_published,
        IMPORTANCE: experiment.has_importance,
    }
    return [*TABLES, *(name for name in OPTIONAL_TABLES if has[name])]


def table_files(experiment: "Experiment") -> list[str]:
    """Return the table files of an experiment, in all file types."""
    return [table(name, kind, experiment.name) for name in table_names(experiment) for kind in TABLE_KINDS]


def checksum_files(experiment: "Experiment") -> list[str]:
    """Return the checksum files of the tables of an experiment."""
    return [table(name, CHECKSUMS, experiment.name) for name in table_names(experiment)]


def figure_files(experiment: "Experiment") -> list[str]:
    """Return the figure files of an experiment."""
    return [figure(name, experiment.name, dataset or "") for name, dataset in figure_keys(experiment)]


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

    The files of searches, run files, checks and gates are targets too. If one of them was deleted, Snakemake makes it
    again even if its tables still exist. Snakemake also retries a failed gate, even if its runs still exist.
    """
    return [
        *search_files(experiment),
        *run_files(experiment),
        *gradient_checks(experiment),
        *gates(experiment),
        *table_files(experiment),
        *figure_files(experiment),
        page_file(experiment),
    ]
