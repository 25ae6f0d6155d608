"""The page of an experiment: results/<experiment>/summary.html."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.code_digests import PROJECT, code_digest
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.jobs import rule_job
from handgrad.common.logs import logger
from handgrad.datasets.data import open_data
from handgrad.gradient_check.files import read_check
from handgrad.layout.paths import BENCHMARKS
from handgrad.page.benchmarks import rule_costs
from handgrad.page.content import Contents, summary_page
from handgrad.storage.provenance import Source, git_revision, machines, package_versions, source
from handgrad.storage.run_reader import read_current
from handgrad.tables.best import BEST_COLUMNS
from handgrad.tables.comparison import COMPARISON_COLUMNS
from handgrad.tables.gradient_checks import CHECK_COLUMNS
from handgrad.tables.made import MadeTable, read_made_table
from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.seeds import SEEDS_COLUMNS
from handgrad.tables.table import write_text

COLUMNS = {
    "results": RESULT_COLUMNS,
    "seeds": SEEDS_COLUMNS,
    "best": BEST_COLUMNS,
    "comparison": COMPARISON_COLUMNS,
    "gradient_checks": CHECK_COLUMNS,
}


def main(
    *,
    config: str,
    contexts: Mapping[str | None, Mapping[str, Any]],
    table_files: Mapping[str, str],
    figures: list[str],
    runs: list[str],
    data: list[str],
    gates: list[str],
    checks: list[str],
    benchmarks: Mapping[str, list[str]],
    training: str,
    data_digests: dict[str, str],
    out: str,
) -> None:
    tables = read_tables(table_files)
    sources, data_contents = read_sources(data, data_digests, tables["results"])
    segments = read_segments(runs, training, data_digests, data_contents, tables["results"])
    require_checks(gates, checks, data_digests, data_contents, tables["gradient_checks"])
    contents = Contents(
        contexts=contexts,
        config=yaml.safe_load(config),
        config_text=config,
        results=tables["results"].table,
        seeds=tables["seeds"].table,
        best=tables["best"].table,
        checks=tables["gradient_checks"].table,
        comparison=tables["comparison"].table if "comparison" in tables else None,
        figures=figures,
        costs=rule_costs(BENCHMARKS, benchmarks),
        machines=machines(segments),
        sources=sources,
        facts=facts(training),
    )
    text = summary_page(contents)
    write_text(out, text)
    logger.info("%d runs, %d figures, %.1f MB", len(runs), len(figures), len(text.encode()) / 1e6)


def read_tables(files: Mapping[str, str]) -> dict[str, MadeTable]:
    """The tables by name. Raises HandgradError if one was not made from the others as they are."""
    tables = {name: read_made_table(path, COLUMNS[name]) for name, path in files.items()}
    for name, made_from in (("seeds", "results"), ("best", "seeds"), ("comparison", "seeds")):
        if name in tables:
            tables[name].require_made_from(files[made_from], tables[made_from].sha256)
    return tables


def read_sources(
    data: list[str], data_digests: dict[str, str], results: MadeTable
) -> tuple[list[Source], dict[str, str]]:
    """What datasets were made from, and the content_sha256 of each."""
    sources, contents = [], {}
    for path in data:
        dataset = Path(path).stem
        with open_data(path, data_digests[dataset]) as stored:
            results.require_made_from(path, stored.seal)
            sources.append(source(stored))
            contents[dataset] = stored.content
    return sources, contents


def read_segments(
    runs: list[str],
    training: str,
    data_digests: dict[str, str],
    contents: dict[str, str],
    results: MadeTable,
) -> list[list[dict[str, Any]]]:
    """The segments in which each run was computed. Raises HandgradError if a run is not that of the table."""
    segments = []
    for path in runs:
        run = read_current(path, code_digest=training, data_digests=data_digests, contents=contents)
        results.require_made_from(path, run.seal)
        segments.append(json.loads(run.attributes["segments"]))
    return segments


def require_checks(
    gates: list[str],
    checks: list[str],
    data_digests: dict[str, str],
    contents: dict[str, str],
    table: MadeTable,
) -> None:
    """Raise HandgradError if a gate or a check is not of the code and the data that are here."""
    for rule, paths in (("check_gate", gates), ("check_gradients", checks)):
        for path in paths:
            check, sha256 = read_check(path, {"code_digest": code_digest(rule)})
            dataset = check["dataset"]
            found = check["data_digest"], check["data_content"]
            if found != (data_digests.get(dataset), contents.get(dataset)):
                raise HandgradError(f"{path}: is of other data than results/data/{dataset}.h5; {REMEDY}")
            if rule == "check_gradients":
                table.require_made_from(path, sha256)


def facts(training: str) -> dict[str, Any]:
    """Where the page itself comes from; training: the digest of the code that trained its runs."""
    versions = ", ".join(f"{name} {number}" for name, number in package_versions().items())
    return {
        "handgrad when this page was made": f"git revision {git_revision(PROJECT)}",
        "Code that trained the runs": f"digest {training}, which every run file holds",
        "Tables, figures and this page were made with": versions,
    }


if "snakemake" in globals():
    with rule_job("render_summary", snakemake):
        main(
            config=snakemake.params.config.value,
            contexts=snakemake.params.contexts,
            table_files={name: path for name in COLUMNS if (path := snakemake.input.get(name))},
            figures=snakemake.input.figures,
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            gates=snakemake.input.gates,
            checks=snakemake.input.checks,
            benchmarks=snakemake.params.benchmarks.value,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
            out=snakemake.output[0],
        )
