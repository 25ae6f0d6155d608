# Load the experiment and define all functions that rules use. The library does the work.
import functools
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import RerunTrigger


def project_folder():
    """Return the folder of this project, which contains scripts/ and workflow/.

    Another workflow may use this one directly from a Git host. Snakemake then copies each requested file into a cache
    with the same folders as the repository. All files are requested here, so that scripts can import the library.
    """
    here = workflow.current_basedir
    if isinstance(here, os.PathLike):
        return Path(here).parents[1]
    listed = Path(workflow.source_path("../sources.txt")).read_text(encoding="utf-8").splitlines()
    fetched = {name: Path(workflow.source_path(f"../../{name}")) for name in listed}
    folder = fetched["scripts/handgrad/__init__.py"].parents[2]
    if any(path != folder / name for name, path in fetched.items()):
        raise WorkflowError(
            f"module handgrad: its files cannot be had from {here}, because this location renames files; clone the "
            "repository and set `snakefile:` to the path of workflow/Snakefile in the clone (docs/how-to/reuse.md)"
        )
    return folder


def put_library_first():
    """Put this project's `handgrad` first on Python's import path, for this process and its jobs.

    Snakemake adds the folder of a script only at the end of the path, after any installed `handgrad`. In a container,
    it also adds copies of folders under other paths before it, where the library would not find the project's files.
    """
    folder = str(project_folder() / "scripts")
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", folder)]
    os.environ.update(PYTHONPATH=os.pathsep.join([folder, *others]))  # Snakemake's linter rejects os.environ[...]
    sys.path.insert(0, folder)


put_library_first()

from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256, names_digest
from handgrad.common.system_errors import system_message
from handgrad.common.untracked import Untracked
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_files import read_config, read_module_config, require_options_once
from handgrad.experiment.registry import data_digest, without_places
from handgrad.layout import figures, jobs, memory, paths, resources
from handgrad.network.activations import ACTIVATIONS
from handgrad.page import context


@contextmanager
def one_line_errors():
    """Convert errors of the library or the system to WorkflowError, which Snakemake shows in one line, no traceback."""
    try:
        yield
    except (HandgradError, OSError) as error:
        raise WorkflowError(system_message(error) or str(error)) from None


@one_line_errors()
def load():
    """Return the experiment of the config. Raises WorkflowError with every mistake.

    Snakemake has already read the config files, but it reads 0100 as 64 and keeps the last of two equal keys. The files
    are therefore read again with a stricter reader. Only the main process compares the user's data files with the config.
    """
    settings = workflow.config_settings
    require_options_once(sys.argv)
    if workflow.modifier.skip_configfile:  # a module; the other workflow passes the config
        whole = workflow.modifier_stack[0].globals["config"]
        return load_experiment(read_module_config(config, whole, workflow.configfiles), files=workflow.is_main_process)
    given = settings.configfiles, settings.config
    return load_experiment(
        read_config(*given, replace=settings.replace_workflow_config), files=workflow.is_main_process
    )


def leave_reruns_to_digests():
    """Let only digests decide whether changed code reruns jobs, even without profiles/default.

    Snakemake's own triggers rerun jobs if a script file is newer, and all jobs if conda is switched on or off.
    Snakemake sets this option after parsing and reads it after all input functions. An input function therefore
    calls this function.
    """
    settings, unwanted = workflow.dag_settings, {RerunTrigger.CODE, RerunTrigger.SOFTWARE_ENV}
    if workflow.is_main_process and not unwanted.isdisjoint(settings.rerun_triggers):
        if not IS_MODULE:
            settings.rerun_triggers = frozenset(settings.rerun_triggers) - unwanted
        else:  # the rules of the other workflow may need them
            from handgrad.layout.main_process import warn_once

            warn_once(
                logger,
                "module handgrad: jobs rerun if a script file is newer, or if --sdm conda is switched on or off; to "
                "prevent that, use its profiles or --rerun-triggers mtime params input (docs/explanation/reruns.md)",
            )


