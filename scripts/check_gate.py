"""The fixed check of a gradient that training waits for; the check itself is that of check_gradients.py.

A script of its own, so that what it does depends on no rule's name: a workflow that imports this one may
call the rule otherwise.
"""

from pathlib import Path

from check_gradients import main
from handgrad.common.logs import job_log
from handgrad.gradient_check.problem import GATE

if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(
            dataset=snakemake.wildcards.dataset,
            activation=snakemake.wildcards.activation,
            data=snakemake.input.data,
            out=snakemake.output[0],
            failed=f"results/checks/failed/check_gate/{Path(snakemake.output[0]).name}",
            settings=GATE,
            gate=True,
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
        )
