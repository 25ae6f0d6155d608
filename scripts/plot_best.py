"""Published and our best accuracy by hidden units: results/<experiment>/figures/best.svg."""

from handgrad.common.code_digests import require_code
from handgrad.common.logs import job_log
from handgrad.plots.best import best_accuracies
from handgrad.plots.style import save_figure
from handgrad.tables.best import BEST_COLUMNS
from handgrad.tables.made import read_made_table


def main(*, best: str, out: str) -> None:
    save_figure(out, best_accuracies(read_made_table(best, BEST_COLUMNS).table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_best", snakemake.params.code)
        main(best=snakemake.input.best, out=snakemake.output[0])
