"""The table of an experiment's results: results/<experiment>/tables/results.{csv,md,html} from its runs."""

from handgrad.answers import right_answers
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.result_statistics import with_statistics
from handgrad.result_tables import count_runs, results_html, results_markdown, results_table
from handgrad.run_reader import read_summary, require_current
from handgrad.tables import write_table, write_text


def main(
    *,
    runs: list[str],
    data: list[str],
    csv: str,
    md: str,
    html: str,
    training: str,
    data_digests: dict[str, str],
) -> None:
    summaries = [read_summary(path) for path in runs]
    for path, summary in zip(runs, summaries, strict=True):
        require_current(path, summary, code_digest=training, data_digests=data_digests)
    table = with_statistics(results_table(summaries), right_answers(runs, data))
    write_table(csv, table)
    write_text(md, results_markdown(table))
    write_text(html, results_html(table))
    logger.info("%s", count_runs(table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("aggregate_results", snakemake.params.code)
        main(
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
        )
