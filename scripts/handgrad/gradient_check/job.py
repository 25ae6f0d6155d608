"""The job that both rules for gradient checks run."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from handgrad.common.errors import HandgradError
from handgrad.common.logs import logger
from handgrad.common.sealed_json import write_sealed_json
from handgrad.datasets.data import open_data
from handgrad.gradient_check.check import check
from handgrad.gradient_check.report import as_dict, explain, table
from handgrad.gradient_check.settings import Settings


def check_dataset(
    *,
    dataset: str,
    activation: str,
    data: str,
    failed: str,
    settings: Settings,
    code_digest: str,
    data_digest: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check an activation on a dataset. Return what was checked (dataset, activation, digests) and all results.

    - data: path of the dataset.
    - failed: path for the results of a failed check.

    Raises HandgradError if the check fails, after writing its results to ``failed``.
    """
    with open_data(data, data_digest) as stored:
        images, content = stored.dataset(), stored.content
    with threadpool_limits(1):  # the same order of summation on each machine
        report = check(images, activation, settings)
    origin = {"code_digest": code_digest, "data_digest": data_digest, "data_content": content}
    checked = {"dataset": dataset, "activation": activation, **origin}
    figures = {**asdict(settings), "passed": report.passed, **as_dict(report)}
    logger.info("%s on %s, %s:\n%s", activation, dataset, settings, table(report))
    seconds = report.seconds_central, report.seconds_complex, report.plain_seconds_an_entry
    logger.info(
        "seconds: %.2f for central differences, %s for complex step, %.2g for one entry by the plain objective",
        *seconds,
    )
    if not report.passed:
        write_sealed_json(failed, {**checked, **figures})
        raise HandgradError(
            f"gradient check of {activation} on {dataset} failed at {explain(report)}; "
            f"see all results in {failed} and in this job's log"
        )
    Path(failed).unlink(missing_ok=True)  # from an earlier attempt
    return checked, figures
