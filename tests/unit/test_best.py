"""The selection of the best run and the best setting, and the table of the best published row and our best setting."""

from typing import Any

import pandas as pd
import pytest
from scipy.stats import binomtest

from factories import grid, published, shown, summary
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import BEST, PUBLISHED_RULE, best_table
from handgrad.tables.best_runs import best_runs
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.seeds import seeds_table
from handgrad.tables.selection import best_settings
from handgrad.tables.table import rows_of


def held_out(faults: int | None, validation_faults: int, **axes: Any) -> Summary:
    return summary(faults, validation_faults=validation_faults, **{"validation_size": 1000, **axes})


def table_of(runs: list[Summary], *theirs: dict[str, Any]) -> pd.DataFrame:
    return best_table(seeds_table(results_table(runs)), published(*theirs))


def networks(runs: list[Summary], *theirs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of networks in the table of these runs."""
    table = table_of(runs, *theirs)
    return rows_of(table[table["best_of"] == "network"])


# --- the best run


@pytest.mark.parametrize(
    ("runs", "split", "faults"),
    [
        ([summary(None, seed=9), summary(300), summary(200, seed=1), summary(200, seed=2)], "test", 200),
        # 3 of 100 are more than 5 of 200
        ([held_out(60, 5, validation_size=200), held_out(40, 3, validation_size=100)], "validation", 60),
        ([held_out(60, 5, validation_size=200), held_out(40, 3, validation_size=100), summary(50)], "test", 40),
    ],
)
def test_the_best_run_has_the_fewest_faults_on_the_split_that_all_have(
    runs: list[Summary], split: str, faults: int
) -> None:
    best, other = rows_of(best_runs(results_table([*runs, summary(10, dataset="mnist"), summary(dataset="mnist")])))
    first = next(run for run in runs if run.faults == faults)  # the first of equal runs
    assert (best["run"], best["chosen_on"], best["faults"]) == (first.run.name, split, faults)
    assert (other["dataset"], other["chosen_on"], other["faults"]) == ("mnist", "test", 10)


# --- the best setting


def test_the_best_setting_has_the_fewest_validation_faults_in_the_mean() -> None:
    (row,) = networks(
        [
            held_out(100, 30),
            held_out(100, 10, seed=1),  # the best run, but in the second-best setting
            held_out(300, 18, l2=0.1),
            held_out(320, 20, l2=0.1, seed=1),
        ]
    )
    assert (row["l2"], row["chosen_on"], row["validation_faults_mean"]) == (0.1, "validation", 19)
    assert (row["settings"], row["seeds"], row["faults_mean"]) == (2, 2, 310)
    # faults are compared as fractions of their split
    (row,) = networks([held_out(200, 5), held_out(200, 8, validation_size=2000)])
    assert row["validation_size"] == 2000


@pytest.mark.parametrize(
    ("other", "l2", "split"), [({"hidden_units": 200}, 0.01, "test"), ({"dataset": "mnist"}, 0.1, "validation")]
)
def test_a_run_without_validation_makes_its_dataset_choose_by_the_test_set(
    other: dict[str, Any], l2: float, split: str
) -> None:
    row = networks([held_out(100, 30), held_out(300, 18, l2=0.1), summary(500, **other)])[0]
    assert (row["l2"], row["chosen_on"]) == (l2, split)


@pytest.mark.parametrize("first", [0.01, 0.1])
@pytest.mark.parametrize("axes", [{}, {"validation_size": 1000}])
def test_the_first_of_equals_is_the_best(first: float, axes: dict[str, Any]) -> None:
    runs = [(200, first, 0), (200, 0.5, 0), (199, 0.7, 0), (201, 0.7, 1)]  # the last two also have the mean 200
    (row,) = networks([summary(f, l2=l2, seed=s, validation_faults=f, **axes) for f, l2, s in runs])
    assert row["l2"] == first


def test_a_setting_with_a_diverged_seed_is_chosen_only_where_all_have_one() -> None:
    broken = [summary(100), summary(None, seed=1)]
    assert networks([*broken, *grid(300, l2=[0.1], seed=[0, 1])])[0]["l2"] == 0.1
    (row,) = networks([*broken, summary(400, l2=0.1), summary(None, l2=0.1, seed=1)])
    assert (row["l2"], row["seeds"], row["finished"], row["diverged"]) == (0.01, 2, 1, 1)


@pytest.mark.parametrize(
    ("better", "finalists", "l2"),
    [
        (held_out(100, 10, l2=0.1), [held_out(100, 30, seed=1)], 0.01),
        (held_out(100, 10, l2=0.1), [], 0.1),
        (held_out(100, 10, l2=0.1), [held_out(100, 10, l2=0.1, seed=1), held_out(100, 30, seed=1)], 0.1),
        (held_out(100, 10, l2=0.1), [held_out(None, 0, seed=1)], 0.1),  # a finalist diverged
        (held_out(100, 10, l2=0.1, dataset="mnist"), [held_out(100, 30, dataset="mnist", seed=1)], 0.01),
    ],
    ids=["other", "none", "both", "diverged", "another network"],
)
def test_one_of_the_finalists_is_the_best_if_there_are_any(
    better: Summary, finalists: list[Summary], l2: float
) -> None:
    runs = [held_out(100, 20), better, *finalists]
    seeds = seeds_table(results_table(runs, finalists={one.run for one in finalists}))
    best = best_settings(seeds, ["dataset"])
    assert best.iloc[0]["l2"] == l2
    assert set(best["dataset"]) == {one.run.dataset for one in runs}


# --- published and our columns


def test_the_published_side_is_the_best_row_of_the_same_network() -> None:
    (row,) = networks(
        [summary(200)],
        {"faults": 300, "l2": 0.1},
        {"faults": 250, "learning_rate": 0.01, "batch_size": 70, "epochs": 5},
        {"faults": 250, "l2": 0.5},
        {"faults": 10, "activation": "cos"},
        {"faults": 20, "hidden_units": 200},
        {"faults": 1, "dataset": "cifar10"},
    )
    expected = {"activation": "tanh", "hidden_units": 5, "learning_rate": 0.01, "l2": 0.01, "batch_size": 70}
    expected |= {"epochs": 5, "faults": 250, "test_size": 10000, "accuracy": 0.975}
    assert {name: row[f"published_{name}"] for name in expected} == expected
    assert row["difference_points"] == pytest.approx(0.5)


def test_at_the_end_is_the_best_of_each_dataset_of_both_sides() -> None:
    runs = [summary(230), summary(220, hidden_units=200), summary(400, dataset="mnist")]
    table = table_of(runs, {"faults": 250}, {"faults": 240, "activation": "cos", "hidden_units": 300})
    assert table["best_of"].tolist() == ["network"] * 3 + ["dataset"] * 2
    digits, mnist = shown(BEST, table)[3:]
    assert (digits["DATASET"], digits["AF"], digits["HU"]) == ("digits: best of all", "cos / tanh", "300 / 200")
    assert (digits["SETTINGS"], digits["DIFFERENCE"]) == ("2", "+0.20")
    assert (mnist["MEAN PREC"], mnist["PUB PREC"], mnist["DIFFERENCE"]) == ("96.00%", "", "")
    assert BEST.texts(table)["html"].count('<tr class="marked">') == 2


def test_rows_are_ordered_by_dataset_activation_and_size() -> None:
    rows = networks(grid(hidden_units=[300, 20, 100], activation=["tanh", "cos"], dataset=["mnist", "digits"]))
    assert [row["hidden_units"] for row in rows] == [20, 100, 300] * 4
    assert [row["activation"] for row in rows] == (["tanh"] * 3 + ["cos"] * 3) * 2
    assert [row["dataset"] for row in rows] == ["mnist"] * 6 + ["digits"] * 6


def test_without_a_published_row_there_is_one_side() -> None:
    first, second, _ = shown(BEST, table_of([summary(), summary(hidden_units=700)], {"faults": 250}))
    assert (first["PUB FAULTS"], first["PUB PREC"]) == ("250", "97.50%")
    assert {second[name] for name in second if name.startswith("PUB ") or name == "DIFFERENCE"} == {""}
    for theirs in ([], [{"dataset": "cifar10"}]):
        table = table_of([summary()], *theirs)
        assert not any(title.startswith("PUB") or title == "DIFFERENCE" for title in shown(BEST, table)[0])
        assert PUBLISHED_RULE not in BEST.lines(table)


def test_seeds_share_an_interval_that_counts_each_image_once() -> None:
    (row,) = networks([summary(faults, seed=seed) for seed, faults in enumerate((150, 200, 250))])
    interval = binomtest(9800, 10000).proportion_ci(0.95, method="wilson")
    assert (row["accuracy_low"], row["accuracy_high"]) == pytest.approx((interval.low, interval.high))
    assert (row["accuracy_min"], row["accuracy_mean"], row["accuracy_max"]) == (0.975, 0.98, 0.985)


# --- lines above the table


def test_the_lines_say_the_best_and_on_which_split_it_was_chosen() -> None:
    runs = [held_out(200, 9, seed=seed, l2=l2) for seed in (0, 1) for l2 in (0.1, 0.2)]
    runs += [summary(dataset="mnist", l2=l2) for l2 in (0.1, 0.2)]
    ours = "98.00% ours (tanh, 5 hidden units, 2 seeds; 95% interval 97.71 to 98.26)"
    lines = BEST.lines(table_of([*runs, summary(None, dataset="a")], {"faults": 250}))
    assert lines[0] == f"digits: 97.50% published (tanh, 5 hidden units), {ours}, +0.50 points."
    assert lines[2] == "a: all of ours diverged (1 setting)."
    for said in (lines[3], *RESULTS.lines(results_table(runs))[1:]):
        assert "on the validation split (digits)" in said
        assert "on the test set (mnist), so" in said
    assert lines[4:] == [PUBLISHED_RULE]
    assert not any("optimistic" in line for line in RESULTS.lines(results_table([summary()])))  # nothing was chosen
