"""The importance of axes: known functions, the direct computation of the definition, small samples, and the plot."""

import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories import grid, shown, summary
from figures import require_readable, save, titles, words
from handgrad.experiment.populations import FEWEST_SETTINGS, enough_settings
from handgrad.plots.importance import importance_of_axes
from handgrad.storage.run_reader import Summary
from handgrad.tables.importance import IMPORTANCE, importance_table
from handgrad.tables.ped_anova import BEST_FRACTION, groups_of, importance_of, membership
from handgrad.tables.results import results_table
from handgrad.tables.seeds import seeds_table


def uniform(n: int, axes: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(n).uniform(size=(n, axes))


def ranks_of(faults: Any) -> np.ndarray[Any, Any]:
    return np.unique(faults, return_inverse=True)[1].ravel()


def importance(x: Any, faults: Any) -> pd.DataFrame:
    """Return share, low, high and explained of each column of x."""
    return pd.DataFrame(vars(importance_of([groups_of(pd.Series(axis)) for axis in x.T], ranks_of(faults))))


def table_of(runs: list[Summary]) -> pd.DataFrame:
    return importance_table(seeds_table(results_table(runs)))


# --- the estimate


def direct(codes: Any, best: Any) -> float:
    """Return the fraction of the variance that an axis explains, as the paper defines it, without its expected excess.

    The excess is the mean over all orders of the settings, which removes every effect of the axis.
    """

    def divergence(best: Any) -> float:
        found = 0.0
        for value in set(codes):
            p = sum(code == value for code in codes) / len(codes)
            p_best = sum(b for code, b in zip(codes, best, strict=True) if code == value) / sum(best)
            found += p * (p_best / p - 1) ** 2
        gamma = sum(best) / len(best)
        return gamma**2 * found / np.var(best)

    return divergence(best) - float(np.mean([divergence(order) for order in set(itertools.permutations(best))]))


def test_the_estimate_is_the_definition_without_the_excess_of_chance() -> None:
    codes = [0, 0, 0, 1, 1, 1, 2, 2]
    best = membership(np.ones((1, 8)), np.array([0, 3, 1, 2, 2, 4, 5, 2]))[0]
    np.testing.assert_allclose(best, [1, 0, 1, 0, 0, 0, 0, 0])
    (found,) = importance_of([np.array(codes)], np.array([0, 3, 1, 2, 2, 4, 5, 2])).explained
    assert found == pytest.approx(direct(codes, best.tolist()))


def test_equal_settings_share_the_last_places_among_the_best() -> None:
    counts = np.array([[1.0] * 8, [0, 3, 1, 0, 1, 1, 1, 1]])
    best = membership(counts, np.array([1, 0, 1, 1, 2, 2, 3, 3]))
    np.testing.assert_allclose(best[0], [1 / 3, 1, 1 / 3, 1 / 3, 0, 0, 0, 0])
    np.testing.assert_allclose(best[1], [0, 2 / 3, 0, 0, 0, 0, 0, 0])  # three copies of one setting
    np.testing.assert_allclose((counts * best).sum(axis=1), BEST_FRACTION * 8)


def test_an_axis_that_decides_alone_has_all_the_importance() -> None:
    x = uniform(400)
    one, *others = importance(x, (x[:, 0] - 0.4) ** 2).itertuples()
    assert one.share > 0.95
    assert one.explained > 0.7
    assert one.low > 0.85
    assert one.high > 0.999  # resampling must not lower it
    for other in others:
        assert other.low == 0
        assert other.high < 0.15


def test_of_two_axes_the_one_with_the_larger_effect_is_more_important() -> None:
    x = uniform(400)
    found = importance(x, 2 * x[:, 0] + x[:, 1])
    assert found["share"].iloc[0] > 2 * found["share"].iloc[1] > 10 * found["share"].iloc[2]
    assert found["low"].iloc[0] > found["high"].iloc[1] > found["low"].iloc[1] > 0 == found["low"].iloc[2]
    np.testing.assert_allclose(found["share"].sum(), 1)
    equal = importance(x, x[:, 0] + x[:, 1])
    assert abs(equal["share"].iloc[0] - equal["share"].iloc[1]) < 0.15


def test_if_no_axis_has_an_effect_nothing_is_explained_and_intervals_say_so() -> None:
    explained = [importance(uniform(n), uniform(n + 1000)[:n, 2]) for n in range(40, 80, 2)]
    found = pd.concat(explained)
    assert found["explained"].mean() < 0.05  # about 0.17 if chance were not subtracted
    assert (found["low"] == 0).mean() > 0.95


def test_the_scale_of_an_axis_does_not_matter() -> None:
    x, faults = 10 ** (4 * uniform(60) - 4), uniform(60)[:, 0]
    pd.testing.assert_frame_equal(importance(x, faults), importance(np.log10(x), faults))


def test_each_value_of_a_short_list_is_a_group_and_others_share_groups_of_equal_size() -> None:
    assert groups_of(pd.Series([0.1, 0.01, 0.001] * 3)).tolist() == [0, 1, 2] * 3
    assert groups_of(pd.Series(["tanh", "cos"] * 4)).tolist() == [0, 1] * 4
    assert groups_of(pd.Series([None, 100, None, 200, 100, 200], dtype="Int64")).tolist() == [0, 1, 0, 2, 1, 2]
    assert np.bincount(groups_of(pd.Series(uniform(100)[:, 0]))).tolist() == [10] * 10
    all_examples, *others = groups_of(pd.Series([None, *range(100, 800, 100)], dtype="Int64"))
    assert [group == all_examples for group in others] == [False] * 6 + [True]


# --- the table


def test_a_table_has_a_row_for_each_axis_that_varies_and_names_its_split() -> None:
    axes = {"learning_rate": [0.1, 0.01, 0.001], "hidden_units": [5, 9], "l2": [0.1, 0.2, 0.3]}
    held_out = [
        summary(99, validation_faults=one.faults, **{**vars(one.run), "dataset": "mnist", "validation_size": 1000})
        for one in grid(100, **axes, seed=[0, 1])
    ]
    table = table_of([*grid(**axes), *held_out])
    assert table["dataset"].tolist() == ["digits"] * 3 + ["mnist"] * 3
    assert table["axis"].tolist() == ["learning_rate", "hidden_units", "l2"] * 2  # the most important axis first
    assert table["chosen_on"].tolist() == ["test"] * 3 + ["validation"] * 3
    assert set(table["settings"]) == {18}  # seeds are not settings
    assert table["importance"].iloc[[0, 3]].min() > 0.9


def test_settings_with_a_diverged_seed_rank_after_all_others() -> None:
    axes = {"learning_rate": [0.1, 0.01, 0.001, 0.0001], "hidden_units": [5, 6, 7, 8]}
    good = grid(500, **axes)  # without the second seeds, the learning rate alone would decide
    seeds = [summary(None if run.run.hidden_units > 5 else 900, **{**vars(run.run), "seed": 1}) for run in good]
    first, other = table_of([*good, *seeds]).itertuples()
    assert (first.axis, first.importance, first.explained) == ("hidden_units", 1, 1 - 3 / 15)
    assert other.importance == 0


SMALL: dict[str, tuple[list[Summary], int]] = {
    "no runs": ([], 0),
    "too few settings": (grid(l2=[0.1, 0.2], hidden_units=[1, 2, 3]), 0),
    "one axis": (grid(l2=[i / 10 for i in range(9)]), 0),
    "seeds alone": (grid(seed=list(range(9))), 0),
    "every run diverged": ([summary(None, l2=i / 9, hidden_units=i + 1) for i in range(9)], 0),
    "one finished run": ([summary(None if i else 9, l2=i % 3 / 9, hidden_units=i + 1) for i in range(9)], 2),
    "all equal": ([summary(200, l2=i % 3 / 9, hidden_units=i // 3 + 1) for i in range(9)], 2),
    "each value once": ([summary(i, l2=i / 9, hidden_units=i + 1) for i in range(9)], 2),
    "twelve settings": (grid(l2=[0.1, 0.2, 0.3], hidden_units=[1, 2], activation=["tanh", "cos"]), 3),
}


@pytest.mark.parametrize(("runs", "rows"), SMALL.values(), ids=SMALL.keys())
def test_small_samples_give_finite_rows_or_none(runs: list[Summary], rows: int) -> None:
    table = table_of(runs)
    assert len(table) == rows
    numbers = table[["low", "importance", "high", "explained"]].to_numpy(float)
    assert np.isfinite(numbers).all()
    assert ((numbers >= 0) & (numbers <= 1)).all()
    assert (np.diff(numbers[:, :3]) >= 0).all()
    assert IMPORTANCE.lines(table)


def test_without_an_effect_the_importance_is_zero_and_the_line_says_so() -> None:
    table = table_of(SMALL["all equal"][0])
    assert table[["importance", "low", "high", "explained"]].to_numpy().tolist() == [[0] * 4] * 2
    assert "no axis alone has a measurable effect" in IMPORTANCE.lines(table)[0]


def test_people_see_percent() -> None:
    first = shown(IMPORTANCE, table_of(grid(learning_rate=[0.1, 0.01, 0.001, 1.0], hidden_units=[5, 6, 7, 8])))[0]
    assert first == {
        **{"DATASET": "digits", "AXIS": "learning_rate", "IMPORTANCE": "100%", "95% INTERVAL": first["95% INTERVAL"]},
        **{"EXPLAINED": "80.0%", "SETTINGS": "16"},
    }


def test_thousands_of_settings_take_a_moment() -> None:
    x = uniform(2000, 8)
    start = time.process_time()
    importance(x, x[:, 0])
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("axes", "enough"),
    [
        ({"l2": [0.1, 0.2], "hidden_units": list(range(1, FEWEST_SETTINGS // 2 + 1))}, True),
        ({"l2": [0.1, 0.2], "hidden_units": list(range(1, FEWEST_SETTINGS // 2))}, False),
        ({"l2": [i / 9 for i in range(FEWEST_SETTINGS)]}, False),
        ({"l2": [0.1, 0.2], "seed": list(range(9))}, False),
        ({"dataset": ["digits", "mnist"], "l2": [0.1, 0.2], "hidden_units": [1, 2]}, False),
    ],
)
def test_an_experiment_has_the_table_if_a_dataset_has_enough_settings(axes: dict[str, list[Any]], enough: bool) -> None:
    runs = grid(**axes)
    assert enough_settings(one.run for one in runs) is enough
    assert (len(table_of(runs)) > 0) is enough


# --- the plot


def test_the_plot_has_a_line_for_each_axis_with_its_interval(tmp_path: Path) -> None:
    axes = {"learning_rate": [0.1, 0.01, 0.001], "hidden_units": [5, 9, 12], "l2": [0.1, 0.2]}
    table = table_of([*grid(**axes), *grid(**axes, dataset=["d" * 64])])
    figure = importance_of_axes(table)
    require_readable(figure)
    save(figure, tmp_path / "importance.svg")
    assert [title.splitlines()[0] for title in titles(figure)] == ["digits", "d" * 64]
    rows = table[table["dataset"] == "digits"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == rows["axis"].tolist()
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), 100 * rows["importance"])
    bars = [path.vertices[:, 0].tolist() for path in figure.axes[0].collections[0].get_paths()]
    np.testing.assert_allclose(bars, 100 * rows[["low", "high"]])


def test_a_plot_without_a_finished_run_says_so() -> None:
    assert words(importance_of_axes(IMPORTANCE.typed([]))) == ["No run finished"]
