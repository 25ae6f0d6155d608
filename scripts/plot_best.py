"""Published and our best accuracy by hidden units: results/<experiment>/figures/best.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.best import best_accuracies
from handgrad.plots.style import save_figure
from handgrad.tables.best import BEST_COLUMNS
from handgrad.tables.made import read_made_table


def main(*, best: str, out: str) -> None:
    save_figure(out, best_accuracies(read_made_table(best, BEST_COLUMNS).table))


if "snakemake" in globals():
    with rule_job("plot_best", snakemake):
        main(best=snakemake.input.best, out=snakemake.output[0])
