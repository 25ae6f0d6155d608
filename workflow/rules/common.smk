# The experiment of this workflow, and all functions that rules use. The library does the work.
import importlib.util
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import RerunTrigger


def project_folder():
    """The folder of this project, which holds scripts/ and workflow/, on this machine.

    A workflow that another one takes from a Git host is no folder: Snakemake fetches the files that it is asked for, one
    by one, into a cache in which they lie as in the repository, and a script imports what lies beside it there.
    """
    here = workflow.current_basedir
    if isinstance(here, os.PathLike):
        return Path(here).parents[1]
    listed = Path(workflow.source_path("../sources.txt")).read_text(encoding="utf-8").splitlines()
    fetched = {name: Path(workflow.source_path(f"../../{name}")) for name in listed}
    folder = fetched["scripts/handgrad/__init__.py"].parents[2]
    if any(path != folder / name for name, path in fetched.items()):
        raise WorkflowError(
            f"module handgrad: its files cannot be had from {here}, where they do not keep their names; clone the "
            "repository and give `snakefile:` the path of workflow/Snakefile in the clone (docs/ecosystem.md)"
        )
    return folder


def put_library_first():
    """Let this process and its jobs import this project's `handgrad`, even if another one is on Python's path.

    Snakemake puts the folder of a script at the end of that path.
    """
    folder = str(project_folder() / "scripts")
    other = importlib.util.find_spec("handgrad")
    if other and other.origin != f"{folder}/handgrad/__init__.py":
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        os.environ.update(PYTHONPATH=path)  # Snakemake's linter complains of os.environ[...]
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
from handgrad.layout import jobs, memory, paths, resources
from handgrad.network.activations import ACTIVATIONS
from handgrad.page import context


@contextmanager
def one_line_errors():
    """Let Snakemake show an error of the library or of the system as a line without a traceback."""
    try:
        yield
    except (HandgradError, OSError) as error:
        raise WorkflowError(system_message(error) or str(error)) from None


@one_line_errors()
def load():
    """The experiment that the config describes; every mistake in it ends the workflow here.

    Snakemake has read the files that it was given already, and takes 0100 for 64 and the last of two equal keys: they
    are read again here, which refuses both.
    """
    settings = workflow.config_settings
    require_options_once(sys.argv)
    if workflow.modifier.skip_configfile:  # a module, whose config is what the other workflow gives
        whole = workflow.modifier_stack[0].globals["config"]
        return load_experiment(read_module_config(config, whole, workflow.configfiles))
    given = settings.configfiles, settings.config
    return load_experiment(read_config(*given, replace=settings.replace_workflow_config))


def leave_reruns_to_digests():
    """Let digests alone decide whether changed code runs again, without profiles/default as well.

    Snakemake's own triggers rerun jobs when the file of a script is newer, and all jobs when conda is switched on.
    Snakemake sets its options after the parse and reads this one after all input functions; so one of them calls this.
    """
    settings, unwanted = workflow.dag_settings, {RerunTrigger.CODE, RerunTrigger.SOFTWARE_ENV}
    if workflow.is_main_process and not unwanted.isdisjoint(settings.rerun_triggers):
        if not IS_MODULE:
            settings.rerun_triggers = frozenset(settings.rerun_triggers) - unwanted
        else:  # the rules of the other workflow may need them
            from handgrad.layout.main_process import warn_once

            warn_once(
                logger,
                "module handgrad: its jobs rerun when the file of a script is newer or --sdm conda is switched on or off; "
                "to prevent that, use its profiles or --rerun-triggers mtime params input (docs/reruns.md)",
            )


IS_MODULE = not workflow.modifier.is_main_snakefile()
EXPERIMENT = load()
RUNS = {(run.dataset, run.name): run for run in EXPERIMENT.runs}
FIRST = 10**9  # the priority of what training waits for, above that of any run
# where it has a row of any dataset; a param, for the user's table may be dated in the future, as their data may
PUBLISHED = EXPERIMENT.published.table if EXPERIMENT.has_published_dataset else None


def one_of(names):
    """A wildcard constraint that takes these names alone."""
    return "|".join(re.escape(name) for name in names)


def entry(wildcards):
    """The registry entry of a dataset."""
    return EXPERIMENT.datasets[wildcards.dataset]


def asked_memory(megabytes, attempt):
    """Megabytes to ask for. On a cluster, every job starts Snakemake again; a second attempt gets twice as much."""
    return attempt * (megabytes + (0 if workflow.local_exec else resources.SNAKEMAKE_MEGABYTES))


# --- data ---


def file_to_download(wildcards):
    """The registry's facts on a downloaded file. Its mirrors are untracked: a new address makes nothing again."""
    files = {file["name"]: file for file in entry(wildcards)["files"].values()}
    if wildcards.file not in files:
        path = paths.DOWNLOAD.format(**wildcards)
        raise WorkflowError(f"{path}: no file of the dataset; its files: {', '.join(files) or 'none'}")
    file = files[wildcards.file]
    return {"size": file["size"], "sha256": file["sha256"], "mirrors": Untracked(file["mirrors"])}


