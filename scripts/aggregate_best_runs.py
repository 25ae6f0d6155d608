"""The best run of each dataset: results/<experiment>/tables/best_runs.csv. Three figures show it."""

from pathlib import Path

from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.tables.made import read_made_table, write_made_table
from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.selection import best_runs


def main(*, results: str, csv: str) -> None:
    made = read_made_table(results, RESULT_COLUMNS)
    best = best_runs(made.table)
    names = {f"{dataset}.h5" for dataset in best["dataset"]} | {f"{run}.h5" for run in best["run"]}
    write_made_table(csv, best, made_from={p: digest for p, digest in made.files().items() if Path(p).name in names})
    for dataset, run, split in zip(best["dataset"], best["run"], best["chosen_on"], strict=True):
        logger.info("%s: the fewest faults on the %s split: %s", dataset, split, run)


if "snakemake" in globals():
    with rule_job("aggregate_best_runs", snakemake):
        main(results=snakemake.input.results, csv=snakemake.output.csv)
