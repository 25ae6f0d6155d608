"""Write the table over seeds: results/<experiment>/tables/seeds.{csv,md,html}."""

from handgrad.common.rule_job import rule_job
from handgrad.tables.results import RESULTS
from handgrad.tables.seeds import SEEDS, seeds_table


def main(*, results: str, csv: str) -> None:
    made = RESULTS.read(results)
    SEEDS.write(csv, seeds_table(made.table), {results: made.sha256})


if "snakemake" in globals():
    with rule_job("aggregate_seeds", snakemake):
        main(results=snakemake.input.results, csv=snakemake.output.csv)
