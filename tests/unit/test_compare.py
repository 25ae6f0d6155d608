"""The comparison of two experiments: axes, equal runs, paired differences with intervals, and the command."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from factories import USE, Handgrad, image_data, run_of
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import open_data, write_data
from handgrad.layout import paths
from handgrad.page.comparison import comparison_page
from handgrad.page.verdict import verdict
from handgrad.storage.run_reader import Summary, read_summary
from handgrad.storage.run_writer import this_segment, write_run
from handgrad.tables.divergence import FIGURES, Sides, divergence
from handgrad.tables.experiment_comparison import DatasetComparison, compare_experiments
from handgrad.tables.paired_differences import Difference, difference, matches
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.stored_results import StoredResults, read_results
from handgrad.tables.stored_results import test_labels as labels_of
from handgrad.training.loop import train

SIZE = 400
LABELS = np.zeros(SIZE, np.uint8)
MACHINE = {"cpu": "a", "python": "3", "numpy": "2", "blas": "b"}


def result(wrong: int | Sequence[int] | None = 40, *, content: str = "", seal: str = "", **axes: Any) -> Summary:
    """Return a run that misclassifies these of SIZE test examples, or this number of the first. None: it diverged."""
    run, predictions = run_of(**axes), LABELS.copy()
    predictions[list(range(wrong or 0) if wrong is None or isinstance(wrong, int) else wrong)] = 1
    history = {name: np.linspace(0.5, 0.1, run.epochs) for name in FIGURES}
    made = {"code_digest": "code", "data_content": "data", "segments": json.dumps([MACHINE])}
    ended = ("diverged", None, None) if wrong is None else ("finished", int(predictions.sum()), predictions)
    status, faults, found = ended
    content = content or run.name
    path = paths.run_file(run.dataset, run.name)
    return Summary(run, status, SIZE, faults, 0.5, 1.0, history, content, made, found, seal or content, path)


def grid(wrong: int = 40, **axes: list[Any]) -> list[Summary]:
    """Return a run for each combination of these values."""
    return [result(wrong, **dict(zip(axes, point, strict=True))) for point in product(*axes.values())]


def compared(a: list[Summary], b: list[Summary]) -> DatasetComparison:
    sides = (StoredResults(name, Path(), tuple(runs)) for name, runs in (("a", a), ("b", b)))
    (found,) = compare_experiments(*sides, {"digits": LABELS}).compared
    return found


def paired(a: list[Summary], b: list[Summary], *differing: str) -> Difference:
    found = difference(matches(a, b, differing), LABELS)
    assert found
    return found


# --- axes and runs in common


def test_values_that_one_experiment_alone_has_are_named() -> None:
    found = compared(grid(l2=[0.1, 0.0], train_size=[None, 9]), grid(l2=[0.3, 0.1], momentum=[0.9], train_size=[None]))
    axes = {one.axis: (one.only_a, one.only_b, one.both) for one in found.axes}
    assert axes == {
        "l2": ([0.0], [0.3], [0.1]),
        "momentum": ([0.0], [0.9], []),
        "train_size": ([9], [], [None]),
    }


def test_runs_in_common_are_equal_if_their_content_is() -> None:
    a = [result(seed=0), result(seed=1), result(seed=2)]
    b = [result(seed=1, seal="computed again"), result(seed=2, content="other"), result(seed=3)]
    found = compared(a, b)
    assert (found.common, found.equal, found.same_files) == (2, 1, 0)
    assert [one.run for one in found.unequal] == [run_of(seed=2).name]
    assert found.same_runs
    assert found.same_runs.matches == 2
    found = compared(a, a)
    assert (found.equal, found.same_files, found.same_runs) == (3, 3, None)


def with_history(summary: Summary, **figures: list[float]) -> Summary:
    return replace(summary, history=summary.history | {name: np.array(values) for name, values in figures.items()})


@pytest.mark.parametrize(
    ("a", "b", "epoch", "figures", "largest"),
    [
        ({}, {}, None, [], None),
        ({"penalty": [1, 2, 3]}, {"penalty": [1, 2.5, 6]}, 2, ["penalty"], ("penalty", 0.5)),
        ({"validation_loss": [np.nan] * 3}, {"validation_loss": [np.nan] * 3}, None, [], None),
        ({"test_loss": [1, 2, 3]}, {"test_loss": [1, np.nan, np.inf]}, 2, ["test_loss"], None),
        (
            {"test_faults": [9, 9, 9], "data_term": [-5, -4, -2]},
            {"test_faults": [9, 9, 8], "data_term": [-5, -3, -2]},
            2,
            ["data_term"],
            ("test_faults", 1 / 9),
        ),
    ],
)
def test_the_first_epoch_with_a_different_figure_is_found(
    a: dict[str, list[float]], b: dict[str, list[float]], epoch: int | None, figures: list[str], largest: Any
) -> None:
    found = divergence(with_history(result(epochs=3), **a), with_history(result(epochs=3), **b))
    assert (found.epoch, found.figures) == (epoch, figures)
    assert (found.largest, found.relative) == ((largest and (largest[0], pytest.approx(largest[1]))) or (None, None))


def test_a_history_that_ends_earlier_differs_from_the_next_epoch_on() -> None:
    whole, ended = result(epochs=3), result(None, epochs=3)
    short = {name: values[:2] for name, values in ended.history.items()}
    found = divergence(whole, replace(ended, history=short))
    assert (found.epoch, found.figures, found.status) == (3, list(FIGURES), Sides("finished", "diverged"))


def test_the_possible_causes_of_a_difference_are_code_data_and_machine() -> None:
    def made(**changes: str) -> Summary:
        return replace(result(), attributes=result().attributes | changes)

    other_blas = json.dumps([MACHINE, MACHINE | {"blas": "c"}])
    assert divergence(made(), made()).causes == []
    assert divergence(made(), made(code_digest="new", segments=other_blas)).causes == ["code", "machine"]
    assert divergence(made(), made(data_content="new")).causes == ["data"]


# --- which runs are paired


@pytest.mark.parametrize(
    ("a", "b", "axes", "pairs", "runs"),
    [
        # one axis has another value: each setting and seed is a pair
        ({"l2": [0, 1], "seed": [0, 1]}, {"l2": [0, 1], "seed": [0, 1], "momentum": [0.9]}, ["momentum"], 4, 8),
        # pairs agree in l2 although its values differ, because they have one in common
        ({"l2": [0, 1]}, {"l2": [1, 2], "momentum": [0.9]}, ["momentum"], 1, 2),
        # without common values, the mean over all values is compared
        ({"l2": [0, 1], "epochs": [2, 3]}, {"l2": [2, 3, 4], "epochs": [2, 3]}, ["l2"], 2, 10),
        # other seeds: one pair for each setting
        ({"l2": [0, 1], "seed": [0, 1]}, {"l2": [0, 1], "seed": [2, 3, 4]}, ["seed"], 2, 10),
        # the rest of the runs are in common
        ({"l2": [0, 1]}, {"l2": [0, 1], "momentum": [0, 0.9]}, [], 0, 0),
        ({"l2": [0, 1]}, {"l2": [0, 2]}, ["l2"], 1, 2),
    ],
)
def test_runs_are_paired_that_agree_in_as_many_axes_as_possible(
    a: dict[str, list[Any]], b: dict[str, list[Any]], axes: list[str], pairs: int, runs: int
) -> None:
    found = compared(grid(**a), grid(**b))
    counts = (found.other_runs.matches, found.other_runs.runs) if found.other_runs else (0, 0)
    assert (found.other_axes, *counts) == (axes, pairs, runs)


def test_seeds_are_paired_also_if_the_other_axes_agree_in_no_pair() -> None:
    a = grid(l2=[0.0], momentum=[0.5], seed=[0, 1]) + grid(l2=[1.0], momentum=[0.0], seed=[0, 1])
    b = grid(l2=[0.0], momentum=[0.0], seed=[0, 1, 2]) + grid(l2=[1.0], momentum=[0.9], seed=[0, 1, 2])
    found = compared(a, b)
    assert found.other_runs
    assert (found.other_axes, found.other_runs.matches, found.other_runs.runs) == (["momentum"], 4, 8)


def test_diverged_runs_are_in_no_pair_and_are_counted() -> None:
    a, b = [result(40, seed=0), result(None, seed=1)], [result(None, seed=0, l2=1.0), result(44, seed=1, l2=1.0)]
    found = compared(a, b)
    assert (found.diverged, found.other_runs) == (Sides(1, 1), None)
    found = compared([*a, result(50, seed=2)], [*b, result(40, seed=2, l2=1.0)])
    assert found.other_runs
    assert (found.other_runs.matches, found.other_runs.mean) == (1, pytest.approx(100 * 10 / SIZE))


# --- differences and intervals


def seeds(wrong: list[int], **axes: Any) -> list[Summary]:
    return [result(number, seed=seed, **axes) for seed, number in enumerate(wrong)]


def test_the_interval_over_seeds_of_one_setting_is_that_of_a_paired_t_test() -> None:
    found = paired(seeds([40, 44, 47]), seeds([36, 44, 38], l2=1.0), "l2")
    points = 100 * np.array([4, 0, 9]) / SIZE
    assert (found.mean, found.better, found.worse) == (pytest.approx(points.mean()), 2, 0)
    assert found.over_seeds == pytest.approx(tuple(ttest_1samp(points, 0).confidence_interval(0.95)))
    assert found.over_settings is None


def test_settings_are_averaged_over_seeds_before_they_are_compared() -> None:
    a = seeds([40, 44]) + seeds([60], epochs=3) + seeds([30], epochs=4)
    b = seeds([36, 38], l2=1.0) + seeds([61], epochs=3, l2=1.0) + seeds([29], epochs=4, l2=1.0)
    found = paired(a, b, "l2")
    means = 100 * np.array([5, -1, 1]) / SIZE
    assert (found.settings, found.mean) == (3, pytest.approx(means.mean()))
    assert found.over_settings == pytest.approx(tuple(ttest_1samp(means, 0).confidence_interval(0.95)))
    assert found.over_examples
    assert np.mean(found.over_examples) * (SIZE + 2) / SIZE == pytest.approx(found.mean)
    # the variance comes from the one setting with two seeds; the mean has its share of 1/3 of them
    low, high = ttest_1samp(100 * np.array([4, 6]) / SIZE, 0).confidence_interval(0.95)
    variances = (1 / 2 + 1 + 1) / 9
    half = (high - low) / 2 * np.sqrt(2) * np.sqrt(variances)
    assert found.over_seeds == pytest.approx((means.mean() - half, means.mean() + half))


def test_equal_differences_give_no_interval_over_seeds_or_settings() -> None:
    found = paired(seeds([40, 50]), seeds([39, 49], l2=1.0), "l2")
    assert (found.mean, found.over_seeds, found.over_settings) == (pytest.approx(0.25), None, None)


def test_the_interval_over_examples_of_a_pair_is_that_of_agresti_and_min() -> None:
    a, b = [result([*range(20)])], [result([*range(15, 23)], l2=1.0)]  # 15 examples only B has right, 3 only A
    size, only_a, only_b = SIZE + 2, 3.5, 15.5
    mean = (only_b - only_a) / size
    half = 1.959964 * np.sqrt((only_a + only_b) - (only_b - only_a) ** 2 / size) / size
    found = paired(a, b, "l2").over_examples
    assert found == pytest.approx((100 * (mean - half), 100 * (mean + half)), rel=1e-6)


def test_examples_are_counted_once_however_many_runs_share_them() -> None:
    one = paired(seeds([20]), seeds([10], l2=1.0), "l2")
    nine = paired(seeds([20] * 9), seeds([10] * 9, l2=1.0), "l2")
    assert nine.over_examples == pytest.approx(one.over_examples)


def test_significance_is_tested_for_each_pair_and_corrected() -> None:
    # six examples that only one of both has right: p is 2 / 2^6 = 0.031, and twice that for two pairs
    better, worse = (seeds([46]), seeds([40], l2=1.0)), (seeds([40]), seeds([46], l2=1.0))
    assert (paired(*better, "l2").significantly_better, paired(*better, "l2").significantly_worse) == (1, 0)
    assert (paired(*worse, "l2").significantly_better, paired(*worse, "l2").significantly_worse) == (0, 1)
    assert paired(seeds([46, 46]), seeds([40, 40], l2=1.0), "l2").significantly_better == 0


def test_without_labels_nothing_is_said_about_examples() -> None:
    found = difference(matches(seeds([46, 40]), seeds([40, 41], l2=1.0), ["l2"]), None)
    assert found
    assert (found.over_examples, found.significantly_better, found.significantly_worse) == (None, None, None)
    assert found.over_seeds


# --- stored results and the command

DATA = image_data(test=30)


def store(folder: Path, name: str, *, code: str = "code", shift: float = 0, **axes: list[Any]) -> None:
    """Train these runs, and write the results of an experiment. shift: added to the penalty of the last epoch."""
    write_data(folder / paths.data_file("digits"), DATA)
    with open_data(folder / paths.data_file("digits"), DATA.digest) as stored:
        digests = {"code_digest": code, "data_digest": DATA.digest, "data_content": stored.content}
    summaries = []
    for point in product(*axes.values()):
        found = train(run_of(**dict(zip(axes, point, strict=True))), DATA, lambda *_: None)
        found.state.history[-1] = replace(found.state.history[-1], penalty=found.state.history[-1].penalty + shift)
        path = folder / paths.run_file("digits", found.run.name)
        write_run(path, found, [this_segment(1, 2, 1.0)], **digests, **USE)
        summaries.append(read_summary(path))
    table = folder / paths.table("results", experiment=name)
    table.parent.mkdir(parents=True)
    results_table(summaries, folder).to_csv(table, index=False)


SEEDS: dict[str, list[Any]] = {"batch_size": [5], "seed": [0, 1, 2]}


def test_the_command_compares_experiments_of_one_folder(handgrad: Handgrad, tmp_path: Path) -> None:
    store(tmp_path, "mine", **SEEDS, l2=[0.1, 0.0])
    store(tmp_path, "other", **SEEDS, l2=[0.0, 1.0])
    status, out, err = handgrad("compare", "mine", "other")
    assert (status, err) == (0, "")
    assert re.search("l2 +0.1 +1 +0\n", out)
    assert "Runs in common: 3 (3 the same files)" in out
    assert "Runs that differ in l2: 3 pairs" in out
    status, document, _ = handgrad("compare", "mine", "other", "--json")
    (found,) = json.loads(document)["compared"]
    assert (found["common"], found["equal"], found["other_runs"]["matches"]) == (3, 3, 3)
    assert found["other_runs"]["over_examples"]


_TABLES = "pairs", "results"


def test_the_command_writes_a_page_of_both_experiments(handgrad: Handgrad, tmp_path: Path) -> None:
    store(tmp_path, "mine", **SEEDS, l2=[0.1, 0.0])
    store(tmp_path, "other", **SEEDS, l2=[0.0, 1.0])
    path = paths.COMPARISON_PAGE.format(a="mine", b="other")
    assert handgrad("compare", "mine", "other", "--html") == (0, f"Written: {path}\n", "")
    page = (tmp_path / path).read_text()
    pairs, results = (page.partition(f'data-table="{name}"')[2].partition("</table>")[0] for name in _TABLES)
    assert (pairs.count("<tr"), results.count("<tr")) == (1 + 3, 1 + 12)
    assert "0.1 → 1" in pairs
    assert handgrad("compare", "mine", "other", "--html", "--json")[0] == 2


def test_markup_of_other_peoples_files_is_text_on_the_page() -> None:
    awkward = "</script><b>{{ 1 }}&"
    made = {"code_digest": awkward, "segments": json.dumps([MACHINE | {"cpu": awkward}])}
    a = [result(activation=awkward)]
    b = [replace(one, attributes=one.attributes | made, content_sha256="other") for one in a]
    stored = Sides(*(StoredResults(name, Path(awkward), tuple(runs)) for name, runs in ((awkward, a), ("b", b))))
    page = comparison_page(compare_experiments(stored.a, stored.b, {}), stored)
    assert awkward not in page
    assert page.count("&lt;/script&gt;&lt;b&gt;{{ 1 }}&amp;") > 8


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        ([60, 63, 66], [20, 25, 24], "Yes, by"),
        ([20, 25, 24], [60, 63, 66], "No, A is better, by"),
        ([60], [20], "Yes for these runs"),
        ([40, 44, 47], [36, 44, 38], "Not certain"),
        ([40, 44], [40, 44], "No difference in these runs"),
        ([None], [40], "Not known"),
    ],
)
def test_the_answer_is_certain_only_if_no_interval_includes_0(a: list[Any], b: list[Any], answer: str) -> None:
    assert verdict(compared(seeds(a), seeds(b, l2=1.0))).answer.startswith(answer)


def test_equal_or_unpaired_experiments_have_no_difference() -> None:
    a = seeds([40, 44])
    assert verdict(compared(a, a)).answer == "They are equal"
    assert verdict(compared(a, a[:1])).answer.startswith("Not known")


def test_runs_that_differ_between_projects_are_listed_and_cut(handgrad: Handgrad, tmp_path: Path) -> None:
    axes = {**SEEDS, "seed": list(range(14))}
    store(tmp_path, "mine", **axes)
    store(tmp_path / "earlier", "mine", code="old", shift=0.5, **axes)
    status, out, _ = handgrad("compare", "mine", "earlier/results/mine")
    assert status == 0
    assert re.search("code of training +A alone: code\n +B alone: old\n", out)
    assert "Runs in common: 14 (14 different)" in out
    assert out.count("from epoch 2 on (penalty), at the end penalty by ") == 12
    assert "    and 2 more\n" in out
    assert len(out.splitlines()) < 40


@pytest.mark.parametrize(
    ("name", "folder"),
    [("mine", "."), ("mine.yaml", "."), ("results/mine", "."), ("unpacked", "unpacked/data")],
)
def test_an_experiment_is_named_by_its_name_its_file_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("{name: mine, experiments: [{dataset: digits}]}")
    store(tmp_path / folder, "mine", **SEEDS)
    found = read_results(name)
    assert (found.name, found.folder.resolve(), len(found.runs)) == ("mine", (tmp_path / folder).resolve(), 3)


def test_labels_are_used_only_if_all_runs_have_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store(tmp_path, "mine", **SEEDS)
    mine = read_results("mine")
    labels = labels_of("digits", [mine, mine])
    assert labels is not None
    assert labels.tolist() == DATA.test.y.tolist()
    other = [replace(run, attributes=run.attributes | {"data_content": "other"}) for run in mine.runs]
    assert labels_of("digits", [mine, replace(mine, runs=tuple(other))]) is None
    write_data(tmp_path / paths.data_file("digits"), image_data(test=30, train=21))
    assert labels_of("digits", [mine, mine]) is None
    (tmp_path / paths.data_file("digits")).unlink()
    assert labels_of("digits", [mine, mine]) is None


def test_a_table_may_name_the_file_of_each_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store(tmp_path, "mine", seed=[0])
    table = tmp_path / paths.table("results", experiment="mine")
    moved = "results/mine/search/0/digits/final/slot_0_seed_0.h5"
    (tmp_path / moved).parent.mkdir(parents=True)
    (tmp_path / paths.run_file("digits", run_of().name)).rename(tmp_path / moved)
    pd.read_csv(table).assign(file=moved).to_csv(table, index=False)
    assert [one.run for one in read_results("mine").runs] == [run_of()]
    for file in ("/etc/passwd", "results/../../secret.h5"):
        pd.read_csv(table).assign(file=file).to_csv(table, index=False)
        with pytest.raises(HandgradError, match=r"results\.csv: names the run file '.*', expected a path in results/"):
            read_results("mine")


def test_no_comparison_is_made_of_results_that_do_not_fit(handgrad: Handgrad, tmp_path: Path) -> None:
    store(tmp_path, "mine", **SEEDS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "new.yaml").write_text("{name: new, experiments: [{dataset: digits}]}")
    (tmp_path / "wrong.yaml").write_text("{name: new, experiments: [{datset: digits}]}")
    table = tmp_path / paths.table("results", experiment="bad")
    table.parent.mkdir(parents=True)
    table.write_text("a,b\n")
    wrong = {
        "unknown": "unknown: no results, expected results/unknown/tables/results.csv; .* here: bad, mine$",
        "new.yaml": "no results, expected results/new/tables/results.csv",
        "wrong.yaml": "datset: unknown key",
        "empty": "empty: no results, expected a folder",
        "no/where": "no/where: no such file or folder",
        "a.tar.gz": "a.tar.gz: an archive; unpack it",
        "bad": "bad/tables/results.csv: not a table of results",
    }
    for name, message in wrong.items():
        status, out, err = handgrad("compare", "mine", name)
        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert re.search(message, err)


def test_a_table_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store(tmp_path, "mine", **SEEDS)
    table = Path(paths.table("results", experiment="mine"))
    RESULTS.write(table, results_table(read_results("mine").runs), {})
    assert len(read_results("mine").runs) == 3
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(HandgradError, match=r"results\.csv: changed after it was made"):
        read_results("mine")


def test_a_run_that_was_trained_again_or_is_missing_is_named(handgrad: Handgrad, tmp_path: Path) -> None:
    store(tmp_path, "mine", **SEEDS)
    store(tmp_path, "other", shift=0.5, **SEEDS)
    message = "results/mine/tables/results.csv: was made from a different version of results/runs/digits/"
    status, out, err = handgrad("compare", "other", "mine")
    assert (status, out, err.startswith(message)) == (1, "", True)
    (tmp_path / paths.run_file("digits", run_of(batch_size=5).name)).unlink()
    status, _, err = handgrad("compare", "other", "other")
    assert (status, "does not exist" in err) == (1, True)


def test_experiments_without_a_dataset_in_common_are_not_compared() -> None:
    a, b = (StoredResults(name, Path(), (result(dataset=name),)) for name in ("digits", "wine"))
    with pytest.raises(HandgradError, match="no dataset in common: digits has digits, and wine has wine"):
        compare_experiments(a, b, {})


def test_the_best_run_of_each_experiment_is_compared() -> None:
    found = compared([result(40), result(30, seed=1)], [result(20, l2=1.0, seed=2), result(None, seed=3)])
    assert found.best.a
    assert found.best.b
    assert (found.best.a.run, found.best.b.run) == (run_of(seed=1).name, run_of(l2=1.0, seed=2).name)
    assert found.best_difference
    assert found.best_difference.mean == pytest.approx(100 * 10 / SIZE)
    nothing = compared([result(None)], [result(20)])
    assert (nothing.best.a, nothing.best_difference) == (None, None)
    assert (found.best.a.chosen_on, nothing.best.b and nothing.best.b.chosen_on) == ("test", None)  # B has one run
