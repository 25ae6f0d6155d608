"""Run the gradient check of the report, with the settings of the config: results/checks/gradients/<...>.json."""

from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.common.sealed_json import write_sealed_json
from handgrad.gradient_check.job import check_dataset
from handgrad.gradient_check.settings import Settings


def main(*, out: str, **job: Any) -> None:
    """Write all results if the check passes. job: arguments of ``check_dataset``.

    Raises HandgradError if the check fails.
    """
    checked, figures = check_dataset(**job)
    write_sealed_json(out, {**checked, **figures})


if "snakemake" in globals():
    with rule_job("check_gradients", snakemake):
        main(
            dataset=snakemake.wildcards.dataset,
            activation=snakemake.wildcards.activation,
            data=snakemake.input.data,
            failed=snakemake.params.failed,
            settings=Settings(
                hidden_units=snakemake.params.hidden_units,
                examples=snakemake.params.examples,
                pixels=snakemake.params.pixels,
                epsilon=snakemake.params.epsilon,
            ),
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
