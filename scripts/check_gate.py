"""Run the gate, the check that training waits for: results/checks/gate/<dataset>_<activation>.json.

The output has no measured value. It therefore changes only if the settings, the limits, the code or the data change.
"""

from dataclasses import asdict
from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.common.sealed_json import write_sealed_json
from handgrad.gradient_check.check import LIMITS
from handgrad.gradient_check.job import check_dataset
from handgrad.gradient_check.settings import GATE
from handgrad.gradient_check.training_check import COVERED


def main(*, out: str, **job: Any) -> None:
    """Write the gate's file if the check passes. job: arguments of ``check_dataset``.

    Raises HandgradError if the check fails.
    """
    checked, _ = check_dataset(settings=GATE, **job)
    promise = {"settings": asdict(GATE), "limits": LIMITS, "training": COVERED}
    write_sealed_json(out, {**checked, "passed": True, **promise})


if "snakemake" in globals():
    with rule_job("check_gate", snakemake):
        main(
            dataset=snakemake.wildcards.dataset,
            activation=snakemake.wildcards.activation,
            data=snakemake.input.data,
            failed=snakemake.params.failed,
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
            out=snakemake.output[0],
        )
