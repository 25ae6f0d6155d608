"""A gradient check as numbers for a file, as a table for the log, and as one line for an error."""

from dataclasses import asdict
from typing import Any

from handgrad.gradient_check.held import FAULTS, Held
from handgrad.gradient_check.results import PARTS, CheckReport, Comparison

#: what is held against what, where it is not the analytic gradient against numeric slopes
SIDES = {
    "samples": ("shortcut", "plain"),
    "step": ("analytic", "stepped"),
    "momentum": ("analytic", "stepped"),
}

#: why a slope by differences may be wrong though no code is
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
        "training": [asdict(held) for held in report.training],
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
    head: tuple[str, ...] = (
        "",
        "checked",
        "compared",
        "largest",
        "relative",
        "limit",
        "worst at",
        "there",
        "against",
        "",
    )
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
    lines += [_held_line(held) for held in report.training]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _held_line(held: Held) -> tuple[str, ...]:
    return (
        held.dtype,
        held.what,
        f"{held.count}",
        f"{abs(held.found - held.expected):.4g}",
        f"{held.share:.2g}",
        "1",
        held.where,
        f"{held.expected:.10g}",
        f"{held.found:.10g}",
        "" if held.passed else "FAILED",
    )


def explain(report: CheckReport) -> str:
    """One line on the most telling failure of a report that did not pass: where, what, and whose fault."""
    failures, misses = report.failures(), report.misses()
    if not failures or (failures[0][1] == "central" and misses and misses[0].fault == "h"):
        return _explain_training(misses[0])
    block, part, worst = failures[0]
    there = "along a random direction" if worst.worst_entry is None else "[{}, {}]".format(*worst.worst_entry)
    first, second = SIDES.get(part, ("analytic", "numeric"))
    return (
        f"{block} {there}: {first} {worst.reference:.10g}, {second} {worst.numeric:.10g} ({PARTS[part]}; "
        f"relative difference {worst.max_rel_difference:.2g}, limit {worst.limit:.2g}); "
        f"{_fault(report, part)}"
    )


def _explain_training(held: Held) -> str:
    return (
        f"{held.what}, {held.dtype}, {held.where}: expected {held.expected:.10g}, computed {held.found:.10g} "
        f"(difference {abs(held.found - held.expected):.2g}, rounding explains {held.limit:.2g}); "
        f"{FAULTS[held.fault]}"
    )


def _fault(report: CheckReport, part: str) -> str:
    """What is wrong; differences across a kink of h are no slopes, so that then it may be nothing."""
    by_differences = part in ("central", "directions")
    return _culprit(report, part) + (f", or {KINK}" if by_differences and report.kink else "")


def _culprit(report: CheckReport, part: str) -> str:
    if part == "central" and (report.seconds_complex is not None or not _failed(report, "directions")):
        other = "random directions" if report.seconds_complex is None else "complex step"
        return f"the gradient agrees with {other}, so this epsilon does not suit these inputs"
    if part in ("complex", "central"):
        return "the gradient code in scripts/handgrad/network/model.py or activations.py is wrong"
    if part == "step":
        return "what training computes, in scripts/handgrad/training/batch.py or activations.py, is not that gradient"
    if part == "momentum":
        return "the step with momentum (scripts/handgrad/training/batch.py or momentum.py) is not along that gradient"
    return (
        "the gradient agrees with the shortcut of scripts/handgrad/gradient_check/numeric_gradients.py, "
        "and that does not with model.objective"
    )


def _failed(report: CheckReport, part: str) -> bool:
    return any(name == part for _, name, _ in report.failures())
