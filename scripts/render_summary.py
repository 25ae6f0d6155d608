"""The page of an experiment: results/<experiment>/summary.html."""

import json
from pathlib import Path
from typing import Any

import yaml

from handgrad.best_tables import BEST_COLUMNS
from handgrad.check_tables import CHECK_COLUMNS
from handgrad.comparison_tables import COMPARISON_COLUMNS
from handgrad.digests import PROJECT, require_code
from handgrad.job_costs import rule_costs
from handgrad.logs import job_log, logger
from handgrad.provenance import Source, git_revision, machines, package_versions, source
from handgrad.result_tables import RESULT_COLUMNS
from handgrad.run_reader import read_summary
from handgrad.seed_tables import SEEDS_COLUMNS
from handgrad.summary_page import Contents, summary_page
from handgrad.tables import read_table, write_text


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
    out: str,
) -> None:
    attributes = [read_summary(path).attributes for path in runs]
    sources = [source(path) for path in data]
    tables = [results, seeds, best, checks, *([comparison] if comparison else [])]
    jobs = job_names(tables, figures=figures, runs=runs, gates=gates, checks=gradient_checks, sources=sources)
    contents = Contents(
        experiment=experiment,
        config=yaml.safe_load(config),
        config_text=config,
        results=read_table(results, RESULT_COLUMNS),
        seeds=read_table(seeds, SEEDS_COLUMNS),
        best=read_table(best, BEST_COLUMNS),
        checks=read_table(checks, CHECK_COLUMNS),
        comparison=read_table(comparison, COMPARISON_COLUMNS) if comparison else None,
        figures=figures,
        mistakes=mistakes,
        units=units,
        within=within,
        costs=rule_costs(benchmarks, jobs),
        machines=machines(json.loads(run["segments"]) for run in attributes),
        sources=sources,
        facts=facts(training),
    )
    text = summary_page(contents)
    write_text(out, text)
    logger.info("%d runs, %d figures, %.1f MB", len(runs), len(figures), len(text.encode()) / 1e6)


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
            out=snakemake.output[0],
        )
