"""Write the table of gradient checks: results/<experiment>/tables/gradient_checks.{csv,md,html}."""

from typing import Any

from handgrad.common.rule_job import rule_job
from handgrad.gradient_check.files import read_check
from handgrad.tables.gradient_checks import GRADIENT_CHECKS, checks_table


def main(
    *,
    checks: list[str],
    csv: str,
    checked: list[tuple[str, str]],
    settings: dict[str, Any],
    checking: str,
    data_digests: dict[str, str],
) -> None:
    found = {}
    for path, (dataset, activation) in zip(checks, checked, strict=True):
        named = {"dataset": dataset, "activation": activation, "data_digest": data_digests[dataset]}
        found[path] = read_check(path, {"code_digest": checking, **settings, **named})
    table = checks_table(check for check, _ in found.values())
    GRADIENT_CHECKS.write(csv, table, {path: sha256 for path, (_, sha256) in found.items()})


if "snakemake" in globals():
    with rule_job("aggregate_gradient_checks", snakemake):
        main(
            checks=snakemake.input.checks,
            csv=snakemake.output.csv,
            checked=snakemake.params.checked,
            settings=dict(snakemake.params.settings),
            checking=snakemake.params.checking,
            data_digests=snakemake.params.data,
        )
