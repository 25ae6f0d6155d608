"""Write the table of the best run of each dataset, for figures: results/<experiment>/tables/best_runs.csv."""

from handgrad.common.rule_job import rule_job
from handgrad.layout.paths import data_file
from handgrad.tables.best_runs import BEST_RUNS, best_runs
from handgrad.tables.results import RESULTS


def main(*, results: str, csv: str) -> None:
    made = RESULTS.read(results)
    best = best_runs(made.table)
    files = [*map(data_file, best["dataset"]), *best["file"]]
    made_from = {path: made.digest(path) for path in map(made.located, files)}
    BEST_RUNS.write(csv, best, made_from)


if "snakemake" in globals():
    with rule_job("aggregate_best_runs", snakemake):
        main(results=snakemake.input.results, csv=snakemake.output.csv)
