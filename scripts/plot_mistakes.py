"""The best run's most confident mistakes as pictures: results/<experiment>/figures/mistakes/<dataset>.svg."""

from handgrad.answers import read_test_labels
from handgrad.best_run import best_run_file, no_best_run
from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.mistake_plots import mistakes_figure, most_confident_mistakes
from handgrad.pictures import read_test_images
from handgrad.plot_style import save_figure
from handgrad.run_reader import read_arrays
from handgrad.text_lines import class_labels


def main(
    *, results: str, runs: list[str], data: str, dataset: str, most: int, data_digest: str, out: str
) -> None:
    found = best_run_file(results, runs, dataset)
    if found is None:
        save_figure(out, no_best_run(dataset))
        return
    best, path = found
    labels, class_names = read_test_labels(data)
    predictions, Y = read_arrays(path, "test/predictions", "test/probabilities")
    mistakes = most_confident_mistakes(best, labels, predictions, Y, most=most)
    images = read_test_images(data, [mistake.example for mistake in mistakes], data_digest)
    save_figure(out, mistakes_figure(best, mistakes, images, class_labels(class_names, dataset)))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_mistakes", snakemake.params.code)
        main(
            results=snakemake.input.results,
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            dataset=snakemake.wildcards.dataset,
            most=snakemake.params.most,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
