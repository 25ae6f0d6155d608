"""Published and our best accuracy by hidden units: results/<experiment>/figures/best.svg."""

from handgrad.best_plots import best_accuracies
from handgrad.best_tables import BEST_COLUMNS
from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.made_tables import read_made_table
from handgrad.plot_style import save_figure


def main(*, best: str, out: str) -> None:
    save_figure(out, best_accuracies(read_made_table(best, BEST_COLUMNS).table))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_best", snakemake.params.code)
        main(best=snakemake.input.best, out=snakemake.output[0])
