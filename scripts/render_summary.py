"""The page of an experiment: results/<experiment>/summary.html."""

import json
from pathlib import Path
from typing import Any

import yaml

from handgrad.common.code_digests import PROJECT, code_digest, require_code
from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.logs import job_log, logger
from handgrad.datasets.data import open_data
from handgrad.gradient_check.files import read_check
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


def main(
    *,
    experiment: str,
    config: str,
    results: str,
    seeds: str,
    best: str,
    checks: str,
    comparison: str | None,
    figures: list[str],
    mistakes: int,
    units: int,
    within: float,
    runs: list[str],
    data: list[str],
    gates: list[str],
    gradient_checks: list[str],
    benchmarks: str,
    training: str,
    data_digests: dict[str, str],
    out: str,
) -> None:
    paths = [results, seeds, best, checks, *([comparison] if comparison else [])]
    tables = read_tables(results, seeds, best, checks, comparison)
    sources, data_contents = read_sources(data, data_digests, tables["results"])
    segments = read_segments(runs, training, data_digests, data_contents, tables["results"])
    require_checks(gates, gradient_checks, data_digests, data_contents, tables["gradient_checks"])
    jobs = job_names(paths, figures=figures, runs=runs, gates=gates, checks=gradient_checks, sources=sources)
    contents = Contents(
        experiment=experiment,
        config=yaml.safe_load(config),
        config_text=config,
        results=tables["results"].table,
        seeds=tables["seeds"].table,
        best=tables["best"].table,
        checks=tables["gradient_checks"].table,
        comparison=tables["comparison"].table if comparison else None,
        figures=figures,
        mistakes=mistakes,
        units=units,
        within=within,
        costs=rule_costs(benchmarks, jobs),
        machines=machines(segments),
        sources=sources,
        facts=facts(training),
    )
    text = summary_page(contents)
    write_text(out, text)
    logger.info("%d runs, %d figures, %.1f MB", len(runs), len(figures), len(text.encode()) / 1e6)


def read_tables(results: str, seeds: str, best: str, checks: str, comparison: str | None) -> dict[str, MadeTable]:
    """The tables by name. Raises HandgradError if one was not made from the others as they are."""
    tables = {
        "results": read_made_table(results, RESULT_COLUMNS),
        "seeds": read_made_table(seeds, SEEDS_COLUMNS),
        "best": read_made_table(best, BEST_COLUMNS),
        "gradient_checks": read_made_table(checks, CHECK_COLUMNS),
    }
    tables["seeds"].require_made_from(results, tables["results"].sha256)
    if comparison:
        tables["comparison"] = read_made_table(comparison, COMPARISON_COLUMNS)
    for name in tables.keys() & {"best", "comparison"}:
        tables[name].require_made_from(seeds, tables["seeds"].sha256)
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
    gradient_checks: list[str],
    data_digests: dict[str, str],
    contents: dict[str, str],
    table: MadeTable,
) -> None:
    """Raise HandgradError if a gate or a check is not of the code and the data that are here."""
    for rule, paths in (("check_gate", gates), ("check_gradients", gradient_checks)):
        for path in paths:
            check, sha256 = read_check(path, {"code_digest": code_digest(rule)})
            dataset = check["dataset"]
            found = check["data_digest"], check["data_content"]
            if found != (data_digests.get(dataset), contents.get(dataset)):
                raise HandgradError(f"{path}: is of other data than results/data/{dataset}.h5; {REMEDY}")
            if rule == "check_gradients":
                table.require_made_from(path, sha256)


def job_names(
    tables: list[str],
    *,
    figures: list[str],
    runs: list[str],
    gates: list[str],
    checks: list[str],
    sources: list[Source],
) -> dict[str, list[str]]:
    """What the benchmarks of the jobs behind the page are called, by rule, from the files that they made."""
    names: dict[str, list[str]] = {
        "download_file": [f"{of.dataset}/{file}" for of in sources for file, _ in of.files],
        "preprocess_dataset": [of.dataset for of in sources],
        "check_gate": [Path(path).stem for path in gates],
        "check_gradients": [Path(path).stem for path in checks],
        "train_run": ["/".join(Path(path).with_suffix("").parts[-2:]) for path in runs],
    }
    for path in map(Path, tables):  # results/<experiment>/tables/<name>.csv
        names[f"aggregate_{path.stem}"] = [path.parts[-3]]
    for path in map(Path, figures):  # results/<experiment>/figures/<name>.svg or .../<kind>/<dataset>.svg
        experiment, _, *name = path.with_suffix("").parts[1:]
        names.setdefault(f"plot_{name[0]}", []).append("/".join([experiment, *name[1:]]))
    return names


def facts(training: str) -> dict[str, Any]:
    """Where the page itself comes from; training: the digest of the code that trained its runs."""
    versions = ", ".join(f"{name} {number}" for name, number in package_versions().items())
    return {
        "handgrad when this page was made": f"git revision {git_revision(PROJECT)}",
        "Code that trained the runs": f"digest {training}, which every run file holds",
        "Tables, figures and this page were made with": versions,
    }


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("render_summary", snakemake.params.code)
        main(
            experiment=snakemake.wildcards.experiment,
            config=snakemake.config["shown"],
            results=snakemake.input.results,
            seeds=snakemake.input.seeds,
            best=snakemake.input.best,
            checks=snakemake.input.checks,
            comparison=snakemake.input.get("comparison"),
            figures=snakemake.input.figures,
            mistakes=snakemake.params.mistakes,
            units=snakemake.params.units,
            within=snakemake.params.within,
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            gates=snakemake.input.gates,
            gradient_checks=snakemake.input.gradient_checks,
            benchmarks="results/benchmarks",
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
            out=snakemake.output[0],
        )
