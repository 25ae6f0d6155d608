"""Check the gradient of an activation on a dataset; the script of two rules.

check_gate: the fixed check that training waits for. Its output holds no measured value, so that it changes
only when what it promises changes. check_gradients: the check that the report shows, at settings from the
config.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from handgrad.common.code_digests import require_code
from handgrad.common.errors import HandgradError
from handgrad.common.logs import job_log, logger
from handgrad.datasets.data import open_data
from handgrad.gradient_check.check import LIMITS, check
from handgrad.gradient_check.files import write_check
from handgrad.gradient_check.problem import GATE, Settings
from handgrad.gradient_check.report import as_dict, explain, table
from handgrad.gradient_check.training_check import COVERED


def main(
    *,
    dataset: str,
    activation: str,
    data: str,
    out: str,
    failed: str,
    settings: Settings,
    gate: bool,
    code_digest: str,
    data_digest: str,
) -> None:
    """Write ``out`` if the check passes; else write all figures to ``failed`` and raise HandgradError."""
    require_code("check_gate" if gate else "check_gradients", code_digest)
    with open_data(data, data_digest) as stored:
        images, content = stored.images(), stored.content
    with threadpool_limits(1):  # the same sums in the same order, whatever the machine has
        report = check(images, activation, settings)
    what = {
        "dataset": dataset,
        "activation": activation,
        "code_digest": code_digest,
        "data_digest": data_digest,
        "data_content": content,
    }
    figures = {**what, **asdict(settings), "passed": report.passed, **as_dict(report)}
    log_figures(figures, table(report))
    if not report.passed:
        write_check(failed, figures)
        raise HandgradError(
            f"gradient check of {activation} on {dataset} failed at {explain(report)}; "
            f"all figures: {failed} and this job's log"
        )
    Path(failed).unlink(missing_ok=True)  # of an earlier attempt
    promise = {"settings": asdict(settings), "limits": asdict(LIMITS), "training": COVERED}
    write_check(out, {**what, "passed": True, **promise} if gate else figures)


def log_figures(figures: dict[str, Any], text: str) -> None:
    """The whole check in the job's log, for reading."""
    logger.info(
        "%(activation)s on %(dataset)s: %(hidden_units)d hidden units, %(examples)d examples, %(pixels)s "
        "pixels, epsilon %(epsilon)g, l2 %(l2)g, seed %(seed)d",
        figures,
    )
    logger.info("gradients and numeric slopes\n%s", text)
    complex_seconds = figures["seconds_complex"]
    entries = sum(block["entries"] for block in figures["blocks"].values())
    logger.info(
        "all %d entries took %.2f s by central differences, %s by complex step; without the shortcut, by a "
        "sample, %.0f times as long as the first",
        entries,
        figures["seconds_central"],
        "-" if complex_seconds is None else f"{complex_seconds:.2f} s",
        entries * figures["plain_seconds_an_entry"] / figures["seconds_central"],
    )


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        GATED = snakemake.rule == "check_gate"
        main(
            dataset=snakemake.wildcards.dataset,
            activation=snakemake.wildcards.activation,
            data=snakemake.input.data,
            out=snakemake.output[0],
            failed=f"results/checks/failed/{snakemake.rule}/{Path(snakemake.output[0]).name}",
            settings=GATE
            if GATED
            else Settings(
                hidden_units=snakemake.params.hidden_units,
                examples=snakemake.params.examples,
                pixels=snakemake.params.pixels,
                epsilon=snakemake.params.epsilon,
            ),
            gate=GATED,
            code_digest=snakemake.params.code,
            data_digest=snakemake.params.data,
        )
