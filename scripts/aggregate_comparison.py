"""Published results beside ours: results/<experiment>/tables/comparison.{csv,md,html}."""

from handgrad.common.hashing import file_sha256
from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.experiment.published import published_rows
from handgrad.tables.comparison import (
    PUBLISHED_COLUMNS,
    comparison_html,
    comparison_markdown,
    comparison_table,
    verdicts,
)
from handgrad.tables.made import Text, read_made_table, write_made_table
from handgrad.tables.seeds import SEEDS_COLUMNS
from handgrad.tables.table import typed


def main(*, seeds: str, published: str, loss_divisor: dict[str, float], csv: str, md: str, html: str) -> None:
    made = read_made_table(seeds, SEEDS_COLUMNS)
    theirs = typed(published_rows(published), PUBLISHED_COLUMNS)
    comparison = comparison_table(made.table, theirs, loss_divisor)
    texts = Text(md, comparison_markdown(comparison)), Text(html, comparison_html(comparison))
    made_from = {seeds: made.sha256, published: file_sha256(published)}
    write_made_table(csv, comparison, *texts, made_from=made_from)
    for line in verdicts(comparison):
        logger.info("%s", line)


if "snakemake" in globals():
    with rule_job("aggregate_comparison", snakemake):
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.params.published.value,
            loss_divisor=snakemake.params.loss_divisor,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
