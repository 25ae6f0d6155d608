"""The text of ``handgrad compare``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from handgrad.common.formatting import counted
from handgrad.tables.comparison_words import (
    SELECTED,
    cause_words,
    common_words,
    differ_words,
    end_words,
    first_words,
    interval_words,
    intervals_of,
    machine_words,
    parts_of,
    values_words,
)
from handgrad.tables.divergence import Divergence, Sides
from handgrad.tables.experiment_comparison import BestRun, DatasetComparison, ExperimentComparison
from handgrad.tables.paired_differences import Difference

#: maximum number of datasets, of unequal runs over all datasets, and of items in a list
MAX_DATASETS, MAX_UNEQUAL, MAX_LISTED = 3, 12, 3

_LEGEND = (
    "B - A: test accuracy of B minus that of A, in percentage points, the mean over settings (runs without a seed).",
    "Its intervals show how it would vary with other test examples, other seeds of these settings, or other settings.",
    "Significant: exact McNemar test of a pair, corrected by Holm's method. Diverged runs are in no pair.",
)


def comparison_lines(found: ExperimentComparison) -> Iterator[str]:
    """Yield the lines of a comparison for people, usually fewer than 60; long lists are cut."""
    width = max(map(len, (found.name.a, found.name.b)))
    for side, name, runs, folder in (
        ("A", found.name.a, found.runs.a, found.folder.a),
        ("B", found.name.b, found.runs.b, found.folder.b),
    ):
        yield f"{side}  {name:<{width}}  {counted(runs, 'run')}  {folder}"
    yield ""
    yield from _sides("code of training", found.code)
    kinds = Sides(*([replace(one, runs=0) for one in side] for side in (found.machines.a, found.machines.b)))
    yield from _sides("machines", kinds, machine_words)
    yield from _sides("datasets", found.datasets)
    for one in found.compared[:MAX_DATASETS]:
        yield from ("", *_dataset_lines(one, max(1, MAX_UNEQUAL // len(found.compared))))
    yield from _more(found.compared, MAX_DATASETS, "and {} more datasets; --json shows them")
    yield from ("", *_LEGEND)


def _sides(title: str, sides: Sides[list[Any]], text: Callable[[Any], str] = str) -> Iterator[str]:
    """Yield one line if both sides are equal; otherwise what one of them has alone, and what both have."""
    parts = dict(zip(("A alone", "B alone", "both"), parts_of(sides), strict=True))
    if not parts["A alone"] and not parts["B alone"]:
        yield f"{title:<18}equal: {_listed(parts['both'], text)}"
        return
    for part, values in parts.items():
        if values:
            yield f"{title:<18}{part}: {_listed(values, text)}"
            title = ""


def _listed(values: Sequence[Any], text: Callable[[Any], str]) -> str:
    more = f" and {len(values) - MAX_LISTED} more" if len(values) > MAX_LISTED else ""
    return "; ".join(map(text, values[:MAX_LISTED])) + more


def _more(items: Sequence[object], shown: int, line: str) -> Iterator[str]:
    if len(items) > shown:
        yield line.format(len(items) - shown)


def _dataset_lines(found: DatasetComparison, most: int) -> Iterator[str]:
    """Yield the lines about a dataset, with at most ``most`` runs of unequal content."""
    counts = [
        f"{side} {counted(runs, 'run')}{f', {diverged} diverged' if diverged else ''}"
        for side, runs, diverged in (
            ("A", found.runs.a, found.diverged.a),
            ("B", found.runs.b, found.diverged.b),
        )
    ]
    data = "" if found.data.equal else "; THE DATA DIFFER, so the test examples may differ too"
    yield f"{found.dataset}: {'; '.join(counts)}{data}"
    yield from _axes_lines(found)
    yield f"  Runs in common: {common_words(found)}"
    yield from (f"    {_divergence_text(one)}" for one in found.unequal[:most])
    yield from _more(found.unequal, most, "    and {} more")
    if found.same_runs:
        yield from _difference_lines("Same runs", found.same_runs)
    if found.other_runs:
        yield from _difference_lines(differ_words(found.other_axes), found.other_runs)
    yield from _best_lines(found)


def _axes_lines(found: DatasetComparison) -> Iterator[str]:
    if not found.axes:
        yield "  Axes: A and B have the same values."
        return
    rows: list[tuple[str, ...]] = [("axis", "A alone", "B alone", "both")]
    rows += [(one.axis, *map(values_words, (one.only_a, one.only_b, one.both))) for one in found.axes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _divergence_text(one: Divergence) -> str:
    where, ends = first_words(one), end_words(one)
    if one.largest and one.relative:
        where += f", at the end {one.largest} by {one.relative:.0e} of its value"
    return f"{one.run}: {where}; A {ends.a}, B {ends.b}; {cause_words(one)}"


def _difference_lines(title: str, found: Difference) -> Iterator[str]:
    pairs = counted(found.matches, "pair")
    if found.runs > 2 * found.matches:
        pairs += f" of means over {counted(found.runs, 'run')}"
    settings = f", {counted(found.settings, 'setting')}" if found.matches > 1 else ""
    counts = f"B is better in {found.better}, worse in {found.worse}"
    if found.significantly_better is not None:
        counts += f"; significantly better in {found.significantly_better}, worse in {found.significantly_worse}"
    yield f"  {title}: {pairs}{settings}"
    yield f"    {_mean_text(found)}"
    if found.matches > 1 or found.significantly_better is not None:
        yield f"    {counts}"


def _mean_text(found: Difference) -> str:
    intervals = [f"{what} {interval_words(interval)}" for what, interval in intervals_of(found).items()]
    return f"B - A: {found.mean:+.2f} points; 95 % interval: {'; '.join(intervals) or 'not known'}"


def _best_lines(found: DatasetComparison) -> Iterator[str]:
    if found.best.equal and not found.best_difference:
        yield f"  Best of both: {_best_text(found.best.a)}"
        return
    for side, best in (("A", found.best.a), ("B", found.best.b)):
        yield f"  Best of {side}: {_best_text(best)}"
    if found.best_difference:
        yield f"    {_mean_text(found.best_difference)}"


def _best_text(best: BestRun | None) -> str:
    if best is None:
        return "no run finished"
    return f"{100 * best.accuracy:.2f} %  {best.run}  ({SELECTED[best.chosen_on]})"
