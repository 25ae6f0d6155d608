"""Learning curves of a dataset: results/<experiment>/figures/learning_curves/<dataset>.svg."""

from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.plot_style import save_figure
from handgrad.run_plots import learning_curves
from handgrad.run_reader import read_summary


def main(*, runs: list[str], out: str) -> None:
    save_figure(out, learning_curves([read_summary(path) for path in runs]))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_learning_curves", snakemake.params.code)
        main(runs=snakemake.input.runs, out=snakemake.output[0])
