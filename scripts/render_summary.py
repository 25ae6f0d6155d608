"""Write the page of an experiment: results/<experiment>/summary.html."""

from typing import Any

from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.page.content import KINDS, summary_page
from handgrad.page.reading import read_contents
from handgrad.tables.checksums import write_text


def main(out: str, **files: Any) -> None:
    """Write the page. files: arguments of ``reading.read_contents``."""
    text = summary_page(read_contents(**files))
    write_text(out, text)
    logger.info("%d runs, %d figures, %.1f MB", len(files["runs"]), len(files["figures"]), len(text.encode()) / 1e6)


if "snakemake" in globals():
    with rule_job("render_summary", snakemake):
        main(
            out=snakemake.output[0],
            config=snakemake.params.config.value,
            contexts=snakemake.params.contexts,
            tables={name: path for name in KINDS if (path := snakemake.input.get(name))},
            figures=snakemake.input.figures,
            figure_keys=snakemake.params.figure_keys,
            left_out=snakemake.params.left_out.value,
            runs=snakemake.input.runs,
            searched=snakemake.input.searched,
            data=snakemake.input.data,
            gates=snakemake.input.gates,
            checks=snakemake.input.checks,
            checked=snakemake.params.checked,
            benchmarks=snakemake.params.benchmarks.value,
            training=snakemake.params.training,
            data_digests=snakemake.params.data,
        )
