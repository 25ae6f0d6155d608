"""Statistics: intervals, the best run and those that cannot be told from it, and the table over seeds."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import AXES, Run
from handgrad.storage.run_reader import Summary
from handgrad.tables.predictions import require_faults, right_answers
from handgrad.tables.results import RESULT_COLUMNS, results_html, results_markdown, results_table
from handgrad.tables.seeds import (
    SEEDS_COLUMNS,
    SETTING_AXES,
    count_seeds,
    seeds_html,
    seeds_markdown,
    seeds_table,
)
from handgrad.tables.selection import best_run, chosen_on, how_chosen
from handgrad.tables.significance import with_statistics
from handgrad.tables.statistics import LEVEL, holm, mcnemar_exact, wilson_interval
from handgrad.tables.table import read_table, rows_of, write_table

ROOT = Path(__file__).parents[2]
RUN = Run(
    dataset="mnist",
    activation="tanh",
    hidden_units=100,
    learning_rate=0.001,
    batch_size=100,
    epochs=20,
    l2=0.01,
    seed=0,
)
SIZE = 1000


def summary(faults: int | None = 50, *, validation_faults: int = -1, loss: float = 0.5, **axes: Any) -> Summary:
    status, loss_ = ("diverged", None) if faults is None else ("finished", loss)
    history = {"validation_faults": np.array([999, validation_faults])}
    return Summary(replace(RUN, **axes), status, SIZE, faults, loss_, 1.0, history, "c0ffee", {})


def first_wrong(row: Mapping[str, Any]) -> np.ndarray:
    """Answers of a run whose faults are the first test examples: a worse run has none right alone."""
    return np.arange(SIZE) >= row["faults"]


def told(*summaries: Summary, right: Any = first_wrong) -> list[dict[str, Any]]:
    return rows_of(with_statistics(results_table(summaries), right))


def against(*summaries: Summary, right: Any = first_wrong) -> list[Any]:
    return [None if pd.isna(v) else v for v in (r["against_best"] for r in told(*summaries, right=right))]


# --- the three methods, against textbook values


def test_the_wilson_interval_is_the_textbooks() -> None:
    low, high = wilson_interval(np.array([0, 5, 10]), np.array([10, 10, 10]))
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225], atol=5e-5)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=5e-5)


def test_the_mcnemar_test_is_exact_and_two_sided() -> None:
    assert mcnemar_exact(1, 8) == mcnemar_exact(8, 1) == pytest.approx(2 * (1 + 9) / 2**9)
    assert mcnemar_exact(0, 0) == mcnemar_exact(3, 3) == 1


def test_holms_correction_is_the_textbooks() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.9])).tolist() == [1, 1]
    assert len(holm(np.array([]))) == 0


# --- in the table of results


def test_every_finished_run_has_its_interval_and_a_diverged_one_has_blanks() -> None:
    first, second = told(summary(50), summary(None, seed=1))
    interval = binomtest(950, 1000).proportion_ci(0.95, method="wilson")
    assert (first["accuracy_low"], first["accuracy_high"]) == pytest.approx((interval.low, interval.high))
    for name in ("accuracy_low", "accuracy_high", "against_best", "p_holm"):
        assert pd.isna(second[name])


def test_a_run_is_worse_only_when_the_corrected_test_says_so() -> None:
    # six faults more than the best, on examples that the best has right: p is 2 / 2^6 = 0.031
    pair = [summary(50), summary(56, l2=0.1)]
    assert against(*pair) == ["best", "worse"]
    assert told(*pair)[1]["p_holm"] == pytest.approx(2 / 2**6)
    # with one more run to compare, Holm doubles it
    assert against(*pair, summary(51, l2=0.2)) == ["best", "like best", "like best"]
    assert told(*pair, summary(51, l2=0.2))[1]["p_holm"] == pytest.approx(4 / 2**6)
    assert LEVEL == 0.05


def test_as_many_faults_elsewhere_are_no_difference() -> None:
    def elsewhere(row: Mapping[str, Any]) -> np.ndarray:
        return np.roll(first_wrong(row), 500 if row["l2"] == 0.1 else 0)

    rows = told(summary(50), summary(50, l2=0.1), right=elsewhere)
    assert [row["against_best"] for row in rows] == ["best", "like best"]
    assert rows[1]["p_holm"] == 1


def test_runs_are_compared_within_their_seed_and_dataset_and_never_pooled() -> None:
    runs = [summary(50), summary(80, seed=1), summary(80, l2=0.1), summary(90, dataset="digits")]
    assert against(*runs) == ["best", "best", "worse", "best"]
    # a seed's number of comparisons is its own: 2 / 2^6 is not doubled by the other seed
    pairs = [summary(50), summary(56, l2=0.1), summary(50, seed=1), summary(56, seed=1, l2=0.1)]
    assert [row["p_holm"] for row in told(*pairs)[1::2]] == pytest.approx([2 / 2**6] * 2)


def test_a_run_can_be_better_than_the_best_that_validation_chose() -> None:
    runs = [
        summary(80, validation_faults=3, validation_size=100),
        summary(50, validation_faults=4, validation_size=100, l2=0.1),
    ]
    assert against(*runs) == ["best", "better"]


@pytest.mark.parametrize("runs", [[], [summary(None)], [summary(None), summary(None, seed=1)]])
def test_nothing_to_compare_leaves_blanks(runs: list[Summary]) -> None:
    assert against(*runs) == [None] * len(runs)


def test_one_run_is_the_best() -> None:
    (row,) = told(summary(50))
    assert row["against_best"] == "best"
    assert pd.isna(row["p_holm"])


def test_the_statistics_are_shown_and_read_back(tmp_path: Path) -> None:
    table = with_statistics(results_table([summary(50), summary(80, l2=0.1), summary(None, l2=1.0)]), first_wrong)
    write_table(tmp_path / "results.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "results.csv", RESULT_COLUMNS), table)
    head, _, first, second, third, *rest = results_markdown(table).splitlines()
    shown = [cell.strip() for cell in head.strip("|").split("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (first, second, third)]
    assert [row[shown.index("95% INTERVAL")] for row in cells] == ["93.47 to 96.19", "90.15 to 93.53", ""]
    assert [row[shown.index("AGAINST BEST")] for row in cells] == ["best", "worse", ""]
    assert rest == ["", how_chosen(table)]
    assert how_chosen(table) in results_html(table)


def test_five_thousand_runs_take_seconds() -> None:
    generator = np.random.default_rng(0)
    runs = [summary(int(generator.integers(50, 500)), l2=float(i), seed=i % 5) for i in range(5000)]
    began = time.monotonic()
    told(*runs)
    assert time.monotonic() - began < 20  # 1 s; slow machines are slow


# --- which run is the best


def test_the_best_run_has_the_fewest_faults_of_its_dataset() -> None:
    runs = [
        summary(None, seed=9),
        summary(300),
        summary(200, seed=1),
        summary(200, seed=2),
        summary(100, dataset="digits"),
    ]
    table = results_table(runs)
    best = best_run(table, "mnist")
    assert best is not None
    assert best["run"] == runs[2].run.name
    assert chosen_on(table, "mnist") == "test"
    assert best_run(table, "mnist", 0)["run"] == runs[1].run.name  # type: ignore[index]
    assert best_run(table, "mnist", 9) is None
    assert best_run(results_table(runs[:1]), "mnist") is None


def test_the_best_run_is_chosen_on_the_validation_split_where_all_runs_have_one() -> None:
    # 3 of 100 are more than 5 of 200
    good = summary(60, validation_faults=5, validation_size=200)
    runs = [good, summary(40, validation_faults=3, validation_size=100), summary(None, validation_size=100)]
    table = results_table(runs)
    assert chosen_on(table, "mnist") == "validation"
    assert best_run(table, "mnist")["run"] == good.run.name  # type: ignore[index]
    mixed = results_table([*runs, summary(50)])
    assert chosen_on(mixed, "mnist") == "test"
    assert best_run(mixed, "mnist")["faults"] == 40  # type: ignore[index]


def test_the_words_say_when_the_choice_saw_the_test_set() -> None:
    held_out = summary(60, validation_faults=5, validation_size=200)
    saw, chosen = "the choice saw the test set", "on the validation split"
    assert saw in how_chosen(results_table([summary()]))
    assert chosen not in how_chosen(results_table([summary()]))
    assert saw not in how_chosen(results_table([held_out]))
    assert chosen in how_chosen(results_table([held_out]))
    both = how_chosen(results_table([held_out, summary(dataset="cifar10"), summary(dataset="digits")]))
    assert "validation split (mnist)" in both
    assert f"{saw} (cifar10, digits)" in both
    assert how_chosen(results_table([])) == ""


# --- what a run has right

LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)
PREDICTIONS = np.array([0, 0, 1, 1, 1, 0], np.uint8)


def test_predictions_that_do_not_fit_the_table_are_refused() -> None:
    row = {"dataset": "d", "run": RUN.name, "faults": 3}
    message = rf"results/runs/d/{RUN.name}\.h5: .* 2 faults .*results/data/d\.h5, .* 3; delete it"
    with pytest.raises(HandgradError, match=message):
        require_faults(row, LABELS, PREDICTIONS)
    with pytest.raises(HandgradError, match="give None faults"):
        require_faults(row, LABELS[:-1], PREDICTIONS)


def test_right_answers_come_from_the_run_itself_and_its_datasets_labels() -> None:
    one = replace(summary(dataset="d.1"), predictions=PREDICTIONS)
    another = replace(summary(dataset="d"), predictions=1 - PREDICTIONS)
    right = right_answers([another, one], {"d": LABELS, "d.1": LABELS})
    row = {"dataset": "d.1", "run": RUN.name, "faults": 2}
    assert right(row).tolist() == [True, True, False, True, True, False]
    with pytest.raises(HandgradError, match="give 2 faults"):
        right({**row, "faults": 1})


# --- over seeds


def test_a_row_over_seeds_has_mean_and_standard_deviation_of_those_that_finished() -> None:
    runs = [summary(40, loss=0.25), summary(None, seed=1), summary(60, loss=0.75, seed=2), summary(5, l2=0.5)]
    first, second = rows_of(seeds_table(results_table(runs)))
    assert (first["seeds"], first["finished"], first["diverged"], first["test_size"]) == (3, 2, 1, SIZE)
    assert (first["faults_mean"], first["faults_min"], first["faults_max"]) == (50, 40, 60)
    assert first["faults_sd"] == pytest.approx(200**0.5)  # 10^2 + 10^2, by n - 1 = 1
    assert first["accuracy_mean"] == pytest.approx(0.95)
    assert first["accuracy_sd"] == pytest.approx(200**0.5 / SIZE)
    assert (first["loss_mean"], first["loss_sd"]) == (0.5, pytest.approx(0.125**0.5))
    assert (second["l2"], second["seeds"], second["faults_mean"]) == (0.5, 1, 5)
    assert all(pd.isna(second[f"{figure}_sd"]) for figure in ("accuracy", "faults", "loss"))


def test_rows_over_seeds_differ_in_any_other_axis_and_stand_in_the_order_of_the_runs() -> None:
    assert tuple(axis for axis in AXES if axis != "seed") == SETTING_AXES
    runs = [summary(hidden_units=h, seed=s, train_size=t) for s in (1, 0) for h in (9, 3) for t in (None, 50)]
    table = seeds_table(results_table(runs))
    assert table["hidden_units"].tolist() == [9, 9, 3, 3]
    assert [None if pd.isna(size) else size for size in table["train_size"]] == [None, 50, None, 50]
    assert table["seeds"].tolist() == [2] * 4


@pytest.mark.parametrize("runs", [[], [summary(None)], [summary()], [summary(), summary(None, seed=1)]])
def test_a_table_over_seeds_is_written_and_read(runs: list[Summary], tmp_path: Path) -> None:
    table = seeds_table(results_table(runs))
    write_table(tmp_path / "seeds.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "seeds.csv", SEEDS_COLUMNS), table)
    assert seeds_markdown(table).startswith("| DATASET")
    assert count_seeds(table) in seeds_html(table)


def test_people_see_means_spreads_and_how_many_diverged() -> None:
    table = seeds_table(results_table([summary(40), summary(60, seed=1), summary(None, l2=0.1)]))
    head, _, first, second = seeds_markdown(table).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")][7:] for line in (head, first, second)]
    titles = "SEEDS|DIVERGED|MEAN PREC|SD PREC|MEAN FAULTS|SD FAULTS|FAULTS|MEAN LOSS|SD LOSS"
    assert cells == [
        titles.split("|"),
        ["2", "0", "95.00%", "1.41", "50.0", "14.1", "40 to 60", "0.50000", "0"],
        ["1", "1", *[""] * 7],
    ]
    assert count_seeds(table) == "2 runs with the seed taken out, 1 or 2 seeds each; 1 diverged."
    assert seeds_html(table).count('<tr class="marked">') == 1


# --- captions


def test_the_captions_state_the_methods_and_their_level() -> None:
    caption = " ".join((ROOT / "workflow/report/results.rst").read_text().split())
    percent = f"{100 * LEVEL:g} percent"
    for words in (f"{100 * (1 - LEVEL):g} % interval", "Wilson", "exact McNemar", "Holm", percent):
        assert words in caption
