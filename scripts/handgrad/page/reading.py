"""Reading the files that the page of an experiment shows, with a check that they belong together."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handgrad.common.code_digests import PROJECT, code_digest
from handgrad.gradient_check.files import read_check
from handgrad.layout.paths import BENCHMARKS, figure_keys
from handgrad.page.benchmarks import rule_costs
from handgrad.page.content import KINDS, Contents
from handgrad.storage.provenance import git_revision, machines, package_versions
from handgrad.tables.checksums import MadeTable
from handgrad.tables.inputs import read_inputs


def read_contents(
    *,
    config: Mapping[str, Any],
    contexts: Mapping[str | None, Mapping[str, Any]],
    tables: Mapping[str, str],
    figures: Sequence[str],
    runs: Sequence[str],
    data: Sequence[str],
    gates: Sequence[str],
    checks: Sequence[str],
    checked: Sequence[tuple[str, str]],
    benchmarks: Mapping[str, Sequence[str]],
    training: str,
    data_digests: Mapping[str, str],
) -> Contents:
    """Return the content of the page.

    tables: paths by name. checked: dataset and activation of each gate and each gradient check. benchmarks: names of
    benchmark files by rule. training: digest of the training code.

    Raises HandgradError if a file was changed after it was made, or if one of its inputs has changed since then.
    """
    made = read_tables(tables)
    inputs = read_inputs(runs, data, training=training, data_digests=data_digests)
    sums = read_checks(gates, checks, checked, data_digests, inputs.contents)
    for table, files in (("results", inputs.seals), ("gradient_checks", sums)):
        for path, digest in files.items():
            made[table].require_made_from(path, digest)
    entries = {dataset: config["datasets"][dataset] for dataset in data_digests}
    return Contents(
        config=config,
        contexts=contexts,
        tables={name: one.table for name, one in made.items()},
        figures=dict(zip(figure_keys(entries, comparison="comparison" in tables), figures, strict=True)),
        costs=rule_costs(BENCHMARKS, benchmarks),
        machines=machines(json.loads(run.attributes["segments"]) for run in inputs.runs),
        sources=inputs.sources,
        facts=facts(training),
    )


def read_tables(files: Mapping[str, str]) -> dict[str, MadeTable]:
    """Return the tables by name. Raises HandgradError if a table was made from a different version of another one."""
    tables = {name: KINDS[name].read(path) for name, path in files.items()}
    for name, made_from in (("seeds", "results"), ("best", "seeds"), ("comparison", "seeds")):
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
