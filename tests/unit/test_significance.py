"""Confidence intervals, and comparison of runs with the best run of their dataset and seed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from factories import RUN, shown
from factories import summary as summary_of
from handgrad.common.errors import HandgradError
from handgrad.storage.run_reader import Summary
from handgrad.tables.inputs import correct_predictions, require_faults
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.significance import LEVEL, holm, mcnemar_exact, wilson_interval, with_statistics

SIZE = 1000


def summary(faults: int | None = 50, **axes: Any) -> Summary:
    return summary_of(faults, size=SIZE, **axes)


def first_wrong(row: Mapping[str, Any]) -> np.ndarray:
    """Return correct predictions if the faults are the first test examples: what a worse run has right, all have."""
    return np.arange(SIZE) >= row["faults"]


def against(*summaries: Summary, is_correct: Any = first_wrong) -> list[tuple[Any, Any]]:
    """Return against_best and p_holm of each run."""
    table = with_statistics(results_table(summaries), is_correct)
    rows = zip(table["against_best"], table["p_holm"], strict=True)
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


def test_the_methods_give_textbook_values() -> None:
    low, high = wilson_interval(np.array([0, 5, 10]), np.array([10, 10, 10]))
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225], atol=5e-5)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=5e-5)
    assert mcnemar_exact(1, 8) == mcnemar_exact(8, 1) == pytest.approx(2 * (1 + 9) / 2**9)
    assert mcnemar_exact(0, 0) == mcnemar_exact(3, 3) == 1
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.9])).tolist() == [1, 1]


def test_statistics_are_shown_and_blank_for_a_diverged_run() -> None:
    table = with_statistics(results_table([summary(50), summary(80, l2=0.1), summary(None, l2=1.0)]), first_wrong)
    interval = binomtest(950, 1000).proportion_ci(0.95, method="wilson")
    assert table.loc[0, ["accuracy_low", "accuracy_high"]].tolist() == pytest.approx([interval.low, interval.high])
    assert table.loc[2, ["accuracy_low", "accuracy_high", "against_best", "p_holm"]].isna().all()
    rows = shown(RESULTS, table)
    assert [row["95% INTERVAL"] for row in rows] == ["93.47 to 96.19", "90.15 to 93.53", ""]
    assert [row["AGAINST BEST"] for row in rows] == ["best", "worse", ""]


def test_a_run_is_worse_only_when_the_corrected_test_says_so() -> None:
    # six more faults than the best, on examples that the best classifies correctly: p is 2 / 2^6 = 0.031
    pair = [summary(50), summary(56, l2=0.1)]
    assert against(*pair) == [("best", None), ("worse", pytest.approx(2 / 2**6))]
    # with one more run to compare, Holm's method doubles p
    assert against(*pair, summary(51, l2=0.2))[1] == ("like best", pytest.approx(4 / 2**6))
    assert LEVEL == 0.05


def test_as_many_faults_elsewhere_are_no_difference() -> None:
    def elsewhere(row: Mapping[str, Any]) -> np.ndarray:
        return np.roll(first_wrong(row), 500 if row["l2"] == 0.1 else 0)

    assert against(summary(50), summary(50, l2=0.1), is_correct=elsewhere) == [("best", None), ("like best", 1)]


def test_runs_are_compared_within_their_seed_and_dataset_and_never_pooled() -> None:
    runs = [summary(50), summary(80, seed=1), summary(80, l2=0.1), summary(90, dataset="mnist")]
    assert [verdict for verdict, _ in against(*runs)] == ["best", "best", "worse", "best"]
    # comparisons are counted for each seed: 2 / 2^6 is not doubled by the other seed
    pairs = [summary(50), summary(56, l2=0.1), summary(50, seed=1), summary(56, seed=1, l2=0.1)]
    assert [p for _, p in against(*pairs)[1::2]] == pytest.approx([2 / 2**6] * 2)


def test_a_run_can_be_better_than_the_best_that_validation_chose() -> None:
    runs = [summary(80, validation_faults=3, validation_size=100), summary(50, validation_faults=4, validation_size=99)]
    assert [verdict for verdict, _ in against(*runs)] == ["best", "better"]


@pytest.mark.parametrize(
    ("runs", "expected"), [([], []), ([summary(None), summary(None, seed=1)], [None] * 2), ([summary()], ["best"])]
)
def test_nothing_to_compare_leaves_blanks(runs: list[Summary], expected: list[str | None]) -> None:
    assert against(*runs) == [(verdict, None) for verdict in expected]


# --- correct predictions of a run

LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0], np.uint8)


def test_correct_predictions_come_from_the_run_and_its_datasets_labels() -> None:
    one = replace(summary(dataset="d.1"), predictions=PREDICTIONS)
    another = replace(summary(dataset="d"), predictions=1 - PREDICTIONS)
    is_correct = correct_predictions([another, one], {"d": LABELS, "d.1": LABELS})
    row = {"dataset": "d.1", "run": RUN.name, "file": one.path, "faults": 2}
    assert is_correct(pd.Series(row)).tolist() == [True, True, False, True, True, False]
    message = rf"results/runs/d\.1/{RUN.name}\.h5: .*results/data/d\.1\.h5 .* 2 faults, .* 3; delete it"
    with pytest.raises(HandgradError, match=message):
        is_correct(pd.Series({**row, "faults": 3}))
    with pytest.raises(HandgradError, match="give None faults"):
        require_faults(row, LABELS[:-1], PREDICTIONS)