IS_MODULE = not workflow.modifier.is_main_snakefile()
EXPERIMENT = load()
RUNS = {(run.dataset, run.name): run for run in EXPERIMENT.all_runs}
SEARCHES = {(str(search.block), search.dataset): search for search in EXPERIMENT.searches}
FIRST = 10**9  # priority of the jobs that training waits for, higher than the priority of any run
# None if the table has no row for a dataset of this experiment. A param instead of an input: the modification time of
# the user's table may be in the future.
PUBLISHED = EXPERIMENT.published.table if EXPERIMENT.has_published_dataset else None


def one_of(names):
    """Return a wildcard constraint that matches only these names."""
    return "|".join(re.escape(name) for name in names)


def entry(wildcards):
    """Return the registry entry of a dataset."""
    return EXPERIMENT.datasets[wildcards.dataset]


def stored(path):
    """Return the path of a file that no rule declares, such as a checkpoint, in the folder of the outputs.

    With `--default-storage-provider fs`, that folder is the storage prefix, which all machines see.
    """
    settings = workflow.storage_settings
    return os.path.join(settings.default_storage_prefix, path) if settings.default_storage_provider == "fs" else path


def log_path(job):
    """Return the path of a job's log as its rule declares it, without the prefix of storage."""
    log, prefix = job.log[0], workflow.storage_settings.default_storage_prefix
    return os.path.relpath(log.storage_object.query, prefix) if log.is_storage else str(log)


def asked_memory(megabytes, attempt):
    """Return the megabytes to request: more on a cluster, where a job starts Snakemake; twice as much for a retry."""
    return attempt * (megabytes + (0 if workflow.local_exec else resources.SNAKEMAKE_MEGABYTES))


# --- data ---


def file_to_download(wildcards):
    """Return the registry entry of a downloaded file. Mirrors are untracked: a new URL does not rerun the download."""
    files = {file["name"]: file for file in entry(wildcards)["files"].values()}
    if wildcards.file not in files:
        path = paths.DOWNLOAD.format(**wildcards)
        raise WorkflowError(f"{path}: not a file of this dataset, expected one of: {', '.join(files) or 'none'}")
    file = files[wildcards.file]
    return {"size": file["size"], "sha256": file["sha256"], "mirrors": Untracked(file["mirrors"])}


def entry_to_read(wildcards):
    return without_places(entry(wildcards))


def local_folder(wildcards):
    """Return the folder of the user's own files. It is untracked: moving the files does not rerun jobs."""
    return Untracked(entry(wildcards)["local_dir"])


def source_files(wildcards):
    """Return the downloaded files of a dataset by role. All other rules depend on the rule with this input."""
    leave_reruns_to_digests()
    return jobs.downloads(EXPERIMENT, wildcards.dataset)


def preprocess_memory(wildcards, attempt):
    return asked_memory(resources.preprocess_megabytes(entry(wildcards)), attempt)


@functools.cache  # every job of a dataset asks for it
def digest_of(dataset):
    """Return the digest of a dataset, which does not depend on the location of its files."""
    return data_digest(EXPERIMENT.datasets[dataset])


def digest_of_data(wildcards):
    return digest_of(wildcards.dataset)


def data_digests():
    """Return the digest of each dataset of this experiment."""
    return {dataset: digest_of(dataset) for dataset in paths.dataset_names(EXPERIMENT)}


# --- checks and training ---


def check_memory(wildcards, attempt):
    return asked_memory(resources.check_megabytes(entry(wildcards), EXPERIMENT.gradient_check), attempt)


def run_of(wildcards):
    """Return the run for the name of a run file. Raises WorkflowError if this experiment has no such run."""
    run = RUNS.get((wildcards.dataset, wildcards.run))
    if run is None:
        path = paths.RUN.format(**wildcards)
        raise WorkflowError(
            f"{path}: no run of the experiment {EXPERIMENT.name!r}; use one of its runs, or add this run to the config"
        )
    return run


def axes_of_run(wildcards):
    """Return the values of a run by axis."""
    return dict(vars(run_of(wildcards)))


