"""The answer of the page of two experiments, A and B: is B better than A on a dataset, and how certain is it?"""

from collections.abc import Iterator
from dataclasses import dataclass

from handgrad.common.formatting import counted
from handgrad.page.explore import axis_words
from handgrad.tables.comparison_words import SELECTED, interval_words, intervals_of
from handgrad.tables.experiment_comparison import DatasetComparison
from handgrad.tables.paired_differences import Difference

#: what the interval of each kind says about the mean difference
_WITH = {
    "examples": "other test examples",
    "seeds": "other seeds of these settings",
    "settings": "other settings such as these",
}


@dataclass(frozen=True)
class Verdict:
    """An answer in a few words, and the sentences that support it."""

    answer: str
    sentences: list[str]


def verdict(found: DatasetComparison) -> Verdict:
    """Return whether B is better than A on a dataset.

    The answer is about runs that agree in all other axes or, if there are none, about the same runs that were computed
    twice. It is certain only if no known interval of the mean difference includes 0, and limited to these runs or test
    examples if the interval over seeds or test examples is not known.
    """
    main = found.other_runs or found.same_runs
    sentences = [*_pairs(found), *_best(found)]
    if main:
        return Verdict(_answer(main), sentences)
    lost = [side for side, best in (("A", found.best.a), ("B", found.best.b)) if best is None]
    if lost:
        return Verdict("Not known", [f"Every run of {' and of '.join(lost)} diverged."])
    if found.common == found.equal == max(found.runs.a, found.runs.b):
        return Verdict("They are equal", ["A and B have the same runs, and all of them are equal bit for bit."])
    return Verdict("Not known from pairs", ["No run of A has a counterpart in B that differs from it.", *sentences])


def _answer(found: Difference) -> str:
    ends = list(intervals_of(found).values())
    size = f"{abs(found.mean):.2f} points"
    here = ("" if found.over_seeds else " for these runs") + ("" if found.over_examples else " on these test examples")
    if not any(pair.points for pair in found.pairs):
        return "No difference in these runs"
    if ends and all(low > 0 for low, _ in ends):
        return f"Yes{here}, by {size}"
    if ends and all(high < 0 for _, high in ends):
        return f"No, A is better{here}, by {size}"
    return f"Not certain: {found.mean:+.2f} points"


def _pairs(found: DatasetComparison) -> Iterator[str]:
    if found.other_runs:
        alike = f"that differ only in {_words(found.other_axes)}"
        yield from _difference(found.other_runs, alike)
        if len(found.other_axes) > 1:
            yield "These pairs cannot separate the effects of the axes in which they differ."
    if found.same_runs:
        yield from _difference(found.same_runs, "with equal axes, computed twice with different results")


def _words(axes: list[str]) -> str:
    words = list(map(axis_words, axes))
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _difference(found: Difference, alike: str) -> Iterator[str]:
    several = found.runs > 2 * found.matches
    means = ", each of means over several runs" if several else ""
    yield (
        f"Compared in {counted(found.matches, 'pair')} of runs {alike}{means}, B is more accurate in {found.better:,} "
        f"and less in {found.worse:,}. The mean difference is {found.mean:+.2f} percentage points."
    )
    known = intervals_of(found)
    if known:
        parts = [f"{interval_words(interval)} with {_WITH[what]}" for what, interval in known.items()]
        yield f"95% intervals: {'; '.join(parts)}."
    else:
        yield "Its interval is not known: without test labels, it needs pairs with different results."
    chance = [_WITH[what] for what, (low, high) in known.items() if low <= 0 <= high]
    if chance:
        yield f"With {' or '.join(chance)}, it could also be 0 or have the other sign."
    if known and not found.over_examples:
        yield "How much other test examples would change it is not known; this needs the test labels."
    if not found.over_seeds:
        yield "How much other seeds would change it is not known; more seeds of each setting would show it."


def _best(found: DatasetComparison) -> Iterator[str]:
    a, b, between = found.best.a, found.best.b, found.best_difference
    if a is None or b is None:
        return
    if between is None:
        yield f"The best run of both is the same, with {a.accuracy:.2%}."
        return
    interval = between.over_examples
    where = f", 95% interval {interval_words(interval)} with other test examples" if interval else ""
    how = (
        SELECTED[a.chosen_on] if a.chosen_on == b.chosen_on else f"A {SELECTED[a.chosen_on]}; B {SELECTED[b.chosen_on]}"
    )
    yield (
        f"The best single run has {a.accuracy:.2%} in A and {b.accuracy:.2%} in B: {between.mean:+.2f} points{where} "
        f"({how})."
    )
