"""Confusion matrix of a dataset's best run: results/<experiment>/figures/confusion/<dataset>.svg."""

from handgrad.common.jobs import rule_job
from handgrad.datasets.data import open_data
from handgrad.plots.best_run import best_run_file, no_best_run
from handgrad.plots.confusion import confusion_of
from handgrad.plots.style import save_figure
from handgrad.plots.text import class_labels


def main(*, best_runs: str, data: str, dataset: str, data_digest: str, out: str) -> None:
    best = best_run_file(best_runs, dataset)
    if best is None:
        save_figure(out, no_best_run(dataset))
        return
    (predictions,) = best.arrays("test/predictions")
    with open_data(data, data_digest) as stored:
        best.table.require_made_from(data, stored.seal)
        names = class_labels(stored.class_names, dataset)
        save_figure(out, confusion_of(best.row, stored.test_labels, predictions, names))


if "snakemake" in globals():
    with rule_job("plot_confusion", snakemake):
        main(
            best_runs=snakemake.input.best_runs,
            data=snakemake.input.data,
            dataset=snakemake.wildcards.dataset,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
