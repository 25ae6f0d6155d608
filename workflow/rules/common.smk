# The experiment of this workflow, and all functions that rules use. The library does the work.
import importlib.util
import os
import re
import sys
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
        os.environ.update(PYTHONPATH=path)
    sys.path.insert(0, folder)


put_library_first()

from handgrad.common.code_digests import PROJECT, code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256, names_digest
from handgrad.common.untracked import Untracked
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_files import read_config, read_module_config, require_options_once
from handgrad.experiment.registry import EMBEDDED, data_digest, without_places
from handgrad.layout import memory, paths, resources
from handgrad.layout.dates import date_now
from handgrad.network.activations import ACTIVATIONS
from handgrad.page import context


def load():
    """The experiment that the config describes; every mistake in it ends the workflow here.

    Snakemake has read the files that it was given already, and takes 0100 for 64 and the last of two equal keys: they
    are read again here, which refuses both.
    """
    settings = workflow.config_settings
    try:
        require_options_once(sys.argv)
        if workflow.modifier.skip_configfile:  # a module, whose config is what the other workflow gives
            complete = read_module_config(config, workflow.modifier_stack[0].globals["config"], workflow.configfiles)
        else:
            complete = read_config(settings.configfiles, settings.config, replace=settings.replace_workflow_config)
        return load_experiment(complete)
    except HandgradError as error:
        raise WorkflowError(str(error)) from None


def prepare():
    """What the main process alone takes care of, from here to its end."""
    if workflow.is_main_process:
        # not with the others: each job parses this file
        from handgrad.layout.main_process import prepare_main_process, require_path, require_writable

        prepare_main_process()
        try:
            require_path(Path.cwd())
            require_path(PROJECT)
            require_writable(sys.argv, dry=workflow.output_settings.dryrun)
        except HandgradError as error:
            raise WorkflowError(str(error)) from None


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


def check_results():
    """End the workflow before its first job if it cannot read a file that it would use."""
    if workflow.is_main_process:
        from handgrad.layout.main_process import require_readable

        try:
            require_readable([*paths.data_files(EXPERIMENT), *paths.final_outputs(EXPERIMENT)])
        except HandgradError as error:
            raise WorkflowError(str(error)) from None


IS_MODULE = not workflow.modifier.is_main_snakefile()
prepare()
EXPERIMENT = load()
RUNS = {(run.dataset, run.name): run for run in EXPERIMENT.runs}
FIRST = 10**9  # the priority of what training waits for, above that of any run


def one_of(names):
    """A wildcard constraint that takes these names alone."""
    return "|".join(re.escape(name) for name in names)


def entry(wildcards):
    """The registry entry of a dataset."""
    return EXPERIMENT.datasets[wildcards.dataset]


def snakemake_memory():
    """Megabytes that a job needs beside its script: on a cluster, every job starts Snakemake again."""
    return 0 if workflow.local_exec else 150


def date_files():
    """Date to now what is dated in the future of the files that this workflow makes.

    Of all jobs and not only of those to be done, so that nothing becomes older than what it was made from.
    """
    made = {str(path) for job in workflow.dag.jobs for path in job.output}
    try:
        dated = date_now(made)
    except HandgradError as error:
        raise WorkflowError(str(error)) from None
    if dated:
        logger.warning(f"{dated[0]}: dated in the future, as {len(dated)} files in all; set to now")


def limit_memory():
    """Let jobs on this machine start only where there is memory for them; --resources mem_mb=... goes before."""
    if workflow.is_main_process and not IS_MODULE and workflow.local_exec and "mem_mb" not in workflow.global_resources:
        workflow.register_resource("mem_mb", int(memory.SHARE * memory.machine_megabytes()))


def refuse_too_large():
    """End the workflow before its first job if a run that is to be trained here cannot fit into memory."""
    if workflow.local_exec:
        jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name == "train_run"]
        runs = [run_of(job.wildcards) for job in jobs]
        if line := memory.too_large(runs, EXPERIMENT.datasets):
            raise WorkflowError(line)


def show_progress():
    """Show how far the workflow is while it runs. In the main process alone, since hooks are off in jobs."""
    # not with the others: each job parses this file, and these take long to load
    from handgrad.monitor.events import follow

    quiet = {choice.name for choice in workflow.output_settings.quiet or ()}
    if not quiet & {"ALL", "PROGRESS"}:
        logs = [job.log[0] for job in workflow.dag.needrun_jobs() if job.log]
        follow(logger, logs, EXPERIMENT, workflow.cores if workflow.local_exec else None)


# --- data ---


def image_shape(wildcards):
    """The shape of an image, in the order of its pixels."""
    return list(entry(wildcards)["image_shape"])


def file_of(wildcards):
    """The registry's facts on one downloaded file."""
    files = EXPERIMENT.datasets[wildcards.dataset]["files"].values()
    found = [file for file in files if file["name"] == wildcards.file]
    if not found:
        names = ", ".join(file["name"] for file in files)
        raise WorkflowError(
            f"resources/{wildcards.dataset}/{wildcards.file}: no file of the dataset; its files: {names or 'none'}"
        )
    return found[0]


def file_size(wildcards):
    return file_of(wildcards)["size"]


def file_checksum(wildcards):
    return file_of(wildcards)["sha256"]


def mirrors(wildcards):
    """Where a file is downloaded from. Untracked: a new address makes nothing again."""
    return Untracked(file_of(wildcards)["mirrors"])


def entry_to_read(wildcards):
    return without_places(entry(wildcards))


def local_folder(wildcards):
    """The folder that holds the user's own files. Untracked: when these move, nothing is made again."""
    return Untracked(entry(wildcards)["local_dir"])


