"""Plot learning curves: results/<experiment>/figures/learning_curves/<dataset>.svg."""

from handgrad.common.rule_job import rule_job
from handgrad.plots.learning_curves import learning_curves
from handgrad.plots.style import save_figure
from handgrad.storage.run_reader import read_current


def main(*, runs: list[str], training: str, data_digests: dict[str, str], out: str) -> None:
    summaries = [read_current(path, code_digest=training, data_digests=data_digests) for path in runs]
    save_figure(out, learning_curves(summaries))


if "snakemake" in globals():
    with rule_job("plot_learning_curves", snakemake):
        main(
            runs=snakemake.input.runs,
            training=snakemake.params.training,
            data_digests={snakemake.wildcards.dataset: snakemake.params.data},
            out=snakemake.output[0],
        )
