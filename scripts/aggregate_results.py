"""Write the table of results from the run files: results/<experiment>/tables/results.{csv,md,html}."""

from handgrad.common.rule_job import rule_job
from handgrad.tables.inputs import correct_predictions, read_inputs
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.significance import with_statistics


def main(*, runs: list[str], data: list[str], csv: str, training: str, data_digests: dict[str, str]) -> None:
    inputs = read_inputs(runs, data, training=training, data_digests=data_digests)
    table = with_statistics(results_table(inputs.runs), correct_predictions(inputs.runs, inputs.labels))
    RESULTS.write(csv, table, inputs.seals)


if "snakemake" in globals():
    with rule_job("aggregate_results", snakemake):
        main(
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            csv=snakemake.output.csv,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
        )
