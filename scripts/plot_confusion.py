"""Confusion matrix of a dataset's best run: results/<experiment>/figures/confusion/<dataset>.svg."""

from handgrad.answers import read_test_labels
from handgrad.best_run import best_run_file, no_best_run
from handgrad.confusion_plots import confusion_of
from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.plot_style import save_figure
from handgrad.run_reader import read_arrays
from handgrad.text_lines import class_labels


def main(*, results: str, runs: list[str], data: str, dataset: str, out: str) -> None:
    found = best_run_file(results, runs, dataset)
    if found is None:
        save_figure(out, no_best_run(dataset))
        return
    best, path = found
    labels, class_names = read_test_labels(data)
    (predictions,) = read_arrays(path, "test/predictions")
    save_figure(out, confusion_of(best, labels, predictions, class_labels(class_names, dataset)))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_confusion", snakemake.params.code)
        main(
            results=snakemake.input.results,
            runs=snakemake.input.runs,
            data=snakemake.input.data,
            dataset=snakemake.wildcards.dataset,
            out=snakemake.output[0],
        )
