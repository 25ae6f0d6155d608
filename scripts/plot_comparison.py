"""Published against reproduced faults: results/<experiment>/figures/comparison.svg."""

from handgrad.comparison_plots import published_against_reproduced
from handgrad.comparison_tables import COMPARISON_COLUMNS
from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.plot_style import save_figure
from handgrad.tables import read_table


def main(*, comparison: str, out: str) -> None:
    save_figure(out, published_against_reproduced(read_table(comparison, COMPARISON_COLUMNS)))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_comparison", snakemake.params.code)
        main(comparison=snakemake.input.comparison, out=snakemake.output[0])
