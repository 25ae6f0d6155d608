"""Write the table of results from the run files: results/<experiment>/tables/results.{csv,md,html}."""

from handgrad.common.rule_job import rule_job
from handgrad.tables.complete_results import complete_results
from handgrad.tables.inputs import read_inputs
from handgrad.tables.results import RESULTS


def main(*, runs: list[str], data: list[str], csv: str, training: str, data_digests: dict[str, str]) -> None:
    inputs = read_inputs(runs, data, training=training, data_digests=data_digests)
    RESULTS.write(csv, complete_results(inputs.runs, inputs.labels), inputs.seals)


if "snakemake" in globals():
    with rule_job("aggregate_results", snakemake):
        main(
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            csv=snakemake.output.csv,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
        )
