"""The best run's most confident mistakes as pictures: results/<experiment>/figures/mistakes/<dataset>.svg."""

from handgrad.common.jobs import rule_job
from handgrad.datasets.data import open_data
from handgrad.datasets.images import images_at
from handgrad.plots.best_run import best_run_file, no_best_run
from handgrad.plots.mistakes import mistakes_figure, most_confident_mistakes
from handgrad.plots.style import save_figure
from handgrad.plots.text import class_labels


def main(*, best_runs: str, data: str, dataset: str, max_count: int, data_digest: str, out: str) -> None:
    best = best_run_file(best_runs, dataset)
    if best is None:
        save_figure(out, no_best_run(dataset))
        return
    predictions, Y = best.arrays("test/predictions", "test/probabilities")
    with open_data(data, data_digest) as stored:
        best.table.require_made_from(data, stored.seal)
        mistakes = most_confident_mistakes(best.row, stored.test_labels, predictions, Y, max_count=max_count)
        images = images_at(stored, [mistake.example for mistake in mistakes])
        names = class_labels(stored.class_names, dataset)
        save_figure(out, mistakes_figure(best.row, mistakes, images, names))


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
