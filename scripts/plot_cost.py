"""Plot test accuracy by seconds of training: results/<experiment>/figures/cost/<dataset>.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.cost import accuracy_against_cost
from handgrad.plots.style import save_figure
from handgrad.tables.results import RESULTS


def main(*, results: str, dataset: str, out: str) -> None:
    table = RESULTS.read(results).table
    save_figure(out, accuracy_against_cost(table[table["dataset"] == dataset]))


if "snakemake" in globals():
    with rule_job("plot_cost", snakemake):
        main(results=snakemake.input.results, dataset=snakemake.wildcards.dataset, out=snakemake.output[0])
