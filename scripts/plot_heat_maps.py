"""Plot fault rates by learning rate and l2: results/<experiment>/figures/heat_maps/<dataset>.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.heat_maps import heat_maps
from handgrad.plots.style import save_figure
from handgrad.tables.results import RESULTS


def main(*, results: str, dataset: str, out: str) -> None:
    table = RESULTS.read(results).table
    save_figure(out, heat_maps(table[table["dataset"] == dataset]))


if "snakemake" in globals():
    with rule_job("plot_heat_maps", snakemake):
        main(results=snakemake.input.results, dataset=snakemake.wildcards.dataset, out=snakemake.output[0])
