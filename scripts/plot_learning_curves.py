"""Learning curves of a dataset: results/<experiment>/figures/learning_curves/<dataset>.svg."""

from handgrad.digests import require_code
from handgrad.logs import job_log
from handgrad.plot_style import save_figure
from handgrad.run_plots import learning_curves
from handgrad.run_reader import read_current


def main(*, runs: list[str], training: str, data_digests: dict[str, str], out: str) -> None:
    summaries = [read_current(path, code_digest=training, data_digests=data_digests) for path in runs]
    save_figure(out, learning_curves(summaries))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        require_code("plot_learning_curves", snakemake.params.code)
        main(
            runs=snakemake.input.runs,
            training=snakemake.params.training,
            data_digests={snakemake.wildcards.dataset: snakemake.params.data},
            out=snakemake.output[0],
        )
