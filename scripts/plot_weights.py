"""Plot first-layer weights of the best run: results/<experiment>/figures/weights/<dataset>.svg."""

from matplotlib.figure import Figure

from handgrad.common.rule_job import rule_job
from handgrad.network.model import Weights
from handgrad.plots.best_run import BestRun, save_best_run_figure
from handgrad.plots.feature_weights import feature_weights_figure
from handgrad.plots.weights import weights_figure


def main(
    *, best_runs: str, dataset: str, max_count: int, max_units: int, max_inputs: int, percentile: float, out: str
) -> None:
    """Plot weights. max_count: of images; max_units, max_inputs: of other inputs."""

    def draw(best: BestRun) -> Figure:
        W, spec = Weights(*best.arrays("weights/W1", "weights/W2")), best.spec()
        if spec.image_shape:
            return weights_figure(best.row, W, spec.image_shape, max_count=max_count, percentile=percentile)
        limits = {"max_units": max_units, "max_inputs": max_inputs}
        return feature_weights_figure(best.row, W, spec.names, **limits, percentile=percentile)

    save_best_run_figure(out, best_runs, dataset, draw)


if "snakemake" in globals():
    with rule_job("plot_weights", snakemake):
        main(
            best_runs=snakemake.input.best_runs,
            dataset=snakemake.wildcards.dataset,
            max_count=snakemake.params.max_count,
            max_units=snakemake.params.max_units,
            max_inputs=snakemake.params.max_inputs,
            percentile=snakemake.params.percentile,
            out=snakemake.output[0],
        )
