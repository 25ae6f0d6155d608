"""The tables of the page of two experiments: what differs, pairs of runs, and unequal results of the same runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from handgrad.experiment.runs import AXES, Run
from handgrad.page.explore import axis_words
from handgrad.tables.columns import Column, axis_title
from handgrad.tables.comparison_words import (
    cause_words,
    differ_words,
    end_words,
    first_words,
    machine_words,
    parts_of,
    values_words,
)
from handgrad.tables.divergence import Sides
from handgrad.tables.experiment_comparison import DatasetComparison, ExperimentComparison
from handgrad.tables.paired_differences import Pair
from handgrad.tables.stored_results import StoredResults

_SIGNIFICANT = {1: "B better", -1: "B worse", 0: "like A", None: ""}


def fact_rows(found: ExperimentComparison) -> Iterator[tuple[str, ...]]:
    """Yield the facts about code, machines, datasets and data: what A alone has, what B alone has, and both."""
    kinds = Sides(*([replace(one, runs=0) for one in side] for side in (found.machines.a, found.machines.b)))
    facts = {
        "code of training": found.code,
        "machines": Sides(*(list(map(machine_words, side)) for side in (kinds.a, kinds.b))),
        "datasets": found.datasets,
        **{f"content of {one.dataset}": one.data for one in found.compared},
    }
    for fact, sides in facts.items():
        yield fact, *("; ".join(part) or "-" for part in parts_of(sides))


def axes_rows(found: ExperimentComparison) -> Iterator[tuple[str, ...]]:
    """Yield the axes of each dataset with different values: those of A alone, of B alone, and of both."""
    for one in found.compared:
        for axis in one.axes:
            values = map(values_words, (axis.only_a, axis.only_b, axis.both))
            yield one.dataset, axis_words(axis.axis), *values


def pair_columns(found: ExperimentComparison, stored: Sides[StoredResults]) -> list[Column]:
    """Return the columns of the table of pairs, with a row for each pair; an empty list if there are none.

    An axis has a column if it varies in these pairs. If A and B have different values, the cell shows both.
    """
    rows = [(one.dataset, kind, pair) for one in found.compared for kind, pair in _pairs_of(one)]
    if not rows:
        return []
    runs = Sides(*({(run.run.dataset, run.run.name): run.run for run in side.runs} for side in (stored.a, stored.b)))
    sides = [
        ([runs.a[dataset, name] for name in pair.runs.a], [runs.b[dataset, name] for name in pair.runs.b])
        for dataset, _, pair in rows
    ]
    pairs = [pair for *_, pair in rows]
    kinds = [kind for _, kind, _ in rows]
    tests = [_SIGNIFICANT[pair.significant] for pair in pairs]
    return [
        Column("DATASET", [dataset for dataset, *_ in rows], numeric=False, choose=True),
        *([Column("PAIR", kinds, numeric=False, choose=True)] if len(set(kinds)) > 1 else []),
        *_axis_columns(sides),
        Column("PREC A", [f"{pair.accuracy.a:.2%}" for pair in pairs]),
        Column("PREC B", [f"{pair.accuracy.b:.2%}" for pair in pairs]),
        Column("B - A, POINTS", [f"{pair.points:+.2f}" for pair in pairs]),
        *([Column("TEST", tests, numeric=False, choose=True)] if any(tests) else []),
    ]


def _pairs_of(found: DatasetComparison) -> Iterator[tuple[str, Pair]]:
    if found.other_runs:
        yield from ((differ_words(found.other_axes), pair) for pair in found.other_runs.pairs)
    if found.same_runs:
        yield from (("Same runs", pair) for pair in found.same_runs.pairs)


def _axis_columns(sides: Sequence[tuple[Sequence[Run], Sequence[Run]]]) -> Iterator[Column]:
    for axis in AXES[1:]:
        values = [tuple(values_words(_distinct(runs, axis)) for runs in pair) for pair in sides]
        if len({one for pair in values for one in pair}) > 1:
            texts = [" → ".join(dict.fromkeys(pair)) for pair in values]
            yield Column(axis_title(axis), texts, numeric=False, choose=True)


def _distinct(runs: Sequence[Run], axis: str) -> list[Any]:
    return list(dict.fromkeys(getattr(run, axis) for run in runs))


def unequal_columns(found: ExperimentComparison) -> list[Column]:
    """Return the columns of the table of runs in common with different results; an empty list if there are none."""
    rows = [(one.dataset, unequal) for one in found.compared for unequal in one.unequal]
    if not rows:
        return []
    ends = [end_words(one) for _, one in rows]
    largest = [f"{one.largest} by {one.relative:.0e}" if one.largest and one.relative else "" for _, one in rows]
    return [
        Column("DATASET", [dataset for dataset, _ in rows], numeric=False, choose=True),
        Column("RUN", [one.run for _, one in rows], numeric=False),
        Column("FIRST DIFFERENCE", [first_words(one) for _, one in rows], numeric=False),
        Column("LARGEST AT THE END", largest, numeric=False),
        Column("A", [one.a for one in ends], numeric=False),
        Column("B", [one.b for one in ends], numeric=False),
        Column("CAUSE", [cause_words(one) for _, one in rows], numeric=False, choose=True),
    ]
