"""Write the table of published and reproduced results: results/<experiment>/tables/comparison.{csv,md,html}."""

from handgrad.common.hashing import file_sha256
from handgrad.common.rule_job import rule_job
from handgrad.tables.comparison import COMPARISON, comparison_table
from handgrad.tables.published import published_table
from handgrad.tables.seeds import SEEDS


def main(*, seeds: str, published: str, loss_divisor: dict[str, float], csv: str) -> None:
    made = SEEDS.read(seeds)
    table = comparison_table(made.table, published_table(published), loss_divisor)
    COMPARISON.write(csv, table, {seeds: made.sha256, published: file_sha256(published)})


if "snakemake" in globals():
    with rule_job("aggregate_comparison", snakemake):
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.params.published.value,
            loss_divisor=snakemake.params.loss_divisor,
            csv=snakemake.output.csv,
        )
