"""Plot the most confident mistakes of the best run as images: results/<experiment>/figures/mistakes/<dataset>.svg."""

from matplotlib.figure import Figure

from handgrad.common.rule_job import rule_job
from handgrad.datasets.images import images_at
from handgrad.plots.best_run import BestRun, save_best_run_figure
from handgrad.plots.mistakes import mistakes_figure, most_confident_mistakes
from handgrad.plots.text import class_labels


def main(*, best_runs: str, data: str, dataset: str, max_count: int, data_digest: str, out: str) -> None:
    def draw(best: BestRun) -> Figure:
        found = best.arrays("test/predictions", "test/probabilities")
        with best.data(data, data_digest) as stored:
            mistakes = most_confident_mistakes(best.row, stored.test_labels, *found, max_count=max_count)
            images = images_at(stored, [mistake.example for mistake in mistakes])
            return mistakes_figure(best.row, mistakes, images, class_labels(stored.class_names, dataset))

    save_best_run_figure(out, best_runs, dataset, draw)


if "snakemake" in globals():
    with rule_job("plot_mistakes", snakemake):
        main(
            best_runs=snakemake.input.best_runs,
            data=snakemake.input.data,
            dataset=snakemake.wildcards.dataset,
            max_count=snakemake.params.max_count,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
