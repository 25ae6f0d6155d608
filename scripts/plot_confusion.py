"""Plot the confusion matrix of the best run: results/<experiment>/figures/confusion/<dataset>.svg."""

from matplotlib.figure import Figure

from handgrad.common.rule_job import rule_job
from handgrad.plots.best_run import BestRun, save_best_run_figure
from handgrad.plots.confusion import confusion_figure
from handgrad.plots.text import class_labels


def main(*, best_runs: str, data: str, dataset: str, data_digest: str, out: str) -> None:
    def draw(best: BestRun) -> Figure:
        with best.data(data, data_digest) as stored:
            names = class_labels(stored.class_names, dataset)
            return confusion_figure(best.row, stored.test_labels, *best.arrays("test/predictions"), names)

    save_best_run_figure(out, best_runs, dataset, draw)


if "snakemake" in globals():
    with rule_job("plot_confusion", snakemake):
        main(
            best_runs=snakemake.input.best_runs,
            data=snakemake.input.data,
            dataset=snakemake.wildcards.dataset,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
