"""Download one file of a dataset to resources/<dataset>/<file>, and verify it."""

from handgrad.common.logs import job_log
from handgrad.datasets.download import fetch

if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        file = snakemake.params.file
        fetch(
            snakemake.output[0],
            size=file["size"],
            sha256=file["sha256"],
            mirrors=file["mirrors"].value,
            dataset=snakemake.wildcards.dataset,
        )
