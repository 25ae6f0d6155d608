"""The machine-readable descriptions in an archive: ``provenance.json`` and RO-Crate metadata (Workflow Run Crate)."""

import functools
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions
from pathlib import Path, PurePath
from typing import Any

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from handgrad.archive.members import COMPLETE, CRATE, FORMAT, README, WORKFLOW
from handgrad.common.code_digests import PROJECT, code_digest, digested_rules
from handgrad.experiment.config import Experiment
from handgrad.experiment.config_errors import show
from handgrad.experiment.runs import Run
from handgrad.experiment.searches import Search
from handgrad.layout.paths import (
    GATE,
    archived_outputs,
    dataset_names,
    finalist_files,
    page_file,
    part_files,
    ranking_file,
    report_file,
)
from handgrad.storage.provenance import git_revision
from handgrad.storage.run_reader import Summary

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".h5": "application/x-hdf5",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}


def provenance(experiment: Experiment, folder: Path, runs: Mapping[str, Summary]) -> dict[str, Any]:
    """Return the content of provenance.json.

    folder: the project folder with the results of the experiment. runs: by path of their files in this folder.
    """
    return {
        "format": FORMAT,
        "experiment": experiment.name,
        "git_revision": git_revision(PROJECT),
        "versions": dict(installed_versions()),
        "code": {rule: code_digest(rule) for rule in digested_rules()},
        "ended": _ended(folder / page_file(experiment)).isoformat(),
        "runs": {path: _times(folder / path, run) for path, run in runs.items()},
    }


def _ended(path: Path) -> datetime:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def _times(path: Path, run: Summary) -> dict[str, str]:
    """Return when a run started and ended, in UTC. An interrupted run has the start time of its last part."""
    ended, seconds = _ended(path), round(run.seconds)
    return {"started": (ended - timedelta(seconds=seconds)).isoformat(), "ended": ended.isoformat()}


@functools.cache
def installed_versions() -> Mapping[str, str]:
    """Return the installed versions of Python and of each package in requirements.txt."""
    pinned = _PIN.findall((PROJECT / "requirements.txt").read_text(encoding="utf-8"))
    installed = {package.name: package.version for package in distributions()}
    return {"Python": platform.python_version()} | {name: installed.get(name, "not installed") for name in pinned}


def other_origin(origin: Mapping[str, Any]) -> str:
    """Return how the code and packages of an archive differ from the installed ones; empty if they are equal."""
    here = {"git revision": git_revision(PROJECT), **installed_versions()}
    there = {"git revision": origin.get("git_revision"), **origin["versions"]}
    others = [f"{name} {show(there.get(name))} (here {one})" for name, one in here.items() if there.get(name) != one]
    return f"; packed with {', '.join(others)}: verify it in a clone at that git revision" if others else ""


def crate_text(
    experiment: Experiment, provenance: Mapping[str, Any], runs: Mapping[str, Run], members: Iterable[str]
) -> str:
    """Return the RO-Crate metadata of an archive with these members; equal arguments give equal text.

    runs: by path of their files.
    """
    crate = ROCrate(version="1.1")  # the profiles of workflow runs are based on this version
    crate.metadata.extra_contexts.append(_CONTEXT)
    _describe_root(crate, experiment, provenance, runs)
    workflow = _add_workflow(crate, provenance)
    for name in sorted(set(members) - {CRATE, WORKFLOW}):
        media_type = _MEDIA_TYPES.get(PurePath(name).suffix, "text/plain")
        crate.add_file(dest_path=name, properties={"name": name, "encodingFormat": media_type})
    crate.get(README)["about"] = crate.root_dataset
    actions = [
        _add_experiment(crate, workflow, experiment, provenance),
        *_add_runs(crate, experiment, provenance, runs),
    ]
    crate.root_dataset["mentions"] = actions
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _describe_root(crate: Any, experiment: Experiment, provenance: Mapping[str, Any], runs: Mapping[str, Run]) -> None:
    crate.name = f"The experiment {experiment.name}"
    datasets = ", ".join(dataset_names(experiment))
    distinct = len(set(runs.values()))  # a run that two searches trained has two files
    crate.description = f"{distinct} runs of the workflow handgrad on {datasets}, with tables and figures"
    crate.datePublished = provenance["ended"]
    license = {
        "@type": "CreativeWork",
        "name": "Not stated",
        "description": "Ask the publisher of the results for their license. The files of the workflow are under the "
        "MIT license (LICENSE).",
    }
    crate.license = crate.add(ContextEntity(crate, "#license", license))
    for profile, name in _PROFILES.items():
        properties = {"@type": "CreativeWork", "name": name, "version": profile.rpartition("/")[2]}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, profile, properties)))


