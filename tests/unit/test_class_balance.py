"""The majority rate and the balanced accuracy, from the labels to the tables for people."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from factories import published, shown, summary
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import BEST, best_table
from handgrad.tables.class_balance import balanced_accuracy, majority_rate, with_class_balance
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.seeds import SEEDS, seeds_table

RARE = np.repeat([0, 1, 3], [90, 9, 1]).astype(np.uint8)
EVEN = np.repeat([0, 1, 2], [40, 20, 40]).astype(np.uint8)


def run(labels: np.ndarray, wrong: slice, **axes: object) -> Summary:
    """Return a run that takes these examples for class 0, or for class 1 if they are of class 0."""
    predictions = labels.copy()
    predictions[wrong] = np.where(labels[wrong] == 0, 1, 0)
    return replace(summary(int((predictions != labels).sum()), size=len(labels), **axes), predictions=predictions)


def table(*runs: Summary, **labels: np.ndarray) -> pd.DataFrame:
    return with_class_balance(results_table(runs), runs, labels)


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, predictions = (rng.choice([0, 1, 2, 4], 200, p=(0.7, 0.15, 0.1, 0.05)).astype(np.uint8) for _ in "ab")
        expected = balanced_accuracy_score(labels, predictions)
        assert balanced_accuracy(labels, predictions) == pytest.approx(expected)


@pytest.mark.parametrize(("largest", "given"), [(40, False), (41, True)])
def test_it_is_given_only_if_classes_differ_by_more_than_two_to_one(largest: int, given: bool) -> None:
    labels = np.repeat([0, 2], [largest, 20])  # class 1 has no example
    assert (balanced_accuracy(labels, labels) is not None) == given
    assert majority_rate(labels) == largest / (largest + 20)


def test_all_tables_show_it_for_datasets_with_rare_classes() -> None:
    rare = [run(RARE, slice(90, 100), dataset="rare", seed=0), run(RARE, slice(0, 45), dataset="rare", seed=1)]
    runs = [*rare, run(EVEN, slice(0, 10), dataset="even"), summary(None, size=100, dataset="rare", seed=2)]
    results = table(*runs, rare=RARE, even=EVEN)
    first, second, even, diverged = shown(RESULTS, results)
    assert (first["PREC"], first["MAJORITY"], first["BALANCED PREC"]) == ("90.00%", "90.00%", "33.33%")
    assert second["BALANCED PREC"] == "83.33%"
    assert (even["MAJORITY"], even["BALANCED PREC"]) == ("40.00%", "")
    assert (diverged["MAJORITY"], diverged["BALANCED PREC"]) == ("90.00%", "")
    seeds = seeds_table(results)
    assert [row["MEAN BALANCED PREC"] for row in shown(SEEDS, seeds)] == ["58.33%", ""]
    best = best_table(seeds, published())
    assert [row["MAJORITY"] for row in shown(BEST, best)] == ["90.00%", "40.00%"] * 2
    assert [row["MEAN BALANCED PREC"] for row in shown(BEST, best)] == ["58.33%", ""] * 2
    rare_line, even_line = BEST.lines(best)[:2]
    assert "balanced accuracy 58.33%; 90.00% by always predicting the most frequent class" in rare_line
    assert "balanced" not in even_line


def test_without_rare_classes_tables_have_no_column_for_it() -> None:
    results = table(run(EVEN, slice(0, 10)), digits=EVEN)
    seeds = seeds_table(results)
    for kind, made in ((RESULTS, results), (SEEDS, seeds), (BEST, best_table(seeds, published()))):
        assert not any("BALANCED" in title for title in shown(kind, made)[0])
