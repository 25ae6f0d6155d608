"""Fault rates by learning rate and l2: results/<experiment>/figures/heat_maps/<dataset>.svg."""

from handgrad.digests import require_code
from handgrad.heat_map_plots import heat_maps
from handgrad.logs import job_log
from handgrad.made_tables import read_made_table
from handgrad.plot_style import save_figure
from handgrad.result_tables import RESULT_COLUMNS


def main(*, results: str, dataset: str, out: str) -> None:
    table = read_made_table(results, RESULT_COLUMNS).table
    save_figure(out, heat_maps(table[table["dataset"] == dataset]))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_heat_maps", snakemake.params.code)
        main(results=snakemake.input.results, dataset=snakemake.wildcards.dataset, out=snakemake.output[0])
