"""What is told of a gradient check: numbers for a file, a table for the log, one line for an error."""

from dataclasses import asdict
from typing import Any

from handgrad.gradient_check import PARTS, CheckReport, Comparison

#: what is held against what, where it is not the analytic gradient against numeric slopes
SIDES = {
    "samples": ("shortcut", "plain"),
    "step": ("analytic", "stepped"),
    "momentum": ("analytic", "stepped"),
}

#: what may be the matter with a slope that is taken by differences, though no code is wrong
KINK = "h has a kink so near that a step crossed it (docs/extending.md)"


def as_dict(report: CheckReport) -> dict[str, Any]:
    """A report for a JSON file: numbers, lists and mappings alone."""
    blocks = {
        name: {
            "shape": list(block.shape),
            "entries": block.entries,
            "largest_gradient": block.largest_gradient,
            **{part: _comparison_dict(part, getattr(block, part)) for part in PARTS},
        }
        for name, block in report.blocks.items()
    }
    return {
        "seconds_central": report.seconds_central,
        "seconds_complex": report.seconds_complex,
        "plain_seconds_an_entry": report.plain_seconds_an_entry,
        "blocks": blocks,
    }


def _comparison_dict(part: str, comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    values = asdict(comparison)
    reference, numeric = values.pop("reference"), values.pop("numeric")
    if comparison.worst_entry is None:
        del values["worst_entry"]
    first, second = SIDES.get(part, ("analytic", "numeric"))
    return {**values, first: reference, second: numeric}


def table(report: CheckReport) -> str:
    """A report as aligned text, a line for each part of each block."""
    head = ("", "checked", "compared", "largest", "relative", "limit", "worst at", "there", "against", "")
    lines = [head]
    for name, block in report.blocks.items():
        rows, columns = block.shape
        for part, c in block.parts().items():
            lines.append(
                (
                    f"{name} {rows} x {columns}",
                    PARTS[part],
                    f"{c.count}",
                    f"{c.max_abs_difference:.4g}",
                    f"{c.max_rel_difference:.2g}",
                    f"{c.limit:.2g}",
                    "a direction" if c.worst_entry is None else "[{}, {}]".format(*c.worst_entry),
                    f"{c.reference:.10g}",
                    f"{c.numeric:.10g}",
                    "" if c.passed else "FAILED",
                )
            )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def explain(report: CheckReport) -> str:
    """One line on the most telling failure of a report that did not pass: where, what, and whose fault."""
    block, part, worst = report.failures()[0]
    there = "along a random direction" if worst.worst_entry is None else "[{}, {}]".format(*worst.worst_entry)
    first, second = SIDES.get(part, ("analytic", "numeric"))
    return (
        f"{block} {there}: {first} {worst.reference:.10g}, {second} {worst.numeric:.10g} ({PARTS[part]}; "
        f"relative difference {worst.max_rel_difference:.2g}, limit {worst.limit:.2g}); "
        f"{_fault(report, part)}"
    )


def _fault(report: CheckReport, part: str) -> str:
    """What is wrong; where slopes were taken by differences, it may be a kink of h."""
    return _culprit(report, part) + (f", or {KINK}" if part in ("central", "directions") else "")


def _culprit(report: CheckReport, part: str) -> str:
    if part == "central" and report.seconds_complex is not None:
        return "the gradient agrees with complex step, so this epsilon does not suit these inputs"
    if part in ("complex", "central"):
        return "the gradient code in scripts/handgrad/model.py or activations.py is wrong"
    if part == "step":
        return "what training computes, in scripts/handgrad/batch.py or activations.py, is not that gradient"
    if part == "momentum":
        return (
            "the step with momentum, in scripts/handgrad/batch.py or momentum.py, is not along that gradient"
        )
    return (
        "the gradient agrees with the shortcut of scripts/handgrad/gradient_check.py, "
        "and that does not with model.objective"
    )
