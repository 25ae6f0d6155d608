"""What the two rules that check gradients have in common."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from handgrad.common.errors import HandgradError
from handgrad.common.logs import logger
from handgrad.datasets.data import open_data
from handgrad.gradient_check.check import check
from handgrad.gradient_check.files import write_check
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
    """Return what was checked (dataset, activation, digests) and, if the check passed, all of its figures.

    data: path of the dataset. Raises HandgradError if the check fails, with its figures in the file ``failed``.
    """
    with open_data(data, data_digest) as stored:
        images, content = stored.images(), stored.content
    with threadpool_limits(1):  # the same sums in the same order, whatever the machine has
        report = check(images, activation, settings)
    checked = {
        "dataset": dataset,
        "activation": activation,
        "code_digest": code_digest,
        "data_digest": data_digest,
        "data_content": content,
    }
    figures = {**asdict(settings), "passed": report.passed, **as_dict(report)}
    logger.info("%s on %s, %s:\n%s", activation, dataset, settings, table(report))
    logger.info(
        "seconds: %.2f by central differences, %s by complex step, %.2g an entry without the shortcut",
        report.seconds_central,
        report.seconds_complex,
        report.plain_seconds_an_entry,
    )
    if not report.passed:
        write_check(failed, {**checked, **figures})
        raise HandgradError(
            f"gradient check of {activation} on {dataset} failed at {explain(report)}; "
            f"all figures: {failed} and this job's log"
        )
    Path(failed).unlink(missing_ok=True)  # of an earlier attempt
    return checked, figures
