"""Convert the files of a dataset that the registry names to results/data/<dataset>.h5."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handgrad.common.code_digests import require_code
from handgrad.common.logs import job_log, logger
from handgrad.datasets.data import write_data
from handgrad.datasets.warnings import data_warnings
from handgrad.formats.dataset_reader import read_dataset


def main(*, name: str, entry: Mapping[str, Any], files: Mapping[str, str], out: str, code_digest: str) -> None:
    require_code("preprocess_dataset", code_digest)
    data = read_dataset(entry, {role: Path(file) for role, file in files.items()}, name)
    warnings = data_warnings(data)
    write_data(out, data, warnings)
    for warning in (*data.notes, *warnings):
        logger.warning("%s: %s", name, warning)
    logger.info(
        "%s: %d training and %d test examples of %d inputs, %d classes",
        name,
        len(data.train.y),
        len(data.test.y),
        data.inputs,
        data.classes,
    )


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(
            name=snakemake.wildcards.dataset,
            entry={**snakemake.params.entry, "local_dir": snakemake.params.local_dir.value},
            files=dict(snakemake.input.items()),
            out=snakemake.output[0],
            code_digest=snakemake.params.code,
        )
