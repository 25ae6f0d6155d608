"""The words of a comparison of two experiments, which the command and the page share."""

from collections.abc import Iterable, Sequence
from typing import Any

from handgrad.experiment.runs import canonical_text
from handgrad.storage.provenance import Machine
from handgrad.tables.divergence import Divergence, Sides
from handgrad.tables.experiment_comparison import DatasetComparison
from handgrad.tables.paired_differences import Difference
from handgrad.tables.significance import Interval

MAX_VALUES = 4  # of an axis; with more values, only the ends are named

#: how a best run was selected, by its split; None: it is the only run
SELECTED = {
    "validation": "selected on the validation split",
    "test": "selected on the test set, so optimistic",
    None: "the only run",
}
NOT_REPRODUCIBLE = "CODE, DATA AND MACHINE ARE EQUAL: NOT REPRODUCIBLE"


def parts_of(sides: Sides[list[Any]]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what A alone has, what B alone has, and what both have."""
    both = [one for one in sides.a if one in sides.b]
    return [one for one in sides.a if one not in both], [one for one in sides.b if one not in both], both


def machine_words(machine: Machine) -> str:
    """Return the CPU of a machine and its versions."""
    return f"{machine.cpu}, Python {machine.python}, NumPy {machine.numpy}, {machine.blas}"


def values_words(values: Sequence[Any]) -> str:
    """Return the values of an axis as text; of many values only the ends, and their number."""
    texts = ["all" if value is None else canonical_text(value) for value in values]
    if len(texts) > MAX_VALUES:
        return f"{texts[0]}, {texts[1]}, ... {texts[-1]} ({len(texts)})"
    return ", ".join(texts) or "-"


def common_words(found: DatasetComparison) -> str:
    """Return how many runs A and B have in common, and how many of them are equal."""
    if not found.common:
        return "none"
    parts = {
        "the same files": found.same_files,
        "computed twice and equal bit for bit": found.equal - found.same_files,
        "different": len(found.unequal),
    }
    return f"{found.common} ({', '.join(f'{number} {what}' for what, number in parts.items() if number)})"


def first_words(one: Divergence) -> str:
    """Return in which epoch and in which figures two results of a run begin to differ."""
    if one.epoch is None:
        return "equal history, different weights or predictions"
    return f"from epoch {one.epoch} on ({', '.join(one.figures)})"


def end_words(one: Divergence) -> Sides[str]:
    """Return the results of a run after the last epoch in A and in B: its faults, or its status."""
    sides = ((one.status.a, one.faults.a), (one.status.b, one.faults.b))
    return Sides(*(status if count is None else f"{count} faults" for status, count in sides))


def cause_words(one: Divergence) -> str:
    """Return the possible causes of a difference between two results of a run."""
    return f"different {', '.join(one.causes)}" if one.causes else NOT_REPRODUCIBLE


def interval_words(interval: Interval) -> str:
    """Return an interval in percentage points: -0.12 to +1.30."""
    return f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def intervals_of(found: Difference) -> dict[str, Interval]:
    """Return the known intervals of a difference by what would vary: examples, seeds or settings."""
    ends = {"examples": found.over_examples, "seeds": found.over_seeds, "settings": found.over_settings}
    return {what: interval for what, interval in ends.items() if interval}


def differ_words(axes: Iterable[str]) -> str:
    """Return the title of runs that may differ in these axes: those of a ``Difference``."""
    return f"Runs that differ in {', '.join(axes)}"
