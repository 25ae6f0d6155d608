"""Published results beside ours: results/<experiment>/tables/comparison.{csv,md,html}."""

from handgrad.comparison_tables import (
    PUBLISHED_COLUMNS,
    comparison_html,
    comparison_markdown,
    comparison_table,
    verdicts,
)
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.published import published_rows
from handgrad.seed_tables import SEEDS_COLUMNS
from handgrad.tables import read_table, typed, write_table, write_text


def main(*, seeds: str, published: str, loss_divisor: dict[str, float], csv: str, md: str, html: str) -> None:
    comparison = comparison_table(
        read_table(seeds, SEEDS_COLUMNS), typed(published_rows(published), PUBLISHED_COLUMNS), loss_divisor
    )
    write_table(csv, comparison)
    write_text(md, comparison_markdown(comparison))
    write_text(html, comparison_html(comparison))
    for line in verdicts(comparison):
        logger.info("%s", line)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("aggregate_comparison", snakemake.params.code)
        main(
            seeds=snakemake.input.seeds,
            published=snakemake.input.published,
            loss_divisor=snakemake.params.loss_divisor,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