def downloaded_files(dataset):
    """Where the files of a dataset that are downloaded are, by role.

    Files in a folder of the user's own are no input of any rule, since they may be dated in the future, and Snakemake
    then removes what is made from them. Checking the config finds those that are missing; the checksums of the registry,
    which are params, decide whether they are read again.
    """
    facts = EXPERIMENT.datasets[dataset]
    if facts["format"] in EMBEDDED or facts["local_dir"] is not None:
        return {}
    return {role: f"resources/{dataset}/{file['name']}" for role, file in facts["files"].items()}


def source_files(wildcards):
    """The same for the rule that all others depend on."""
    leave_reruns_to_digests()
    return downloaded_files(wildcards.dataset)


def downloads():
    """Every file that this experiment downloads."""
    return [path for dataset in paths.dataset_names(EXPERIMENT) for path in downloaded_files(dataset).values()]


def preprocess_memory(wildcards, attempt):
    """Megabytes to ask for; a second attempt gets twice as much."""
    return attempt * (snakemake_memory() + resources.preprocess_megabytes(entry(wildcards)))


# --- training ---


def run_of(wildcards):
    """The run that a file's name means. Raises WorkflowError if this experiment has no such run."""
    run = RUNS.get((wildcards.dataset, wildcards.run))
    if run is None:
        raise WorkflowError(
            f"results/runs/{wildcards.dataset}/{wildcards.run}.h5: no run of the experiment "
            f"{EXPERIMENT.name!r}; name one of its runs, or add it to the config"
        )
    return run


def axes_of_run(wildcards):
    """The values of a run by axis."""
    return asdict(run_of(wildcards))


def gate_of_run(wildcards):
    """The check that must have passed before this run trains."""
    return f"results/checks/gate/{wildcards.dataset}_{run_of(wildcards).activation}.json"


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
    """Megabytes to ask for; a second attempt gets twice as much."""
    return attempt * (snakemake_memory() + resources.run_megabytes(run_of(wildcards), entry(wildcards)))


# --- checks ---


def check_memory(wildcards, attempt):
    """Megabytes to ask for, enough for the gate as well; a second attempt gets twice as much."""
    check = EXPERIMENT.gradient_check
    size = {"hidden_units": max(check.hidden_units, 200), "examples": max(check.examples, 5)}
    return attempt * (snakemake_memory() + resources.check_megabytes(entry(wildcards), **size))


# --- tables, figures and the page ---


def table(name):
    """A table of the experiment as an input, with its checksums."""
    csv = f"results/{{experiment}}/tables/{name}.csv"
    return {name: csv, "checksums": f"{csv}.sha256"}


def table_outputs(name, label):
    """A table as outputs: for programs and for people. label: what Snakemake's report calls it."""
    path = f"results/{{experiment}}/tables/{name}"
    shown = {"caption": f"../report/{name}.rst", "category": "Tables", "labels": {"table": label}}
    return {
        "csv": f"{path}.csv",
        "checksums": f"{path}.csv.sha256",
        "md": f"{path}.md",
        "html": report(f"{path}.html", **shown),
    }


def dataset_figure(name, label):
    """A figure of one dataset. label: what Snakemake's report calls it."""
    return report(
        f"results/{{experiment}}/figures/{name}/{{dataset}}.svg",
        caption=f"../report/{name}.rst",
        category="Figures",
        subcategory="{dataset}",
        labels={"figure": label, "dataset": "{dataset}"},
    )


def overall_figure(name, label):
    """A figure of all datasets."""
    return report(
        f"results/{{experiment}}/figures/{name}.svg",
        caption=f"../report/{name}_figure.rst",
        category="Figures",
        subcategory="all datasets",
        labels={"figure": label, "dataset": "all"},
    )


def caption_context(wildcards):
    """What captions say of the experiment or of a dataset. Untracked: a caption is no part of the file under it."""
    return Untracked(context.caption_context(EXPERIMENT, wildcards.get("dataset")))


def page_contexts():
    """What the captions on the page say, by dataset; under None, of all datasets."""
    return {name: context.caption_context(EXPERIMENT, name) for name in (None, *paths.dataset_names(EXPERIMENT))}


def digest_of_data(wildcards):
    """What a dataset is, without the places that it may come from."""
    return data_digest(entry(wildcards))


def data_digests():
    """What each dataset of this experiment is."""
    return {dataset: data_digest(EXPERIMENT.datasets[dataset]) for dataset in paths.dataset_names(EXPERIMENT)}


def runs_of_dataset(wildcards):
    return paths.run_files(EXPERIMENT, wildcards.dataset)


def order_of_runs(wildcards):
    """The order of a dataset's runs, for rules whose result depends on it."""
    return names_digest(runs_of_dataset(wildcards))


def published_checksum():
    """What is in the published table. A param, for the user's table may be dated in the future, as their data may."""
    return file_sha256(EXPERIMENT.published.table) if EXPERIMENT.has_published_dataset else None


def published_table():
    """Where the published table is, if it has a row of any dataset. Untracked: its checksum decides."""
    return Untracked(EXPERIMENT.published.table if EXPERIMENT.has_published_dataset else None)


def comparison_file():
    """The table of published and reproduced results, where there is one."""
    return f"results/{EXPERIMENT.name}/tables/comparison.csv" if EXPERIMENT.has_published else []


def page_config(wildcards):
    """The configuration as the page shows it. Untracked: markup in it must not become part of Snakemake's report."""
    return Untracked(context.shown_config(EXPERIMENT))


def page_config_digest(wildcards):
    """A digest of the same, which decides: where files come from or lie is no part of it."""
    return names_digest([context.config_text(context.shown_config(EXPERIMENT))])
