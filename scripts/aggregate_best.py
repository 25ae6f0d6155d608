"""The best published row beside our best setting: results/<experiment>/tables/best.{csv,md,html}."""

from handgrad.best_tables import PUBLISHED_COLUMNS, best_html, best_lines, best_markdown, best_table
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.published import published_rows
from handgrad.seed_tables import SEEDS_COLUMNS
from handgrad.tables import read_table, typed, write_table, write_text


def main(*, seeds: str, published: str | None, csv: str, md: str, html: str) -> None:
    theirs = None if published is None else typed(published_rows(published), PUBLISHED_COLUMNS)
    table = best_table(read_table(seeds, SEEDS_COLUMNS), theirs)
    write_table(csv, table)
    write_text(md, best_markdown(table))
    write_text(html, best_html(table))
    for line in best_lines(table):
        logger.info("%s", line)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("aggregate_best", snakemake.params.code)
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.input.published or None,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
