"""Plot the best published accuracy and our best accuracy by hidden units: results/<experiment>/figures/best.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.best import best_accuracies
from handgrad.plots.style import save_figure
from handgrad.tables.best import BEST


def main(*, best: str, out: str) -> None:
    save_figure(out, best_accuracies(BEST.read(best).table))


if "snakemake" in globals():
    with rule_job("plot_best", snakemake):
        main(best=snakemake.input.best, out=snakemake.output[0])
