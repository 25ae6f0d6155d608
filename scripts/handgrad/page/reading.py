"""Reading the files that the page of an experiment shows, with a check that they belong together."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handgrad.common.code_digests import PROJECT, code_digest
from handgrad.common.hashing import file_sha256
from handgrad.gradient_check.files import read_check
from handgrad.layout.figures import LeftOut
from handgrad.page.answers import Confused, confused_classes
from handgrad.page.benchmarks import rule_costs
from handgrad.page.content import KINDS, Contents
from handgrad.storage.provenance import git_revision, machines, package_versions
from handgrad.tables.best_runs import best_runs
from handgrad.tables.checksums import MadeTable
from handgrad.tables.inputs import Inputs, read_inputs


def read_contents(
    *,
    config: Mapping[str, Any],
    contexts: Mapping[str | None, Mapping[str, Any]],
    tables: Mapping[str, str],
    figures: Sequence[str],
    figure_keys: Sequence[tuple[str, str | None]],
    left_out: Sequence[LeftOut],
    runs: Sequence[str],
    searched: Sequence[str],
    data: Sequence[str],
    gates: Sequence[str],
    checks: Sequence[str],
    checked: Sequence[tuple[str, str]],
    benchmarks: Mapping[str, Sequence[str]],
    training: str,
    data_digests: Mapping[str, str],
) -> Contents:
    """Return the content of the page.

    tables: paths by name. figure_keys: name and dataset of each figure. searched: files from which the table of
    searches was made. checked: dataset and activation of each gate and each gradient check. benchmarks: benchmark
    files by rule. training: digest of the training code.

    Raises HandgradError if a file was changed after it was made, or if one of its inputs has changed since then.
    """
    made = read_tables(tables)
    inputs = read_inputs(runs, data, training=training, data_digests=data_digests)
    sums = read_checks(gates, checks, checked, data_digests, inputs.contents)
    searches = {path: inputs.seals.get(path) or file_sha256(path) for path in searched}
    for table, files in (("results", inputs.seals), ("gradient_checks", sums), ("search", searches)):
        for path, digest in files.items():
            made[table].require_made_from(path, digest)
    return Contents(
        config=config,
        contexts=contexts,
        tables={name: one.table for name, one in made.items()},
        histories=[run.history for run in inputs.runs],
        figures=dict(zip(map(_key, figure_keys), figures, strict=True)),
        left_out=left_out,
        confused=confused(made["results"].table, inputs),
        days=days(runs),
        costs=rule_costs(benchmarks),
        machines=machines(json.loads(run.attributes["segments"]) for run in inputs.runs),
        sources=inputs.sources,
        facts=facts(training),
    )


def _key(key: Sequence[str | None]) -> tuple[str, str | None]:
    name, dataset = key
    return str(name), dataset


def confused(results: pd.DataFrame, inputs: Inputs) -> dict[str, list[Confused]]:
    """Return the most frequent confusions of the best run of each dataset that has a finished run."""
    predictions = {(one.run.dataset, one.run.name): one.predictions for one in inputs.runs}
    best = best_runs(results)
    return {
        dataset: confused_classes(inputs.labels[dataset], np.asarray(predictions[dataset, name]))
        for dataset, name in zip(best["dataset"], best["run"], strict=True)
    }


def days(runs: Sequence[str]) -> list[str]:
    """Return the days on which the first and the last of these run files were written."""
    times = [Path(path).stat().st_mtime for path in runs]
    return [f"{datetime.fromtimestamp(time):%d %B %Y}".lstrip("0") for time in (min(times), max(times))]


def read_tables(files: Mapping[str, str]) -> dict[str, MadeTable]:
    """Return the tables by name. Raises HandgradError if a table was made from a different version of another one."""
    tables = {name: KINDS[name].read(path) for name, path in files.items()}
    ranked = "search" if "search" in tables else "seeds"
    for name, made_from in (("seeds", "results"), ("best", "seeds"), ("comparison", "seeds"), ("importance", ranked)):
        if name in tables:
            tables[name].require_made_from(files[made_from], tables[made_from].sha256)
    return tables


def read_checks(
    gates: Sequence[str],
    checks: Sequence[str],
    checked: Sequence[tuple[str, str]],
    data_digests: Mapping[str, str],
    contents: Mapping[str, str],
) -> dict[str, str]:
    """Return the SHA-256 of each gradient check by path.

    Raises HandgradError if a check or a gate was made with different code or data.
    """
    sums = {}
    for rule, paths in (("check_gate", gates), ("check_gradients", checks)):
        for path, (dataset, activation) in zip(paths, checked, strict=True):
            data = {"data_digest": data_digests[dataset], "data_content": contents[dataset]}
            expected = {"code_digest": code_digest(rule), "dataset": dataset, "activation": activation, **data}
            sums[path] = read_check(path, expected)[1]
    return {path: sums[path] for path in checks}


def facts(training: str) -> dict[str, str]:
    """Return the origin of the page, as {title: text}. training: digest of the code that trained the runs."""
    versions = ", ".join(f"{name} {number}" for name, number in package_versions().items())
    return {
        "Version of handgrad that made this page": f"git revision {git_revision(PROJECT)}",
        "Code that trained the runs": f"digest {training}, which is also in every run file",
        "Packages that made tables, figures and this page": versions,
    }
