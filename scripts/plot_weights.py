"""Plot the first-layer weights of the best run as images: results/<experiment>/figures/weights/<dataset>.svg."""

from matplotlib.figure import Figure

from handgrad.common.rule_job import rule_job
from handgrad.network.model import Weights
from handgrad.plots.best_run import BestRun, save_best_run_figure
from handgrad.plots.weights import weights_figure


def main(
    *,
    best_runs: str,
    dataset: str,
    image_shape: list[int],
    max_count: int,
    percentile: float,
    out: str,
) -> None:
    def draw(best: BestRun) -> Figure:
        W = Weights(*best.arrays("weights/W1", "weights/W2"))
        return weights_figure(best.row, W, tuple(image_shape), max_count=max_count, percentile=percentile)

    save_best_run_figure(out, best_runs, dataset, draw)


if "snakemake" in globals():
    with rule_job("plot_weights", snakemake):
        main(
            best_runs=snakemake.input.best_runs,
            dataset=snakemake.wildcards.dataset,
            image_shape=snakemake.params.image_shape,
            max_count=snakemake.params.max_count,
            percentile=snakemake.params.percentile,
            out=snakemake.output[0],
        )
