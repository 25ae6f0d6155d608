"""Plot the faults of each seed of the best settings: results/<experiment>/figures/seeds/<dataset>.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.seeds import faults_by_seed
from handgrad.plots.style import save_figure
from handgrad.tables.results import RESULTS


def main(*, results: str, dataset: str, out: str) -> None:
    table = RESULTS.read(results).table
    save_figure(out, faults_by_seed(table[table["dataset"] == dataset]))


if "snakemake" in globals():
    with rule_job("plot_seeds", snakemake):
        main(results=snakemake.input.results, dataset=snakemake.wildcards.dataset, out=snakemake.output[0])
