"""The fixed check of a gradient that training waits for: results/checks/gate/<dataset>_<activation>.json.

Its output holds no measured value, so that it changes only when what it promises changes.
"""

from dataclasses import asdict
from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.gradient_check.check import LIMITS
from handgrad.gradient_check.files import write_check
from handgrad.gradient_check.job import check_dataset
from handgrad.gradient_check.settings import GATE
from handgrad.gradient_check.training_check import COVERED


def main(*, out: str, **job: Any) -> None:
    """Write the gate if the check passes; raises HandgradError as ``check_dataset`` does, and takes the same."""
    checked, _ = check_dataset(settings=GATE, **job)
    promise = {"settings": asdict(GATE), "limits": LIMITS, "training": COVERED}
    write_check(out, {**checked, "passed": True, **promise})


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
