"""The best published row beside our best setting: results/<experiment>/tables/best.{csv,md,html}."""

from handgrad.common.hashing import file_sha256
from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.experiment.published import published_rows
from handgrad.tables.best import PUBLISHED_COLUMNS, best_html, best_lines, best_markdown, best_table
from handgrad.tables.made import Text, read_made_table, write_made_table
from handgrad.tables.seeds import SEEDS_COLUMNS
from handgrad.tables.table import typed


def main(*, seeds: str, published: str | None, csv: str, md: str, html: str) -> None:
    theirs = None if published is None else typed(published_rows(published), PUBLISHED_COLUMNS)
    made = read_made_table(seeds, SEEDS_COLUMNS)
    table = best_table(made.table, theirs)
    texts = Text(md, best_markdown(table)), Text(html, best_html(table))
    others = {} if published is None else {published: file_sha256(published)}
    write_made_table(csv, table, *texts, made_from={seeds: made.sha256, **others})
    for line in best_lines(table):
        logger.info("%s", line)


if "snakemake" in globals():
    with rule_job("aggregate_best", snakemake):
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.params.published.value,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
