"""The best run of each dataset: results/<experiment>/tables/best_runs.csv. Three figures show it."""

from handgrad.common.jobs import rule_job
from handgrad.common.logs import logger
from handgrad.tables.made import read_made_table, write_made_table
from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.selection import best_runs


def main(*, results: str, runs: str, data: str, csv: str) -> None:
    made = read_made_table(results, RESULT_COLUMNS)
    best = best_runs(made.table)
    shown = [f"{data}/{dataset}.h5" for dataset in best["dataset"]]
    shown += [f"{runs}/{dataset}/{run}.h5" for dataset, run in zip(best["dataset"], best["run"], strict=True)]
    write_made_table(csv, best, made_from={path: made.digest_of(path) for path in shown})
    for dataset, run, split in zip(best["dataset"], best["run"], best["chosen_on"], strict=True):
        logger.info("%s: the fewest faults on the %s split: %s", dataset, split, run)


if "snakemake" in globals():
    with rule_job("aggregate_best_runs", snakemake):
        main(
            results=snakemake.input.results,
            runs=snakemake.params.runs,
            data=snakemake.params.data,
            csv=snakemake.output.csv,
        )
