"""Plot test accuracy by hidden units: results/<experiment>/figures/accuracy/<dataset>.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.accuracy import accuracy_by_hidden_units
from handgrad.plots.style import save_figure
from handgrad.tables.results import RESULTS


def main(*, results: str, dataset: str, out: str) -> None:
    table = RESULTS.read(results).table
    save_figure(out, accuracy_by_hidden_units(table[table["dataset"] == dataset]))


if "snakemake" in globals():
    with rule_job("plot_accuracy", snakemake):
        main(results=snakemake.input.results, dataset=snakemake.wildcards.dataset, out=snakemake.output[0])