def _add_workflow(crate: Any, provenance: Mapping[str, Any]) -> Any:
    versions = provenance["versions"]
    packages = []
    for name, version in versions.items():
        url = "https://www.python.org/" if name == "Python" else f"https://pypi.org/project/{name}/{version}/"
        about = {"name": name, "softwareVersion": version, "url": url}
        packages.append(crate.add(SoftwareApplication(crate, url, about)))
    properties = {
        "name": "handgrad",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        "encodingFormat": "text/plain",
        "version": provenance["git_revision"],
        "license": {"@id": "https://spdx.org/licenses/MIT"},
        "softwareRequirements": packages,
    }
    language = {"lang": "snakemake", "lang_version": versions["snakemake"]}
    return crate.add_workflow(dest_path=WORKFLOW, main=True, properties=properties, **language)


def _add_experiment(crate: Any, workflow: Any, experiment: Experiment, provenance: Mapping[str, Any]) -> Any:
    """Add the action that made all results, with the experiment file as its input."""
    parameter = crate.add_formal_parameter("configfile", "File", "#configfile", valueRequired=True)
    workflow["input"] = parameter
    crate.get(COMPLETE)["exampleOfWork"] = parameter
    started = min(run["started"] for run in provenance["runs"].values())
    about = {
        "name": "Run the workflow",
        "description": "Check gradients, train all runs, and make tables, figures and the page",
        "startTime": started,
        "endTime": provenance["ended"],
    }
    outputs = [crate.get(name) for name in (*archived_outputs(experiment), report_file(experiment)) if name in crate]
    return crate.add_action(workflow, "#experiment", object=crate.get(COMPLETE), result=outputs, properties=about)


def _add_runs(crate: Any, experiment: Experiment, provenance: Mapping[str, Any], runs: Mapping[str, Run]) -> list[Any]:
    """Add an action for each run file. A run in a slot of a search was chosen by the ranking before it."""
    rankings = {path: ranking for search in experiment.searches for path, ranking in _decided(experiment, search)}
    scripts = {}
    for rule in ("train_run", "finish_candidate")[: 1 + bool(rankings)]:
        about = {"name": f"scripts/{rule}.py", "softwareVersion": provenance["code"][rule]}
        scripts[rule] = crate.add(SoftwareApplication(crate, f"#{rule}", about))
    actions = []
    for name, run in runs.items():
        times, ranking = provenance["runs"][name], rankings.get(name)
        about = {
            "name": f"Train {run.dataset}/{run.name}",
            "description": f"Train one network for {run.epochs} epochs and evaluate it",
            "startTime": times["started"],
            "endTime": times["ended"],
        }
        used = [COMPLETE, GATE.format(dataset=run.dataset, activation=run.activation), *([ranking] if ranking else [])]
        how = {"object": list(map(crate.get, used)), "result": crate.get(name), "properties": about}
        actions.append(crate.add_action(scripts["finish_candidate" if ranking else "train_run"], f"#{name}", **how))
    return actions


def _decided(experiment: Experiment, search: Search) -> Iterator[tuple[str, str]]:
    """Yield the run file of each slot of a search, and the ranking that decides which run it holds."""
    name, last = experiment.name, len(search.rungs)
    if search.rungs:
        yield from ((path, ranking_file(name, search, last - 1)) for path in part_files(name, search, last))
    yield from ((path, ranking_file(name, search, last)) for path in finalist_files(name, search))
