"""Statistics: intervals, runs that cannot be told from the best of their seed, and the table over seeds."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from factories import RUN, grid, read_table
from factories import summary as summary_of
from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import AXES
from handgrad.storage.run_reader import Summary
from handgrad.tables.predictions import correct_predictions, require_faults
from handgrad.tables.results import RESULT_COLUMNS, result_columns, results_html, results_table
from handgrad.tables.seeds import SEEDS_COLUMNS, SETTING_AXES, count_seeds, seeds_columns, seeds_html, seeds_table
from handgrad.tables.selection import how_chosen
from handgrad.tables.significance import with_statistics
from handgrad.tables.statistics import LEVEL, holm, mcnemar_exact, wilson_interval
from handgrad.tables.table import rows_of, write_table

ROOT = Path(__file__).parents[2]
SIZE = 1000


def summary(faults: int | None = 50, **axes: Any) -> Summary:
    return summary_of(faults, size=SIZE, **axes)


def first_wrong(row: Mapping[str, Any]) -> np.ndarray:
    """Answers of a run whose faults are the first test examples: a worse run has none right alone."""
    return np.arange(SIZE) >= row["faults"]


def against(*summaries: Summary, is_correct: Any = first_wrong) -> list[tuple[Any, Any]]:
    """against_best and p_holm of each run."""
    table = with_statistics(results_table(summaries), is_correct)
    rows = zip(table["against_best"], table["p_holm"], strict=True)
    return [tuple(None if pd.isna(value) else value for value in row) for row in rows]


# --- the three methods, against textbook values


def test_the_methods_give_textbook_values() -> None:
    low, high = wilson_interval(np.array([0, 5, 10]), np.array([10, 10, 10]))
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225], atol=5e-5)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=5e-5)
    assert mcnemar_exact(1, 8) == mcnemar_exact(8, 1) == pytest.approx(2 * (1 + 9) / 2**9)
    assert mcnemar_exact(0, 0) == mcnemar_exact(3, 3) == 1
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.9])).tolist() == [1, 1]


# --- in the table of results


def test_statistics_are_shown_read_back_and_blank_for_a_diverged_run(tmp_path: Path) -> None:
    table = with_statistics(results_table([summary(50), summary(80, l2=0.1), summary(None, l2=1.0)]), first_wrong)
    interval = binomtest(950, 1000).proportion_ci(0.95, method="wilson")
    assert table.loc[0, ["accuracy_low", "accuracy_high"]].tolist() == pytest.approx([interval.low, interval.high])
    assert table.loc[2, ["accuracy_low", "accuracy_high", "against_best", "p_holm"]].isna().all()
    write_table(tmp_path / "results.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "results.csv", RESULT_COLUMNS), table)
    shown = {column.title: column.texts for column in result_columns(table)}
    assert shown["95% INTERVAL"] == ["93.47 to 96.19", "90.15 to 93.53", ""]
    assert shown["AGAINST BEST"] == ["best", "worse", ""]
    assert how_chosen(table) in results_html(table)


def test_a_run_is_worse_only_when_the_corrected_test_says_so() -> None:
    # six faults more than the best, on examples that the best has right: p is 2 / 2^6 = 0.031
    pair = [summary(50), summary(56, l2=0.1)]
    assert against(*pair) == [("best", None), ("worse", pytest.approx(2 / 2**6))]
    # with one more run to compare, Holm doubles it
    assert against(*pair, summary(51, l2=0.2))[1] == ("like best", pytest.approx(4 / 2**6))
    assert LEVEL == 0.05


def test_as_many_faults_elsewhere_are_no_difference() -> None:
    def elsewhere(row: Mapping[str, Any]) -> np.ndarray:
        return np.roll(first_wrong(row), 500 if row["l2"] == 0.1 else 0)

    assert against(summary(50), summary(50, l2=0.1), is_correct=elsewhere) == [("best", None), ("like best", 1)]


def test_runs_are_compared_within_their_seed_and_dataset_and_never_pooled() -> None:
    runs = [summary(50), summary(80, seed=1), summary(80, l2=0.1), summary(90, dataset="mnist")]
    assert [verdict for verdict, _ in against(*runs)] == ["best", "best", "worse", "best"]
    # a seed's number of comparisons is its own: 2 / 2^6 is not doubled by the other seed
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


def test_five_thousand_runs_take_seconds() -> None:
    runs = [summary(50 + i % 450, l2=float(i), seed=i % 5) for i in range(5000)]
    began = time.process_time()
    against(*runs)
    assert time.process_time() - began < 20  # 1 to 2 s; slow machines are slow


# --- what a run has right

LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0], np.uint8)


def test_correct_predictions_come_from_the_run_and_its_datasets_labels() -> None:
    one = replace(summary(dataset="d.1"), predictions=PREDICTIONS)
    another = replace(summary(dataset="d"), predictions=1 - PREDICTIONS)
    is_correct = correct_predictions([another, one], {"d": LABELS, "d.1": LABELS})
    row = {"dataset": "d.1", "run": RUN.name, "faults": 2}
    assert is_correct(row).tolist() == [True, True, False, True, True, False]
    message = rf"results/runs/d\.1/{RUN.name}\.h5: .* 2 faults .*results/data/d\.1\.h5, .* 3; delete it"
    with pytest.raises(HandgradError, match=message):
        is_correct({**row, "faults": 3})
    with pytest.raises(HandgradError, match="give None faults"):
        require_faults(row, LABELS[:-1], PREDICTIONS)


# --- over seeds


def test_a_row_over_seeds_has_mean_and_deviation_of_finished_runs() -> None:
    runs = [replace(summary(40), loss=0.25), summary(None, seed=1), replace(summary(60, seed=2), loss=0.75)]
    first, second = rows_of(seeds_table(results_table([*runs, summary(5, l2=0.5)])))
    assert (first["seeds"], first["finished"], first["diverged"], first["test_size"]) == (3, 2, 1, SIZE)
    assert (first["faults_mean"], first["faults_min"], first["faults_max"]) == (50, 40, 60)
    assert first["faults_sd"] == pytest.approx(200**0.5)  # 10^2 + 10^2, by n - 1 = 1
    assert (first["accuracy_mean"], first["accuracy_sd"]) == pytest.approx((0.95, 200**0.5 / SIZE))
    assert (first["loss_mean"], first["loss_sd"]) == (0.5, pytest.approx(0.125**0.5))
    assert (second["l2"], second["seeds"], second["faults_mean"]) == (0.5, 1, 5)
    assert all(pd.isna(second[f"{name}_sd"]) for name in ("accuracy", "faults", "loss"))


def test_rows_over_seeds_differ_in_any_other_axis_in_the_order_of_the_runs() -> None:
    assert tuple(axis for axis in AXES if axis != "seed") == SETTING_AXES
    table = seeds_table(results_table(grid(seed=[1, 0], hidden_units=[9, 3], train_size=[None, 50])))
    assert table["hidden_units"].tolist() == [9, 9, 3, 3]
    assert [None if pd.isna(size) else size for size in table["train_size"]] == [None, 50, None, 50]
    assert table["seeds"].tolist() == [2] * 4


@pytest.mark.parametrize("runs", [[], [summary(None)], [summary(), summary(None, seed=1)]])
def test_a_table_over_seeds_is_written_and_read(runs: list[Summary], tmp_path: Path) -> None:
    table = seeds_table(results_table(runs))
    write_table(tmp_path / "seeds.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "seeds.csv", SEEDS_COLUMNS), table)
    assert count_seeds(table) in seeds_html(table)


def test_people_see_means_spreads_and_how_many_diverged() -> None:
    table = seeds_table(results_table([summary(40), summary(60, seed=1), summary(None, l2=0.1)]))
    assert {column.title: list(column.texts) for column in seeds_columns(table)[7:]} == {
        "SEEDS": ["2", "1"],
        "DIVERGED": ["0", "1"],
        "MEAN PREC": ["95.00%", ""],
        "SD PREC": ["1.41", ""],
        "MEAN FAULTS": ["50.0", ""],
        "SD FAULTS": ["14.1", ""],
        "FAULTS": ["40 to 60", ""],
        "MEAN LOSS": ["0.50000", ""],
        "SD LOSS": ["0", ""],
    }
    assert count_seeds(table) == "2 settings, 1 to 2 seeds each; 1 diverged."
    assert seeds_html(table).count('<tr class="marked">') == 1


def test_the_captions_state_the_methods_and_their_level() -> None:
    caption = " ".join((ROOT / "workflow/report/results.rst").read_text().split())
    stated = (f"{100 * (1 - LEVEL):g} % interval", "Wilson", "exact McNemar", "Holm", f"{100 * LEVEL:g} percent")
    assert all(words in caption for words in stated)
