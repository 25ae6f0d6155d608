"""The page of an experiment: results/<experiment>/summary.html."""

import json
from pathlib import Path
from typing import Any

import yaml

from handgrad.best_tables import BEST_COLUMNS
from handgrad.check_tables import CHECK_COLUMNS
from handgrad.comparison_tables import COMPARISON_COLUMNS
from handgrad.digests import require_code
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
    proofs: list[str],
    benchmarks: str,
    training: str,
    out: str,
) -> None:
    attributes = [read_summary(path).attributes for path in runs]
    sources = [source(path) for path in data]
    jobs = job_names(experiment, runs=runs, proofs=proofs, sources=sources)
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
        costs=rule_costs(benchmarks, jobs, without="render_summary"),
        machines=machines(json.loads(run["segments"]) for run in attributes),
        sources=sources,
        facts=facts(training),
    )
    text = summary_page(contents)
    write_text(out, text)
    logger.info("%d runs, %d figures, %.1f MB", len(runs), len(figures), len(text.encode()) / 1e6)


def job_names(experiment: str, *, runs: list[str], proofs: list[str], sources: list[Source]) -> list[str]:
    """What the benchmarks of all jobs of an experiment are called, of whatever rule."""
    return [
        experiment,
        *("/".join(Path(path).with_suffix("").parts[-2:]) for path in runs),
        *(Path(path).stem for path in proofs),
        *(name for of in sources for name in (of.dataset, f"{experiment}/{of.dataset}")),
        *(f"{of.dataset}/{file}" for of in sources for file, _ in of.files),
    ]


def facts(training: str) -> dict[str, Any]:
    """Where the page itself comes from; training: the digest of the code that trained its runs."""
    versions = ", ".join(f"{name} {number}" for name, number in package_versions().items())
    return {
        "handgrad when this page was made": f"git revision {git_revision(Path(__file__).parent)}",
        "Code that trained the runs": f"digest {training}, which every run file holds",
        "Tables, figures and this page were made with": versions,
    }


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("render_summary", snakemake.params.code)
        main(
            experiment=snakemake.wildcards.experiment,
            config=snakemake.params.config,
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
            proofs=[*snakemake.input.gates, *snakemake.input.gradient_checks],
            benchmarks="results/benchmarks",
            training=snakemake.params.training,
            out=snakemake.output[0],
        )
