"""Published against reproduced faults: results/<experiment>/figures/comparison.svg."""

from handgrad.comparison_plots import published_against_reproduced
from handgrad.comparison_tables import COMPARISON_COLUMNS
from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.made_tables import read_made_table
from handgrad.plot_style import save_figure


def main(*, comparison: str, out: str) -> None:
    table = read_made_table(comparison, COMPARISON_COLUMNS).table
    save_figure(out, published_against_reproduced(table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_comparison", snakemake.params.code)
        main(comparison=snakemake.input.comparison, out=snakemake.output[0])
