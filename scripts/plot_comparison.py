"""Plot reproduced faults compared with published faults: results/<experiment>/figures/comparison.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.comparison import published_against_reproduced
from handgrad.plots.style import save_figure
from handgrad.tables.comparison import COMPARISON


def main(*, comparison: str, out: str) -> None:
    table = COMPARISON.read(comparison).table
    save_figure(out, published_against_reproduced(table))


if "snakemake" in globals():
    with rule_job("plot_comparison", snakemake):
        main(comparison=snakemake.input.comparison, out=snakemake.output[0])
