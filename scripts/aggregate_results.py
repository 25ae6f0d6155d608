"""The table of an experiment's results: results/<experiment>/tables/results.{csv,md,html} from its runs."""

from pathlib import Path

from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.datasets.data import open_data
from handgrad.storage.run_reader import read_current
from handgrad.tables.made import Text, write_made_table
from handgrad.tables.predictions import correct_predictions
from handgrad.tables.results import count_runs, results_html, results_markdown, results_table
from handgrad.tables.significance import with_statistics


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
    labels, contents, made_from = {}, {}, {}
    for path in data:
        dataset = Path(path).stem
        with open_data(path, data_digests[dataset]) as stored:
            labels[dataset], contents[dataset] = stored.test_labels, stored.content
            made_from[path] = stored.seal
    of = {"code_digest": training, "data_digests": data_digests, "contents": contents}
    summaries = [read_current(path, **of) for path in runs]
    made_from |= {path: summary.seal for path, summary in zip(runs, summaries, strict=True)}
    table = with_statistics(results_table(summaries), correct_predictions(summaries, labels))
    texts = Text(md, results_markdown(table)), Text(html, results_html(table))
    write_made_table(csv, table, *texts, made_from=made_from)
    logger.info("%s", count_runs(table))


if "snakemake" in globals():
    with rule_job("aggregate_results", snakemake):
        main(
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
        )