def entry_to_read(wildcards):
    return without_places(entry(wildcards))


def local_folder(wildcards):
    """The folder that holds the user's own files. Untracked: when these move, nothing is made again."""
    return Untracked(entry(wildcards)["local_dir"])


def source_files(wildcards):
    """The files of a dataset that are downloaded, by role; an input of the rule that all others depend on."""
    leave_reruns_to_digests()
    return jobs.downloads(EXPERIMENT, wildcards.dataset)


def preprocess_memory(wildcards, attempt):
    return asked_memory(resources.preprocess_megabytes(entry(wildcards)), attempt)


def digest_of_data(wildcards):
    """What a dataset is, without the places that it may come from."""
    return data_digest(entry(wildcards))


def data_digests():
    """What each dataset of this experiment is."""
    return {dataset: data_digest(EXPERIMENT.datasets[dataset]) for dataset in paths.dataset_names(EXPERIMENT)}


# --- checks and training ---


def check_memory(wildcards, attempt):
    return asked_memory(resources.check_megabytes(entry(wildcards), EXPERIMENT.gradient_check), attempt)


def run_of(wildcards):
    """The run that a file's name means. Raises WorkflowError if this experiment has no such run."""
    run = RUNS.get((wildcards.dataset, wildcards.run))
    if run is None:
        path = paths.RUN.format(**wildcards)
        raise WorkflowError(
            f"{path}: no run of the experiment {EXPERIMENT.name!r}; name one of its runs, or add it to the config"
        )
    return run


def axes_of_run(wildcards):
    """The values of a run by axis."""
    return asdict(run_of(wildcards))


def gate_of_run(wildcards):
    """The check that must have passed before this run trains."""
    return paths.GATE.format(dataset=wildcards.dataset, activation=run_of(wildcards).activation)


def run_seconds(wildcards):
    """What a run takes on a slow core."""
    return resources.max_seconds(run_of(wildcards), entry(wildcards))


def run_priority(wildcards):
    """Longest expected runs first, so that no core waits at the end for one that began last."""
    return min(1 + int(1000 * run_seconds(wildcards)), FIRST - 1)


def run_minutes(wildcards, attempt):
    """Time limit on a cluster: what a slow core takes, and a minute to begin.

    A second attempt gets twice as much; it goes on from the checkpoint of the first.
    """
    return attempt * (1 + int(run_seconds(wildcards) / 60))


def run_memory(wildcards, attempt):
    return asked_memory(resources.run_megabytes(run_of(wildcards), entry(wildcards)), attempt)


# --- tables, figures and the page ---


def runs_of_dataset(wildcards):
    return paths.run_files(EXPERIMENT, wildcards.dataset)


def order_of_runs(wildcards):
    """The order of a dataset's runs, for rules whose result depends on it."""
    return names_digest(runs_of_dataset(wildcards))


def table(name):
    """A table of the experiment as an input, with its checksums."""
    return {name: paths.table(name), "checksums": paths.table(name, paths.CHECKSUMS)}


def table_outputs(name, label):
    """A table as outputs: for programs and for people. label: what Snakemake's report calls it."""
    shown = {"caption": f"../report/{name}.rst", "category": "Tables", "labels": {"table": label}}
    return {
        "csv": paths.table(name),
        "checksums": paths.table(name, paths.CHECKSUMS),
        "md": paths.table(name, "md"),
        "html": report(paths.table(name, "html"), **shown),
    }


def figure(name, label):
    """A figure, of one dataset or of all. label: what Snakemake's report calls it."""
    overall = name in paths.OVERALL_FIGURES
    return report(
        paths.figure(name),
        caption=f"../report/{name}{'_figure' if overall else ''}.rst",
        category="Figures",
        subcategory="all datasets" if overall else "{dataset}",
        labels={"figure": label, "dataset": "all" if overall else "{dataset}"},
    )


def image_shape(wildcards):
    """The shape of an image, in the order of its pixels."""
    return list(entry(wildcards)["image_shape"])


def caption_context(wildcards):
    """What captions say of the experiment or of a dataset. Untracked: a caption is no part of the file under it."""
    return Untracked(context.caption_context(EXPERIMENT, wildcards.get("dataset")))


def page_contexts():
    """What the captions on the page say, by dataset; under None, of all datasets."""
    return {name: context.caption_context(EXPERIMENT, name) for name in (None, *paths.dataset_names(EXPERIMENT))}


def page_config(wildcards):
    """The configuration as the page shows it. Untracked: markup in it must not become part of Snakemake's report."""
    return Untracked(context.shown_config(EXPERIMENT))


def page_config_digest(wildcards):
    """A digest of the same, which decides: where files come from or lie is no part of it."""
    return names_digest([context.config_text(context.shown_config(EXPERIMENT))])


def page_benchmarks(wildcards):
    """What the benchmarks of this experiment's jobs are called, by rule. Untracked: they follow from the inputs."""
    names = {}
    for job in jobs.jobs_of(EXPERIMENT)[:-1]:  # the last one makes the page
        names.setdefault(job.rule, []).append(job.name)
    return Untracked(names)