def gate_of_run(wildcards):
    """Return the gate that must pass before this run trains."""
    return paths.GATE.format(dataset=wildcards.dataset, activation=run_of(wildcards).activation)


def run_seconds(wildcards):
    """Return the seconds on a slow core for all epochs of a run, or for those of a candidate until the first rung."""
    run = run_of(wildcards)
    epochs = epochs_of_rung(wildcards) if "block" in wildcards.keys() else run.epochs
    return resources.max_seconds(run, entry(wildcards), epochs)


def run_priority(wildcards):
    """Return a priority that starts the longest runs first, so that all cores finish at about the same time."""
    return min(1 + int(1000 * run_seconds(wildcards)), FIRST - 1)


def run_minutes(wildcards, attempt):
    """Return the time limit on a cluster in minutes: the time on a slow core, and one minute to start.

    A retry gets twice as much. It continues from the checkpoint of the first attempt.
    """
    return attempt * (1 + int(run_seconds(wildcards) / 60))


def run_memory(wildcards, attempt):
    return asked_memory(resources.run_megabytes(run_of(wildcards), entry(wildcards)), attempt)


# --- searches ---


def search_of(wildcards):
    """Return the search of a file. Raises WorkflowError if this experiment has no such search or slot."""
    search = SEARCHES.get((wildcards.block, wildcards.dataset))
    slots = search.slots_of(wildcards.get("part"), int(wildcards.get("rung", 0))) if search else 0
    if int(wildcards.get("slot", 0)) >= slots:
        raise WorkflowError(
            f"{paths.SEARCH.format(**wildcards)}: no such slot in the experiment {EXPERIMENT.name!r}; use one of its "
            "searches, or add halving or finalists to the config"
        )
    return search


def epochs_of_rung(wildcards):
    """Return the epochs after which a rung stops, or the final part ends."""
    search = search_of(wildcards)
    return search.until(int(wildcards.get("rung", 0)), search.candidates[0])


def ranked_files(wildcards):
    """Return the results that a ranking compares, and the ranking before it."""
    search, rung = search_of(wildcards), int(wildcards.rung)
    before = {"before": paths.ranking_file(EXPERIMENT.name, search, rung - 1)} if rung else {}
    return {"results": paths.part_files(EXPERIMENT.name, search, rung), **before}


def order_of_ranked(wildcards):
    """Return a digest of the order of the results that a ranking compares."""
    return names_digest(ranked_files(wildcards)["results"])


def seeds_of_search(wildcards):
    return list(search_of(wildcards).seeds)


def promoted_settings(wildcards):
    """Return the number of settings that go on after a ranking."""
    search, rung = search_of(wildcards), int(wildcards.rung)
    return search.finalists if rung == len(search.rungs) else search.sizes[rung + 1]


def rung_before(wildcards):
    """Return the number of the ranking that decides which run a slot trains."""
    search = search_of(wildcards)
    last = len(search.rungs)
    return {paths.FINAL: last - 1, paths.FINALISTS: last}.get(wildcards.get("part"), int(wildcards.get("rung", 0)) - 1)


def ranking_before(wildcards):
    return paths.ranking_file(EXPERIMENT.name, search_of(wildcards), rung_before(wildcards))


def activations_of_search(wildcards):
    """Return the activations of the candidates, one of which a slot trains."""
    return list(search_of(wildcards).activations)


def gates_of_search(wildcards):
    activations = activations_of_search(wildcards)
    return [paths.GATE.format(dataset=wildcards.dataset, activation=activation) for activation in activations]


def slot_seconds(wildcards):
    """Return the seconds on a slow core for the longest run that a slot may have to train from its beginning."""
    until = None if "part" in wildcards.keys() else epochs_of_rung(wildcards)
    return longest_seconds(search_of(wildcards), until)


@functools.cache
def longest_seconds(search, until):
    """Return the seconds of the longest run of a search. until: number of epochs; None for all."""
    facts = EXPERIMENT.datasets[search.dataset]
    return max(resources.max_seconds(run, facts, until or run.epochs) for run in search.settings)


def slot_priority(wildcards):
    return min(1 + int(1000 * slot_seconds(wildcards)), FIRST - 1)


