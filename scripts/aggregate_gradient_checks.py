"""The table of gradient checks: results/<experiment>/tables/gradient_checks.{csv,md,html}."""

from handgrad.check_tables import checks_html, checks_markdown, checks_table, read_check
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.tables import write_table, write_text


def main(*, checks: list[str], csv: str, md: str, html: str) -> None:
    table = checks_table(read_check(path) for path in checks)
    write_table(csv, table)
    write_text(md, checks_markdown(table))
    write_text(html, checks_html(table))
    logger.info("%d checks, %d passed", len(table), int(table["passed"].sum()))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("aggregate_gradient_checks", snakemake.params.code)
        main(
            checks=snakemake.input.checks,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
