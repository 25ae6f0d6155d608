"""The table of gradient checks: results/<experiment>/tables/gradient_checks.{csv,md,html}."""

from pathlib import Path
from typing import Any

from handgrad.common.errors import REMEDY, HandgradError
from handgrad.common.logs import logger
from handgrad.common.rule_job import rule_job
from handgrad.gradient_check.files import read_check
from handgrad.tables.gradient_checks import checks_html, checks_markdown, checks_table
from handgrad.tables.made import Text, write_made_table


def main(
    *,
    checks: list[str],
    csv: str,
    md: str,
    html: str,
    checking: str,
    settings: dict[str, Any],
    data_digests: dict[str, str],
) -> None:
    found = {path: read_check(path, {"code_digest": checking, **settings}) for path in checks}
    for path, (check, _) in found.items():
        require_named(path, check, data_digests)
    table = checks_table(check for check, _ in found.values())
    write_made_table(
        csv,
        table,
        Text(md, checks_markdown(table)),
        Text(html, checks_html(table)),
        made_from={path: sha256 for path, (_, sha256) in found.items()},
    )
    logger.info("%d checks, %d passed", len(table), int(table["passed"].sum()))


def require_named(path: str, check: dict[str, Any], data_digests: dict[str, str]) -> None:
    """Raise HandgradError if a check is not of the dataset and activation that its path names."""
    dataset, activation = check["dataset"], check["activation"]
    named = Path(path).name.startswith(f"{dataset}_{activation}_")
    if not named or check["data_digest"] != data_digests.get(dataset):
        raise HandgradError(
            f"{path}: is of {activation} on {dataset} with the data digest {check['data_digest']}, expected "
            f"what its path names, of {data_digests}; {REMEDY}"
        )


if "snakemake" in globals():
    with rule_job("aggregate_gradient_checks", snakemake):
        main(
            checks=snakemake.input.checks,
            csv=snakemake.output.csv,
            md=snakemake.output.md,
            html=snakemake.output.html,
            checking=snakemake.params.checking,
            settings=dict(snakemake.params.settings),
            data_digests=snakemake.params.data,
        )
