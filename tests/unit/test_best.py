"""Which run and which setting is the best, and the table of the best published row and our best setting."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import binomtest

from factories import RUN, grid, read_table, summary
from handgrad.experiment.published import SETTINGS
from handgrad.plots.best import best_accuracies
from handgrad.plots.style import save_figure
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import (
    BEST_COLUMNS,
    PUBLISHED_COLUMNS,
    PUBLISHED_RULE,
    best_columns,
    best_html,
    best_lines,
    best_markdown,
    best_table,
)
from handgrad.tables.results import results_table
from handgrad.tables.seeds import seeds_table
from handgrad.tables.selection import best_run, best_settings, chosen_on, how_chosen, how_settings_chosen
from handgrad.tables.statistics import LEVEL
from handgrad.tables.table import rows_of, typed, write_table

ROOT = Path(__file__).parents[2]


def held_out(faults: int | None, validation_faults: int, **axes: Any) -> Summary:
    return summary(faults, validation_faults=validation_faults, **{"validation_size": 1000, **axes})


def published(faults: int = 250, **values: Any) -> dict[str, Any]:
    return {**{name: getattr(RUN, name) for name in SETTINGS}, "faults": faults, "test_size": 10000, **values}


def table_of(runs: list[Summary], theirs: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    return best_table(seeds_table(results_table(runs)), None if theirs is None else typed(theirs, PUBLISHED_COLUMNS))


def rows_for(table: pd.DataFrame, best_of: str) -> list[dict[str, Any]]:
    return rows_of(table[table["best_of"] == best_of])


def chosen(*runs: Summary) -> dict[str, Any]:
    """The one network of these runs."""
    (row,) = rows_for(table_of(list(runs)), "network")
    return row


def shown(table: pd.DataFrame) -> list[dict[str, str]]:
    """The cells of each row by the titles of their columns."""
    return pd.DataFrame({column.title: column.texts for column in best_columns(table)}).to_dict("records")


# --- which run is the best


def test_the_best_run_has_the_fewest_faults_of_its_dataset() -> None:
    faults = [(None, 9), (300, 0), (200, 1), (200, 2)]
    runs = [*(summary(count, seed=seed) for count, seed in faults), summary(100, dataset="mnist")]
    table = results_table(runs)
    found = [best_run(table, "digits", seed) for seed in (None, 0, 9)]
    assert [row and row["run"] for row in found] == [runs[2].run.name, runs[1].run.name, None]
    assert chosen_on(table, "digits") == "test"
    assert best_run(results_table(runs[:1]), "digits") is None


def test_the_best_run_is_chosen_on_the_validation_split_where_all_have_one() -> None:
    # 3 of 100 are more than 5 of 200
    runs = [held_out(60, 5, validation_size=200), held_out(40, 3, validation_size=100), held_out(None, 0)]
    for extra, split, faults in (([], "validation", 60), ([summary(50)], "test", 40)):
        table = results_table([*runs, *extra])
        best = best_run(table, "digits")
        assert (chosen_on(table, "digits"), best and best["faults"]) == (split, faults)


def test_the_words_say_what_was_chosen_on_which_split() -> None:
    validation, test = "on the validation split (digits)", "on the test set (mnist, cifar10), so"
    runs = [held_out(60, 5), summary(dataset="mnist"), summary(dataset="cifar10")]
    splits = {"digits": "validation", "mnist": "test", "cifar10": "test"}
    for text in (how_chosen(results_table(runs)), how_settings_chosen(splits)):
        assert validation in text
        assert test in text
    assert "test" not in how_chosen(results_table(runs[:1]))
    assert how_chosen(results_table([])) == how_settings_chosen({}) == ""


# --- which setting is the best


def test_the_best_setting_has_the_fewest_validation_faults_in_the_mean() -> None:
    row = chosen(
        held_out(100, 30),
        held_out(100, 10, seed=1),  # the best seed of all, in the second best setting
        held_out(300, 18, l2=0.1),
        held_out(320, 20, l2=0.1, seed=1),
    )
    assert (row["l2"], row["chosen_on"], row["validation_faults_mean"]) == (0.1, "validation", 19)
    assert (row["settings"], row["seeds"], row["faults_mean"]) == (2, 2, 310)
    # as a fraction of their split
    assert chosen(held_out(200, 5), held_out(200, 8, validation_size=2000))["validation_size"] == 2000


@pytest.mark.parametrize(
    ("other", "l2", "split"), [({"hidden_units": 200}, 0.01, "test"), ({"dataset": "mnist"}, 0.1, "validation")]
)
def test_a_run_without_validation_makes_its_dataset_choose_by_the_test_set(
    other: dict[str, Any], l2: float, split: str
) -> None:
    runs = [held_out(100, 30), held_out(300, 18, l2=0.1), summary(500, **other)]
    row = rows_for(table_of(runs), "network")[0]
    assert (row["l2"], row["chosen_on"]) == (l2, split)


@pytest.mark.parametrize("first", [0.01, 0.1])
@pytest.mark.parametrize("axes", [{}, {"validation_size": 1000}])
def test_the_first_of_equals_is_the_best(first: float, axes: dict[str, Any]) -> None:
    runs = [(200, first, 0), (200, 0.5, 0), (199, 0.7, 0), (201, 0.7, 1)]  # 200 in the mean too
    assert chosen(*(summary(f, l2=l2, seed=s, validation_faults=f, **axes) for f, l2, s in runs))["l2"] == first


def test_a_setting_with_a_diverged_seed_is_chosen_only_where_all_have_one() -> None:
    broken = [summary(100), summary(None, seed=1)]
    assert chosen(*broken, *grid(300, l2=[0.1], seed=[0, 1]))["l2"] == 0.1
    row = chosen(*broken, summary(400, l2=0.1), summary(None, l2=0.1, seed=1))
    assert (row["l2"], row["seeds"], row["finished"], row["diverged"]) == (0.01, 2, 1, 1)
    assert shown(table_of(broken))[0]["SEEDS"] == "2, 1 diverged"


def test_the_best_settings_of_any_grouping_are_the_best_of_each_group() -> None:
    seeds = seeds_table(results_table(grid(l2=[0.0, 0.1, 0.2], hidden_units=[9, 3])))
    best = best_settings(seeds, ("dataset", "hidden_units"))
    assert sorted(zip(best["hidden_units"], best["l2"], strict=True)) == [(3, 0.0), (9, 0.0)]
    assert len(best_settings(seeds, ("dataset",))) == 1


# --- the two sides


def test_the_published_side_is_the_best_row_of_the_same_network() -> None:
    theirs = [
        published(300, l2=0.1),
        published(250, learning_rate=0.01, batch_size=70, epochs=5),
        published(250, l2=0.5),
        published(10, activation="cos"),
        published(20, hidden_units=200),
        published(1, dataset="cifar10"),
    ]
    (row,) = rows_for(table_of([summary(200)], theirs), "network")
    expected = {"activation": "tanh", "hidden_units": 5, "learning_rate": 0.01, "l2": 0.01, "batch_size": 70}
    expected |= {"epochs": 5, "faults": 250, "test_size": 10000, "accuracy": 0.975}
    assert {name: row[f"published_{name}"] for name in expected} == expected
    assert row["difference_points"] == pytest.approx(0.5)


def test_at_the_end_is_the_best_of_each_dataset_of_both_sides() -> None:
    theirs = [published(250), published(240, activation="cos", hidden_units=300)]
    runs = [summary(230), summary(220, hidden_units=200), summary(400, dataset="mnist")]
    table = table_of(runs, theirs)
    assert table["best_of"].tolist() == ["network"] * 3 + ["dataset"] * 2
    digits, mnist = shown(table)[3:]
    assert (digits["DATASET"], digits["AF"], digits["HU"]) == ("digits: best of all", "cos / tanh", "300 / 200")
    assert (digits["SETTINGS"], digits["DIFFERENCE"]) == ("2", "+0.20")
    assert (mnist["MEAN PREC"], mnist["PUB PREC"], mnist["DIFFERENCE"]) == ("96.00%", "", "")
    assert best_html(table).count('<tr class="marked">') == 2


def test_rows_are_ordered_by_dataset_activation_and_size() -> None:
    table = table_of(grid(hidden_units=[300, 20, 100], activation=["tanh", "cos"], dataset=["mnist", "digits"]))
    networks = table[table["best_of"] == "network"]
    assert networks["hidden_units"].tolist() == [20, 100, 300] * 4
    assert networks["activation"].tolist() == (["tanh"] * 3 + ["cos"] * 3) * 2
    assert networks["dataset"].tolist() == ["mnist"] * 6 + ["digits"] * 6


def test_without_a_published_row_there_is_one_side() -> None:
    first, second, _ = shown(table_of([summary(), summary(hidden_units=700)], [published()]))
    assert (first["PUB FAULTS"], first["PUB PREC"]) == ("250", "97.50%")
    assert {second[name] for name in second if name.startswith("PUB ") or name == "DIFFERENCE"} == {""}
    for theirs in (None, [], [published(dataset="cifar10")]):
        table = table_of([summary()], theirs)
        assert not any(title.startswith("PUB") or title == "DIFFERENCE" for title in shown(table)[0])
        assert PUBLISHED_RULE not in best_markdown(table)


def test_seeds_have_mean_range_and_an_interval_counting_each_image_once() -> None:
    runs = [summary(faults, seed=seed) for seed, faults in enumerate((150, 200, 250))]
    first, alone, _ = shown(table_of([*runs, summary(50, size=1000, hidden_units=9)]))
    interval = binomtest(9800, 10000).proportion_ci(0.95, method="wilson")
    assert (first["MEAN PREC"], first["OVER SEEDS"]) == ("98.00%", "97.50 to 98.50")
    assert first["95% INTERVAL"] == f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"
    assert (alone["OVER SEEDS"], alone["95% INTERVAL"], alone["SEEDS"]) == ("", "93.47 to 96.19", "1")


def test_a_network_of_which_every_run_diverged_says_so() -> None:
    runs = [summary(None), summary(None, l2=0.1), summary(None, seed=1), summary(200, activation="cos")]
    table = table_of(runs, [published()])
    tanh, cos, _ = shown(table)
    assert (tanh["MEAN PREC"], tanh["SETTINGS"], cos["MEAN PREC"]) == ("all diverged", "2", "98.00%")
    assert (tanh["PUB FAULTS"], *(tanh[name] for name in ("OUR LR", "95% INTERVAL", "DIFFERENCE"))) == (
        "250",
        "",
        "",
        "",
    )
    assert table["status"].tolist() == ["diverged", "finished", "finished"]
    assert "all of ours diverged (2 settings)" in best_lines(table_of(runs[:3]))[0]


# --- in words


def test_the_lines_say_the_best_how_it_was_chosen_and_what_is_the_same() -> None:
    runs = [held_out(200, 9, momentum=0.9, seed=seed, l2=l2) for seed in (0, 1) for l2 in (0.1, 0.2)]
    ours = "98.00% ours (tanh, 5 hidden units, mean of 2 seeds; 95 % interval 97.71 to 98.26)"
    assert best_lines(table_of(runs, [published()])) == [
        f"digits: 97.50% published (tanh, 5 hidden units), {ours}, +0.50 points.",
        how_settings_chosen({"digits": "validation"}),
        PUBLISHED_RULE,
        "Published, throughout: batch size 50, epochs 2.",
        "Ours, throughout: batch size 50, epochs 2, momentum 0.9, validation size 1000.",
    ]


def test_axes_that_differ_have_a_column_and_are_not_the_same_throughout() -> None:
    table = table_of(
        [summary(momentum=0.9), summary(activation="cos", epochs=7), summary(None, activation="softplus")],
        [published(), published(activation="cos", batch_size=7)],
    )
    first, second, diverged, _ = shown(table)
    assert [row["OUR MOMENTUM"] for row in (first, second, diverged)] == ["0.9", "0", ""]
    assert [(row["OUR EP"], row["PUB BS"]) for row in (first, second)] == [("2", "50"), ("7", "7")]
    assert "Ours, throughout: batch size 50." in best_lines(table)
    assert "OUR PIXELS" not in first


ODD: dict[str, tuple[list[Summary], list[dict[str, Any]] | None]] = {
    "no run": ([], [published()]),
    "one run": ([summary()], None),
    "one run, published": ([summary()], [published()]),
    "only diverged": ([summary(None), summary(None, seed=1)], [published()]),
    "validation": ([held_out(200, 9)], [published(activation="cos")]),
    "awkward labels": ([summary(dataset="$x_1$"), summary(dataset="<b>|& c", activation="a_b")], None),
    "a thousand networks": (grid(100, hidden_units=list(range(10, 1010))), [published()]),
}


@pytest.mark.parametrize(("runs", "theirs"), ODD.values(), ids=ODD.keys())
def test_odd_cases_are_written_read_shown_and_drawn(
    runs: list[Summary], theirs: list[dict[str, Any]] | None, tmp_path: Path
) -> None:
    table = table_of(runs, theirs)
    assert tuple(table) == BEST_COLUMNS
    write_table(tmp_path / "best.csv", table)
    again = read_table(tmp_path / "best.csv", BEST_COLUMNS)
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert best_html(table).count("<tr") == len(table) + 1
    assert "<b>" not in best_html(table)
    save_figure(tmp_path / "best.svg", best_accuracies(again))
    ET.parse(tmp_path / "best.svg")  # noqa: S314, it is our own


@pytest.mark.parametrize("name", ["best", "best_figure"])
def test_the_captions_name_the_interval_of_the_table(name: str) -> None:
    assert f"{100 * (1 - LEVEL):g} % interval" in " ".join((ROOT / f"workflow/report/{name}.rst").read_text().split())
