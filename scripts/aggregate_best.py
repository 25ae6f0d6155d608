"""Write the table of the best published rows and our best settings: results/<experiment>/tables/best.{csv,md,html}."""

from handgrad.common.hashing import file_sha256
from handgrad.common.rule_job import rule_job
from handgrad.tables.best import BEST, best_table
from handgrad.tables.published import published_table
from handgrad.tables.seeds import SEEDS


def main(*, seeds: str, published: str | None, csv: str) -> None:
    made = SEEDS.read(seeds)
    theirs = {} if published is None else {published: file_sha256(published)}
    BEST.write(csv, best_table(made.table, published_table(published)), {seeds: made.sha256, **theirs})


if "snakemake" in globals():
    with rule_job("aggregate_best", snakemake):
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.params.published.value,
            csv=snakemake.output.csv,
        )
