"""The table of an experiment's results: results/<experiment>/tables/results.{csv,md,html} from its runs."""

from handgrad.digests import require_library
from handgrad.logs import job_log, logger
from handgrad.result_tables import count_runs, results_html, results_markdown, results_table
from handgrad.run_reader import read_summary
from handgrad.tables import write_table, write_text


def main(*, runs: list[str], csv: str, md: str, html: str) -> None:
    table = results_table(read_summary(path) for path in runs)
    write_table(csv, table)
    write_text(md, results_markdown(table))
    write_text(html, results_html(table))
    logger.info("%s", count_runs(table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_library("aggregate_results", snakemake.params.library)
        main(
            runs=snakemake.input.runs,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
        )