def slot_minutes(wildcards, attempt):
    return attempt * (1 + int(slot_seconds(wildcards) / 60))


def slot_memory(wildcards, attempt):
    return asked_memory(most_megabytes(search_of(wildcards)), attempt)


@functools.cache
def most_megabytes(search):
    """Return the megabytes of the run of a search that needs the most."""
    facts = EXPERIMENT.datasets[search.dataset]
    return max(resources.run_megabytes(run, facts) for run in search.settings)


def searched_files(wildcards=None):
    """Return the results and the rankings of the searches with halving, of one dataset or of all."""
    results, rankings = paths.ranked_files(EXPERIMENT, wildcards and wildcards.dataset)
    return {"results": results, "rankings": rankings}


def shapes_of_dataset(wildcards):
    """Return the shapes of the searches with halving of a dataset."""
    return [search.shape for search in EXPERIMENT.halved if search.dataset == wildcards.dataset]


# --- tables, figures and the page ---


def runs_of_dataset(wildcards):
    return paths.run_files(EXPERIMENT, wildcards.dataset)


def runs_to_fetch(wildcards):
    """Return the runs that figures of the best run need as inputs: with storage all runs of a dataset, otherwise none.

    Any change of a run changes the table of best runs, so these figures depend on that table only. The scripts read the
    best run, but Snakemake does not check that its file exists. If it was deleted, `rule all` makes it again. With
    storage, a job gets only its inputs, and which run is the best is not known when jobs are planned.
    """
    return runs_of_dataset(wildcards) if workflow.storage_settings.default_storage_provider else []


def order_of_runs(wildcards):
    """Return a digest of the order of a dataset's runs, for rules with results that depend on the order."""
    return names_digest(runs_of_dataset(wildcards))


def table(name):
    """Return a table and its checksums as inputs."""
    return {name: paths.table(name), "checksums": paths.table(name, paths.CHECKSUMS)}


def table_outputs(name, label):
    """Return the output files of a table, in all file types. label: its name in Snakemake's report."""
    shown = {"caption": f"../report/{name}.rst", "category": "Tables", "labels": {"table": label}}
    return {
        "csv": paths.table(name),
        "checksums": paths.table(name, paths.CHECKSUMS),
        "md": paths.table(name, "md"),
        "html": report(paths.table(name, "html"), **shown),
    }


def figure(name, label):
    """Return the output file of a figure, for one dataset or for all. label: its name in Snakemake's report."""
    overall, of_table = name in figures.OVERALL_FIGURES, name in (*paths.TABLES, *paths.OPTIONAL_TABLES)
    return report(
        paths.figure(name),
        caption=f"../report/{name}{'_figure' if of_table else ''}.rst",
        category="Figures",
        subcategory="all datasets" if overall else "{dataset}",
        labels={"figure": label, "dataset": "all" if overall else "{dataset}"},
    )


def caption_context(wildcards):
    """Return the values that captions show. They are untracked: a caption is not part of its table or figure file."""
    return Untracked(context.caption_context(EXPERIMENT, wildcards.get("dataset")))


def page_contexts():
    """Return the values that captions on the page show, by dataset; the key None is for all datasets."""
    return {name: context.caption_context(EXPERIMENT, name) for name in (None, *paths.dataset_names(EXPERIMENT))}


def page_config(wildcards):
    """Return the configuration for the page. It is untracked: its markup must not appear in Snakemake's report."""
    return Untracked(context.shown_config(EXPERIMENT))


def page_config_digest(wildcards):
    """Return a digest of the configuration for the page, as a rerun trigger. File locations are not part of it."""
    return names_digest([context.config_text(context.shown_config(EXPERIMENT))])


def page_benchmarks(wildcards):
    """Return the benchmark files of this experiment's jobs, by rule. They are untracked: the inputs determine them."""
    files = {}
    for job in jobs.jobs_of(EXPERIMENT)[:-1]:  # the last job makes the page
        files.setdefault(job.rule, []).append(stored(str(job.benchmark)))
    return Untracked(files)
