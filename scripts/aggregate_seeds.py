"""The table over seeds: results/<experiment>/tables/seeds.{csv,md,html}."""

from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.result_tables import RESULT_COLUMNS
from handgrad.seed_tables import count_seeds, seeds_html, seeds_markdown, seeds_table
from handgrad.tables import read_table, write_table, write_text


def main(*, results: str, csv: str, md: str, html: str) -> None:
    table = seeds_table(read_table(results, RESULT_COLUMNS))
    write_table(csv, table)
    write_text(md, seeds_markdown(table))
    write_text(html, seeds_html(table))
    logger.info("%s", count_seeds(table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("aggregate_seeds", snakemake.params.code)
        main(
            results=snakemake.input.results,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
