"""Download one file of a dataset: resources/<dataset>/<file>, verified, from the first mirror that has it."""

from handgrad.common.logs import job_log
from handgrad.datasets.download import fetch

if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        fetch(
            snakemake.output[0],
            size=snakemake.params.size,
            sha256=snakemake.params.sha256,
            mirrors=snakemake.params.mirrors.value,
            dataset=snakemake.wildcards.dataset,
        )
