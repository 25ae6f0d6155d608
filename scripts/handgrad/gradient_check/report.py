"""A gradient check as numbers for a file, as a table for the log, and as one line for an error."""

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from handgrad.gradient_check.results import PARTS, CheckReport, Comparison, Held

#: what is compared with what, where it is not the analytic gradient with numeric slopes
SIDES = {
    "samples": ("shortcut", "plain"),
    "step": ("analytic", "stepped"),
    "momentum": ("analytic", "stepped"),
}

#: which code is wrong, by the part of a block's check or by the kind of number that training computes
FAULTS = {
    "complex": "the gradient code in scripts/handgrad/network/model.py or activations.py is wrong",
    "directions": "model.objective does not agree with scripts/handgrad/gradient_check/numeric_gradients.py",
    "step": "the update in scripts/handgrad/training/batch.py, or the fused form in activations.py, is wrong",
    "momentum": "the update in scripts/handgrad/training/batch.py or momentum.py is wrong",
    "h": "h in scripts/handgrad/network/activations.py is wrong",
    "h'": "h_prime in scripts/handgrad/network/activations.py is wrong",
    "fused h": "the fused form in scripts/handgrad/network/activations.py is not h",
    "fused h'": "the fused form in scripts/handgrad/network/activations.py is not h_prime",
    "model": "scripts/handgrad/network/model.py is wrong at huge logits",
    "update": "the update in scripts/handgrad/training (loop.py, batch.py, momentum.py) or activations.py is wrong",
    "evaluation": "the forward pass in scripts/handgrad/training/batch.py or loop.py is wrong",
}
FAULTS["central"] = FAULTS["complex"]
FAULTS["samples"] = FAULTS["directions"]
#: what else may be the reason where slopes by differences alone are wrong
KINK = " (or h has a kink, see docs/extending.md)"

HEAD = ("", "checked", "compared", "largest", "relative", "limit", "worst at", "there", "against", "")
FORMATS = ("", "", "", ".4g", ".2g", ".2g", "", ".10g", ".10g", "")


def as_dict(report: CheckReport) -> dict[str, Any]:
    """A report for a JSON file: numbers, lists and mappings alone."""
    return {
        "seconds_central": report.seconds_central,
        "seconds_complex": report.seconds_complex,
        "plain_seconds_an_entry": report.plain_seconds_an_entry,
        "blocks": {
            name: {
                "shape": list(block.shape),
                "entries": block.entries,
                "largest_gradient": block.largest_gradient,
                **{part: _figures(part, block.parts.get(part)) for part in PARTS},
            }
            for name, block in report.blocks.items()
        },
        "training": [asdict(held) for held in report.training],
    }


def _figures(part: str, comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    values = asdict(comparison)
    first, second = SIDES.get(part, ("analytic", "numeric"))
    values |= {first: values.pop("reference"), second: values.pop("numeric")}
    return {key: value for key, value in values.items() if value is not None}


def table(report: CheckReport) -> str:
    """A report as aligned text, a line for each part of each block and for each kind of number."""
    lines: list[tuple[Any, ...]] = []
    for name, block in report.blocks.items():
        which = "{} {} x {}".format(name, *block.shape)
        for part, c in block.parts.items():
            sizes = (c.count, c.max_abs_difference, c.max_rel_difference, c.limit)
            lines.append((which, PARTS[part], *sizes, _place(c), c.reference, c.numeric, _verdict(c)))
    for held in report.training:
        sizes = (held.count, abs(held.found - held.expected), held.share, 1.0)
        where = (held.where, held.expected, held.found)
        lines.append((held.dtype, held.what, *sizes, *where, _verdict(held)))
    return str(tabulate(lines, HEAD, tablefmt="plain", floatfmt=FORMATS))


def _verdict(result: Comparison | Held) -> str:
    return "" if result.passed else "FAILED"


def _place(comparison: Comparison) -> str:
    entry = comparison.worst_entry
    return "along a random direction" if entry is None else f"[{entry[0]}, {entry[1]}]"


def explain(report: CheckReport) -> str:
    """One line on the most telling failure of a report that did not pass: where, what, and whose fault."""
    failures, misses = report.failures(), report.misses()
    if not failures or (failures[0][1] == "central" and misses and misses[0].fault == "h"):
        held = misses[0]
        return (
            f"{held.what}, {held.dtype}, {held.where}: expected {held.expected:.10g}, computed {held.found:.10g} "
            f"(difference {abs(held.found - held.expected):.2g}, limit {held.limit:.2g}); {FAULTS[held.fault]}"
        )
    block, part, worst = failures[0]
    first, second = SIDES.get(part, ("analytic", "numeric"))
    return (
        f"{block} {_place(worst)}: {first} {worst.reference:.10g}, {second} {worst.numeric:.10g} ({PARTS[part]}; "
        f"relative difference {worst.max_rel_difference:.2g}, limit {worst.limit:.2g}); {_fault(report, part)}"
    )


def _fault(report: CheckReport, part: str) -> str:
    """What is wrong where ``part`` is the most telling that failed."""
    others = {name for _, name, _ in report.failures()} - {part}
    if part == "central" and (report.seconds_complex is not None or "directions" not in others):
        agrees = PARTS["directions" if report.seconds_complex is None else "complex"]
        return f"the gradient agrees with {agrees}, so another epsilon is needed{KINK}"
    return FAULTS[part] + (KINK if part in ("central", "directions") else "")
