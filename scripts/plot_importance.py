"""Plot the importance of axes: results/<experiment>/figures/importance.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.importance import importance_of_axes
from handgrad.plots.style import save_figure
from handgrad.tables.importance import IMPORTANCE


def main(*, importance: str, out: str) -> None:
    save_figure(out, importance_of_axes(IMPORTANCE.read(importance).table))


if "snakemake" in globals():
    with rule_job("plot_importance", snakemake):
        main(importance=snakemake.input.importance, out=snakemake.output[0])
