"""The table over seeds: results/<experiment>/tables/seeds.{csv,md,html}."""

from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.tables.made import Text, read_made_table, write_made_table
from handgrad.tables.results import RESULT_COLUMNS
from handgrad.tables.seeds import count_seeds, seeds_html, seeds_markdown, seeds_table


def main(*, results: str, csv: str, md: str, html: str) -> None:
    made = read_made_table(results, RESULT_COLUMNS)
    table = seeds_table(made.table)
    texts = Text(md, seeds_markdown(table)), Text(html, seeds_html(table))
    write_made_table(csv, table, *texts, made_from={results: made.sha256})
    logger.info("%s", count_seeds(table))


if "snakemake" in globals():
    with rule_job("aggregate_seeds", snakemake):
        main(
            results=snakemake.input.results,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
