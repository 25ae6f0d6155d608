"""Format a gradient check: as numbers for a file, as a table for the log, and as one line for an error."""

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from handgrad.gradient_check.results import PARTS, CheckReport

#: the code that is wrong, by the ``fault`` of a comparison
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
#: another possible reason if only slopes by differences are wrong
KINK = " (or h has a kink that its `kinks` do not list, see docs/how-to/own-activation.md)"

HEAD = ("", "compared", "count", "difference", "relative", "limit", "worst at", "analytic", "numeric", "")
FORMATS = ("", "", "", ".4g", ".2g", ".2g", "", ".10g", ".10g", "")


def as_dict(report: CheckReport) -> dict[str, Any]:
    """Return a report as numbers, lists and mappings, for a JSON file."""
    figures = asdict(report)
    for block in figures["blocks"].values():
        block |= dict.fromkeys(PARTS) | block.pop("parts")
    return figures


def table(report: CheckReport) -> str:
    """Return a report as an aligned text table, with a line for each comparison."""
    lines = [
        (
            *(c.dtype, c.title, c.count, c.max_abs_difference, c.max_rel_difference, c.limit, c.where),
            *(c.analytic, c.numeric, "" if c.passed else "FAILED"),
        )
        for c in report.comparisons()
    ]
    return str(tabulate(lines, HEAD, tablefmt="plain", floatfmt=FORMATS))


def explain(report: CheckReport) -> str:
    """Return one line about the most informative failure of a report: the place, the values and the wrong code."""
    failures = report.failures()
    worst = failures[0]
    if worst.fault == "central":  # without a complex form, a failure of h is more informative
        worst = next((c for c in failures if c.fault == "h"), worst)
    return (
        f"{worst.title}, {worst.dtype}, {worst.where}: analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g} "
        f"(difference {worst.max_abs_difference:.2g}, relative {worst.max_rel_difference:.2g}, limit "
        f"{worst.limit:.2g}); {_fault(report, worst.fault)}"
    )


def _fault(report: CheckReport, fault: str) -> str:
    """Return which code or setting is wrong, if this fault is the most informative failure."""
    exact = report.seconds_complex is not None
    if fault == "central" and (exact or all(c.fault != "directions" for c in report.failures())):
        agrees = PARTS["complex" if exact else "directions"]
        return f"the gradient agrees with {agrees}, so another epsilon or gradient_check.pixels is needed{KINK}"
    return FAULTS[fault] + (KINK if fault in ("central", "directions") else "")
