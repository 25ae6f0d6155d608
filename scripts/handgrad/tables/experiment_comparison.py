"""Compare two experiments, A and B: axes, code, data, machines, runs in common, and differences of accuracy."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import AXES, Run
from handgrad.network.activations import Array
from handgrad.storage.provenance import Machine
from handgrad.storage.run_reader import Summary
from handgrad.tables.divergence import Divergence, Sides, divergence, machines_of
from handgrad.tables.paired_differences import Difference, Match, accuracy, difference, matches
from handgrad.tables.results import results_table
from handgrad.tables.selection import first_best, splits
from handgrad.tables.stored_results import StoredResults


@dataclass(frozen=True)
class AxisDifference:
    """The values of an axis that A alone has, those that B alone has, and those of both."""

    axis: str
    only_a: list[Any]
    only_b: list[Any]
    both: list[Any]


@dataclass(frozen=True)
class BestRun:
    """The best run of a dataset. accuracy: on the test split.

    chosen_on: the split on which it was selected (``selection``); None for the only run.
    """

    run: str
    accuracy: float
    chosen_on: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetComparison:
    """The comparison of the runs of one dataset.

    diverged: runs that no difference includes. data: content_sha256 of the data. axes: those with different values.
    common: the number of runs in both. equal: of those with equal content_sha256. same_files: of those that were not
    computed twice, because both files are equal. same_runs: the difference between the runs in common; None if all are
    equal. other_runs: between the remaining runs of A and B that agree in all axes
    except ``other_axes``. best_difference: between the best runs; None if they are equal.
    """

    dataset: str
    runs: Sides[int]
    diverged: Sides[int]
    data: Sides[list[str]]
    axes: list[AxisDifference]
    common: int
    equal: int
    same_files: int
    unequal: list[Divergence]
    same_runs: Difference | None
    other_axes: list[str]
    other_runs: Difference | None
    best: Sides[BestRun | None]
    best_difference: Difference | None


@dataclass(frozen=True, kw_only=True)
class ExperimentComparison:
    """The comparison of two experiments. code: digests of the training code. datasets: of each experiment.

    compared: the datasets that both have, in the order of A.
    """

    name: Sides[str]
    folder: Sides[str]
    runs: Sides[int]
    code: Sides[list[str]]
    machines: Sides[list[Machine]]
    datasets: Sides[list[str]]
    compared: list[DatasetComparison]


def compare_experiments(a: StoredResults, b: StoredResults, labels: Mapping[str, Array | None]) -> ExperimentComparison:
    """Compare two experiments. labels: of the test split, by dataset (``stored_results.test_labels``).

    Raises HandgradError if they have no dataset in common.
    """
    common = common_datasets(a, b)
    return ExperimentComparison(
        name=Sides(a.name, b.name),
        folder=Sides(str(a.folder / "results" / a.name), str(b.folder / "results" / b.name)),
        runs=Sides(len(a.runs), len(b.runs)),
        code=Sides(_facts(a.runs, "code_digest"), _facts(b.runs, "code_digest")),
        machines=Sides(machines_of(a.runs), machines_of(b.runs)),
        datasets=Sides(a.datasets, b.datasets),
        compared=[_compare_dataset(dataset, a.of(dataset), b.of(dataset), labels.get(dataset)) for dataset in common],
    )


def common_datasets(a: StoredResults, b: StoredResults) -> list[str]:
    """Return the datasets that both experiments have. Raises HandgradError if there are none."""
    common = [dataset for dataset in a.datasets if dataset in b.datasets]
    if not common:
        found = f"{a.name} has {', '.join(a.datasets)}, and {b.name} has {', '.join(b.datasets)}"
        raise HandgradError(f"no dataset in common: {found}; expected two experiments on the same data")
    return common


def _compare_dataset(
    dataset: str, a: Sequence[Summary], b: Sequence[Summary], labels: Array | None
) -> DatasetComparison:
    of_a, of_b = ({one.run: one for one in side} for side in (a, b))
    common = {run: None for run in of_a if run in of_b}
    unequal = [run for run in common if of_a[run].content_sha256 != of_b[run].content_sha256]
    same = matches([of_a[run] for run in common], [of_b[run] for run in common], ())
    other_axes, others = _other_matches(*([one for one in side if one.run not in common] for side in (a, b)))
    best = Sides(_best(a), _best(b))
    return DatasetComparison(
        dataset=dataset,
        runs=Sides(len(a), len(b)),
        diverged=Sides(*(sum(one.status == "diverged" for one in side) for side in (a, b))),
        data=Sides(_facts(a, "data_content"), _facts(b, "data_content")),
        axes=axis_differences([one.run for one in a], [one.run for one in b]),
        common=len(common),
        equal=len(common) - len(unequal),
        same_files=sum(of_a[run].seal == of_b[run].seal for run in common),
        unequal=[divergence(of_a[run], of_b[run]) for run in unequal],
        same_runs=difference(same, labels) if unequal else None,
        other_axes=other_axes,
        other_runs=difference(others, labels),
        best=Sides(_best_run(best.a), _best_run(best.b)),
        best_difference=_best_difference(best, labels),
    )


def _other_matches(a: Sequence[Summary], b: Sequence[Summary]) -> tuple[list[str], list[Match]]:
    """Return the axes in which runs may differ, and the matches of runs that agree in all other axes.

    Runs agree in as many axes as possible: at first only axes without a common value may differ, then all axes with
    different values except the seed, then also the seed.
    """
    axes = axis_differences([one.run for one in a], [one.run for one in b])
    disjoint = [one.axis for one in axes if not one.both]
    differing = [one.axis for one in axes]
    for ignored in (disjoint, [axis for axis in differing if axis != "seed"], differing):
        if found := matches(a, b, ignored):
            return ignored, found
    return [], []


def axis_differences(a: Collection[Run], b: Collection[Run]) -> list[AxisDifference]:
    """Return the axes of which A and B have different values; values are sorted."""
    found = []
    for axis in AXES:
        of_a, of_b = ({getattr(run, axis) for run in runs} for runs in (a, b))
        if of_a != of_b:
            found.append(AxisDifference(axis, *map(_in_order, (of_a - of_b, of_b - of_a, of_a & of_b))))
    return found


def _in_order(values: Collection[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (value is not None, value))


def _facts(summaries: Sequence[Summary], attribute: str) -> list[str]:
    return sorted({str(summary.attributes[attribute]) for summary in summaries})


def _best(summaries: Sequence[Summary]) -> tuple[Summary, str | None] | None:
    """Return the best run of a dataset and ``BestRun.chosen_on``; None if no run finished."""
    finished = [one for one in summaries if one.status == "finished"]
    if not finished:
        return None
    (split,) = splits(results_table(summaries)).values()
    best = first_best(results_table(finished), split)
    return finished[int(best.index[0])], split if len(summaries) > 1 else None


def _best_run(best: tuple[Summary, str | None] | None) -> BestRun | None:
    return best and BestRun(best[0].run.name, accuracy(best[0]), best[1])


def _best_difference(best: Sides[tuple[Summary, str | None] | None], labels: Array | None) -> Difference | None:
    if best.a is None or best.b is None or best.a[0].content_sha256 == best.b[0].content_sha256:
        return None
    return difference([Match((), False, (best.a[0],), (best.b[0],))], labels)
