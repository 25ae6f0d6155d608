"""Confusion matrix of a dataset's best run: results/<experiment>/figures/confusion/<dataset>.svg."""

from pathlib import Path

from handgrad.answers import read_test_labels
from handgrad.confusion_plots import confusion_of
from handgrad.digests import require_code
from handgrad.logs import job_log, logger
from handgrad.plot_style import message_figure, save_figure
from handgrad.result_tables import RESULT_COLUMNS
from handgrad.run_reader import read_arrays
from handgrad.selection import best_run, chosen_on
from handgrad.tables import read_table


def main(*, results: str, runs: list[str], data: str, dataset: str, out: str) -> None:
    table = read_table(results, RESULT_COLUMNS)
    best = best_run(table, dataset)
    if best is None:
        save_figure(out, message_figure(f"No run on {dataset} came to its end"))
        return
    (path,) = (path for path in runs if Path(path).name == f"{best['run']}.h5")
    logger.info("the fewest faults on the %s split: %s", chosen_on(table, dataset), path)
    labels, class_names = read_test_labels(data)
    (predictions,) = read_arrays(path, "test/predictions")
    save_figure(out, confusion_of(best, labels, predictions, class_names))


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
