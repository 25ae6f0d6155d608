"""A gradient check as numbers for a file, as a table for the log, and as one line for an error."""

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from handgrad.gradient_check.results import PARTS, CheckReport

#: which code is wrong, by the part of a block's check or by the kind of number that training computes
FAULTS = {
    "complex": "the gradient code in scripts/handgrad/network/model.py or activations.py is wrong",
    "central": "the gradient code in scripts/handgrad/network/model.py or activations.py is wrong",
    "directions": "model.objective does not agree with scripts/handgrad/gradient_check/numeric_gradients.py",
    "samples": "model.objective does not agree with scripts/handgrad/gradient_check/numeric_gradients.py",
    "step": "the update in scripts/handgrad/training/batch.py, or the fused form in activations.py, is wrong",
    "momentum": "the update in scripts/handgrad/training/batch.py or momentum.py is wrong",
    "h": "h in scripts/handgrad/network/activations.py is wrong",
    "h'": "h_prime in scripts/handgrad/network/activations.py is wrong",
    "fused h": "the fused form in scripts/handgrad/network/activations.py is not h",
    "fused h'": "the fused form in scripts/handgrad/network/activations.py is not h_prime",
    "update": "the update in scripts/handgrad/training (loop.py, batch.py, momentum.py) or activations.py is wrong",
    "evaluation": "the forward pass in scripts/handgrad/training/batch.py or loop.py is wrong",
}
#: what else may be the reason where slopes by differences alone are wrong
KINK = " (or h has a kink, see docs/extending.md)"

HEAD = ("", "compared", "count", "difference", "relative", "limit", "worst at", "analytic", "numeric", "")
FORMATS = ("", "", "", ".4g", ".2g", ".2g", "", ".10g", ".10g", "")


def as_dict(report: CheckReport) -> dict[str, Any]:
    """A report for a JSON file: numbers, lists and mappings alone."""
    figures = asdict(report)
    for block in figures["blocks"].values():
        block |= dict.fromkeys(PARTS) | block.pop("parts")
    return figures


def table(report: CheckReport) -> str:
    """A report as aligned text, a line for each part of each block and for each kind of number."""
    lines = [
        (
            *(c.dtype, c.title, c.count, c.max_abs_difference, c.max_rel_difference, c.limit, c.where),
            *(c.analytic, c.numeric, "" if c.passed else "FAILED"),
        )
        for c in report.comparisons()
    ]
    return str(tabulate(lines, HEAD, tablefmt="plain", floatfmt=FORMATS))


def explain(report: CheckReport) -> str:
    """One line on the most telling failure of a report that did not pass: where, what, and whose fault."""
    failures = report.failures()
    worst = failures[0]
    if worst.fault == "central":  # where there is no complex form, h itself says more
        worst = next((c for c in failures if c.fault == "h"), worst)
    return (
        f"{worst.title}, {worst.dtype}, {worst.where}: analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g} "
        f"(difference {worst.max_abs_difference:.2g}, relative {worst.max_rel_difference:.2g}, limit "
        f"{worst.limit:.2g}); {_fault(report, worst.fault)}"
    )


def _fault(report: CheckReport, fault: str) -> str:
    """What is wrong where this is the most telling that failed."""
    exact = report.seconds_complex is not None
    if fault == "central" and (exact or all(c.fault != "directions" for c in report.failures())):
        agrees = PARTS["complex" if exact else "directions"]
        return f"the gradient agrees with {agrees}, so another epsilon is needed{KINK}"
    return FAULTS[fault] + (KINK if fault in ("central", "directions") else "")
