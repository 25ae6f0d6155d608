"""The difference of accuracy between paired runs of two experiments, A and B, with 95 % intervals.

A difference varies with the test examples, with the seed and with the setting. Each source has an interval of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from handgrad.experiment.runs import AXES
from handgrad.network.activations import Array
from handgrad.storage.run_reader import Summary
from handgrad.tables.divergence import Sides
from handgrad.tables.inputs import require_faults
from handgrad.tables.seed_variance import mean_interval
from handgrad.tables.significance import LEVEL, Interval, holm, mcnemar_exact, t_interval


@dataclass(frozen=True)
class Match:
    """Finished runs of A and of B that agree in some axes; usually one run of each.

    setting: the values of these axes without the seed. by_seed: whether the seed is one of them.
    """

    setting: tuple[object, ...]
    by_seed: bool
    a: tuple[Summary, ...]
    b: tuple[Summary, ...]

    def pair(self, significant: int | None) -> "Pair":
        """Return this match as a ``Difference`` has it. significant: see ``Pair``."""
        sides = self.a, self.b
        names = ([run.run.name for run in side] for side in sides)
        means = (float(np.mean([accuracy(run) for run in side])) for side in sides)
        return Pair(Sides(*names), Sides(*means), significant)


@dataclass(frozen=True)
class Pair:
    """A match in a ``Difference``. runs: their names. accuracy: the mean over the runs of a side, a fraction.

    significant: 1 if B is significantly better, -1 if worse, otherwise 0; None as in ``Difference``.
    """

    runs: Sides[list[str]]
    accuracy: Sides[float]
    significant: int | None

    @property
    def points(self) -> float:
        """The accuracy of B minus that of A, in percentage points."""
        return 100 * (self.accuracy.b - self.accuracy.a)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The accuracy of B minus that of A in percentage points, the mean over settings.

    matches, settings, runs: their numbers; there are more runs than two for each match if the seed or another axis
    differs. better, worse: matches in which B is more accurate, or less. The counts ``significantly_...`` are those of
    exact McNemar tests that Holm's method corrects; None without predictions of one run each on the same examples.
    pairs: each match.

    Intervals have the confidence 1 - LEVEL and are None if they cannot be determined.

    - over_examples: how the mean would vary with other test examples (Agresti and Min, Statist. Med. 24:729, 2005).
    - over_seeds: with other seeds of these settings (t, residual variance pooled over settings).
    - over_settings: with other settings such as these (t, one mean for each setting).
    """

    matches: int
    settings: int
    runs: int
    mean: float
    better: int
    worse: int
    significantly_better: int | None
    significantly_worse: int | None
    over_examples: Interval | None
    over_seeds: Interval | None
    over_settings: Interval | None
    pairs: list[Pair]


def accuracy(summary: Summary) -> float:
    """Return the accuracy of a finished run on the test split, a fraction."""
    if summary.faults is None:
        raise ValueError(f"{summary.run.name} did not finish")
    return (summary.test_size - summary.faults) / summary.test_size


def matches(a: Iterable[Summary], b: Iterable[Summary], differing: Collection[str]) -> list[Match]:
    """Match the finished runs of A and B that agree in all axes except ``differing``, in the order of A."""
    same = [axis for axis in AXES if axis not in differing]
    found: dict[tuple[object, ...], tuple[list[Summary], list[Summary]]] = defaultdict(lambda: ([], []))
    for side, summaries in enumerate((a, b)):
        for summary in summaries:
            if summary.status == "finished":
                found[tuple(getattr(summary.run, axis) for axis in same)][side].append(summary)
    place = same.index("seed") if "seed" in same else len(same)
    return [
        Match((*values[:place], *values[place + 1 :]), "seed" in same, tuple(of_a), tuple(of_b))
        for values, (of_a, of_b) in found.items()
        if of_a and of_b
    ]


def difference(found: Sequence[Match], labels: Array | None) -> Difference | None:
    """Return the difference over some matches of one dataset, or None without a match.

    labels: of the test split on which all runs were evaluated; None if they are unknown.
    """
    if not found:
        return None
    significant = None if labels is None else _significant(found, labels)
    signs = [None] * len(found) if significant is None else significant.tolist()
    pairs = [match.pair(sign) for match, sign in zip(found, signs, strict=True)]
    points = np.array([pair.points for pair in pairs])
    settings: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for match, value in zip(found, points, strict=True):
        settings[match.setting].append(float(value))
    groups = [np.array(values) for values in settings.values()]
    return Difference(
        matches=len(found),
        settings=len(groups),
        runs=sum(len(match.a) + len(match.b) for match in found),
        mean=float(np.mean([group.mean() for group in groups])),
        better=int((points > 0).sum()),
        worse=int((points < 0).sum()),
        significantly_better=None if significant is None else int((significant > 0).sum()),
        significantly_worse=None if significant is None else int((significant < 0).sum()),
        over_examples=None if labels is None else _over_examples(found, labels),
        over_seeds=_over_seeds(groups) if all(match.by_seed for match in found) else None,
        over_settings=_over_settings(groups),
        pairs=pairs,
    )


def _over_settings(groups: Sequence[Array]) -> Interval | None:
    means = np.array([group.mean() for group in groups])
    return mean_interval(means) if len(means) > 1 else None


def _over_seeds(groups: Sequence[Array]) -> Interval | None:
    """Return the interval of the mean of the settings' means; settings are fixed and all have the same variance."""
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None
    residual = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom
    variance = residual * sum(1 / len(group) for group in groups) / len(groups) ** 2
    return t_interval(float(np.mean([group.mean() for group in groups])), variance, freedom)


def _over_examples(found: Sequence[Match], labels: Array) -> Interval:
    """Return the interval of the mean over test examples.

    Each example has one value: the difference of the correct predictions, averaged as in ``Difference.mean``. As
    Agresti and Min propose, half an example is added to each cell of the table of paired outcomes.
    """
    in_setting = Counter(match.setting for match in found)
    values = np.zeros(len(labels))
    for match in found:
        a, b = (np.mean([_correct(run, labels) for run in runs], axis=0) for runs in (match.a, match.b))
        values += (b - a) / in_setting[match.setting] / len(in_setting)
    size = len(values) + 2
    mean = values.sum() / size
    variance = ((values**2).sum() + 1) / size - mean**2
    return _plain(norm.interval(1 - LEVEL, loc=100 * mean, scale=100 * (variance / size) ** 0.5))


def _significant(found: Sequence[Match], labels: Array) -> Array | None:
    """Return 1 for each match in which B is significantly better, -1 if worse, otherwise 0."""
    if any(len(match.a) + len(match.b) > 2 for match in found):
        return None
    pairs = [(_correct(match.a[0], labels), _correct(match.b[0], labels)) for match in found]
    counts = [(int((a & ~b).sum()), int((b & ~a).sum())) for a, b in pairs]
    p = np.array([mcnemar_exact(only_a, only_b) for only_a, only_b in counts])
    if len(p) > 1:  # the correction takes a tenth of a second
        p = holm(p)
    return np.where(p > LEVEL, 0, np.sign([only_b - only_a for only_a, only_b in counts]))


def _correct(summary: Summary, labels: Array) -> Array:
    """Return which test examples a run classifies correctly, bool (N,)."""
    row = {"dataset": summary.run.dataset, "run": summary.run.name, "faults": summary.faults}
    predictions = np.asarray(summary.predictions)
    require_faults(row, labels, predictions)
    return np.asarray(predictions == labels)


def _plain(ends: tuple[float, float]) -> Interval:
    low, high = ends
    return float(low), float(high)
