"""Download one file of a dataset: resources/<dataset>/<file>, verified, from the first mirror that has it."""

from collections.abc import Sequence

from handgrad.common.logs import job_log
from handgrad.datasets.download import fetch


def main(*, path: str, size: int, sha256: str, mirrors: Sequence[str], dataset: str) -> None:
    fetch(path, size=size, sha256=sha256, mirrors=mirrors, dataset=dataset)


if "snakemake" in globals():
    dataset, name = snakemake.wildcards.dataset, snakemake.wildcards.file
    files = snakemake.config["datasets"][dataset]["files"].values()
    with job_log(snakemake.log[0]):
        main(
            path=snakemake.output[0],
            size=snakemake.params.size,
            sha256=snakemake.params.sha256,
            mirrors=next(file["mirrors"] for file in files if file["name"] == name),
            dataset=dataset,
        )
