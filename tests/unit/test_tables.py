"""Tables: the exact text that programs read, and the presentation for people."""

import html
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories import RUN, grid, published, run_of, shown, summary
from handgrad.common.errors import HandgradError
from handgrad.experiment.published import SETTINGS, comparable
from handgrad.experiment.runs import AXES
from handgrad.storage.run_reader import Summary
from handgrad.tables.best import BEST, best_table
from handgrad.tables.best_runs import BEST_RUNS, best_runs
from handgrad.tables.columns import Column, html_page, markdown_table, markdown_text
from handgrad.tables.comparison import COMPARISON, PROTOCOL, comparison_table, count_verdicts
from handgrad.tables.gradient_checks import GRADIENT_CHECKS, checks_table
from handgrad.tables.published import published_table
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.seeds import SEEDS, seeds_table
from handgrad.tables.table import TableKind, rows_of

ROOT = Path(__file__).parents[2]


def seeds_of(runs: list[Summary]) -> pd.DataFrame:
    return seeds_table(results_table(runs))


def compared(runs: list[Summary], theirs: pd.DataFrame, divisor: float = 60000) -> pd.DataFrame:
    return comparison_table(seeds_of(runs), theirs, dict.fromkeys(("digits", "$x_1$", "<b>|& c"), divisor))


# --- every table ---

MAKE: dict[str, tuple[TableKind, Callable[[list[Summary]], pd.DataFrame]]] = {
    "results": (RESULTS, results_table),
    "seeds": (SEEDS, seeds_of),
    "best runs": (BEST_RUNS, lambda runs: best_runs(results_table(runs))),
    "best": (BEST, lambda runs: best_table(seeds_of(runs), published({}))),
    "comparison": (COMPARISON, lambda runs: compared(runs, published({}, {"l2": 0.1}, {"dataset": "<b>|& c"}))),
    "gradient checks": (GRADIENT_CHECKS, lambda runs: checks_table([check(exact=bool(runs))] * len(runs))),
}
ODD: dict[str, list[Summary]] = {
    "no run": [],
    "one run": [summary()],
    "only diverged": [summary(None), summary(None, seed=1)],
    "validation": [summary(200, validation_faults=9, validation_size=1000)],
    "awkward labels": [summary(dataset="$x_1$"), summary(dataset="<b>|& c", activation="a_b"), summary(train_size=5)],
}


@pytest.mark.parametrize("table", MAKE)
@pytest.mark.parametrize("runs", ODD)
def test_every_table_is_written_read_and_shown(tmp_path: Path, table: str, runs: str) -> None:
    kind, make = MAKE[table]
    made = make(ODD[runs])
    kind.write(tmp_path / "table.csv", made, {})
    pd.testing.assert_frame_equal(kind.read(tmp_path / "table.csv").table, made, check_exact=True)
    if kind.title:
        page, text = ((tmp_path / f"table.{ending}").read_text(encoding="utf-8") for ending in ("html", "md"))
        assert page.count("<tr") == f"\n{text}".count("\n|") - 1 == len(made) + 1
        assert "<b>" not in page


def test_numbers_and_names_are_read_as_they_were_written(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64).view(float)
    names = ["NA", "null", "nan", "1e5", "a,b", '"', "ä"]
    rows = [{"loss": loss, "dataset": names[i % 7]} for i, loss in enumerate(numbers[np.isfinite(numbers)])]
    table = RESULTS.typed(rows)
    pd.testing.assert_frame_equal(RESULTS.parse(RESULTS.texts(table)["csv"].encode(), ""), table, check_exact=True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", "cannot be read as the table seeds"),
        ("digits", "digits,tanh", "Expected"),
        ("activation", "other", "activation"),
        (",0.5", ",many", "many"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(old: str, new: str, said: str) -> None:
    text = SEEDS.texts(seeds_of([summary(), summary(l2=0.1)]))["csv"]
    with pytest.raises(HandgradError, match=rf"^mine\.csv: .*{said}.*; delete it") as caught:
        SEEDS.parse((old and text[::-1].replace(old[::-1], new[::-1], 1)[::-1]).encode(), "mine.csv")
    assert "\n" not in str(caught.value)


# --- Markdown and HTML ---

AWKWARD = 'a|b <script>alert("&")</script> $x_1$ *b* `c` _d_ \\ [e](f) ~g~ {title} {0}\nnext'


def test_awkward_text_is_shown_as_it_is() -> None:
    assert markdown_text(AWKWARD) == (
        'a\\|b &lt;script&gt;alert("&amp;")&lt;/script&gt; \\$x_1\\$ \\*b\\* \\`c\\` \\_d\\_ \\\\ '
        "\\[e\\](f) \\~g\\~ {title} {0} next"
    )
    assert markdown_text("af_tanh_hu_100_lr_1e-05") == "af_tanh_hu_100_lr_1e-05"
    columns = [Column(AWKWARD, [AWKWARD, ""], numeric=False), Column("lambda", ["1.50", "2"], choose=True)]
    lines = markdown_table(columns).splitlines()
    assert [line.replace("\\|", "").count("|") for line in lines] == [3] * 4
    page = html_page(AWKWARD, AWKWARD, columns)
    assert "<script" not in page
    cells = re.findall(r"<t[hd](?: [^>]*)?>(.*?)\n?(?=</?t)", page, re.S)
    assert list(map(html.unescape, cells)) == [AWKWARD, "λ", AWKWARD, "1.50", "", "2"]
    assert page.count("data-choose") == 1


# --- results ---


@pytest.mark.parametrize(
    ("axes", "titles"),
    [
        ([{}], set()),
        ([{"seed": 5}], set()),
        ([{}, {"seed": 1}], {"SEED"}),
        ([{"pixels": "raw"}], {"PIXELS"}),
        ([{"train_size": 50, "batch_gradient": "mean"}, {}], {"BATCH GRADIENT", "TRAIN SIZE"}),
    ],
)
def test_other_axes_are_shown_where_they_vary_or_are_unusual(axes: list[dict[str, Any]], titles: set[str]) -> None:
    rows = [shown(RESULTS, results_table([summary(**one) for one in runs]))[0] for runs in (axes, [{}])]
    assert set(rows[0]) - set(rows[1]) == titles


# --- over seeds ---


def test_rows_over_seeds_differ_in_any_other_axis_in_the_order_of_the_runs() -> None:
    table = seeds_of(grid(seed=[1, 0], hidden_units=[9, 3], train_size=[None, 50]))
    assert table["hidden_units"].tolist() == [9, 9, 3, 3]
    assert [None if pd.isna(size) else size for size in table["train_size"]] == [None, 50, None, 50]
    assert table["seeds"].tolist() == [2] * 4
    assert set(AXES) - set(table) == {"seed"}


# --- comparison ---


def test_losses_are_compared_in_the_published_normalisation() -> None:
    # 0.09 for each of 10,000 test examples is 900 in total, and 900 / 60,000 = 0.015.
    (row,) = rows_of(compared([summary(220, loss=0.08), summary(220, loss=0.1, seed=1)], published({})))
    assert row["loss_mean"] == pytest.approx(0.015, rel=1e-12)
    assert row["loss_sd"] == pytest.approx(0.0002**0.5 / 6)
    assert (row["published_faults"], row["faults_mean"], row["difference_percent"]) == (200, 220, 10)
    # 200 of 10,000 is in proportion to 10 of 500; 11 is 10 percent more. The loss is scaled to the published test set.
    (row,) = rows_of(compared([summary(11, size=500, loss=0.09)], published({})))
    assert row["difference_percent"] == pytest.approx(10)
    assert row["loss_mean"] == pytest.approx(0.015)


VERDICT_CASES = {  # our faults, published faults, fewest and most faults of the published seeds, verdict
    "10 percent more": ([220], 200, None, "agrees"),
    "10 percent less": ([180], 200, None, "agrees"),
    "a little more than that": ([221], 200, None, "differs"),
    "much less": ([100], 200, None, "differs"),
    "mean within": ([150, 230], 200, None, "agrees"),
    "between the seeds": ([200, 300], 200, None, "agrees"),
    "outside the seeds": ([221, 300], 200, None, "differs"),
    "just stable": ([150, 300], 200, None, "agrees"),
    "just unstable": ([150, 301], 200, None, "unstable over seeds"),
    "one of several diverged": ([200, 200, None], 200, None, "unstable over seeds"),
    "all diverged": ([None, None], 200, None, "differs"),
    "no faults, and some": ([0, 3], 200, None, "unstable over seeds"),
    "no published faults": ([5], 0, None, "differs"),
    "no faults at all": ([0], 0, None, "agrees"),
    "published seeds unstable": ([200], 200, (100, 201), "unstable over seeds"),
    "published seeds unstable, ours far": ([500], 200, (100, 201), "unstable over seeds"),
    "published seeds unstable, ours diverged": ([None], 200, (100, 201), "unstable over seeds"),
    "published seeds stable": ([200], 200, (100, 200), "agrees"),
    "published seeds stable, ours far": ([500], 200, (100, 200), "differs"),
    "published seeds unstable, four of ours": ([200] * 4, 200, (100, 201), "unstable over seeds"),
    "published seeds unstable, enough of ours": ([200] * 5, 200, (100, 201), "agrees"),
}


def test_the_verdict_follows_the_rule() -> None:
    """Each case is a row of the same table, identified by its λ."""
    rows, runs, expected = [], [], {}
    for i, (case, (faults, theirs, spread, verdict)) in enumerate(VERDICT_CASES.items()):
        fewest, most = spread or (None, None)
        rows.append({"l2": float(i), "faults": theirs, "seeds_fewest_faults": fewest, "seeds_most_faults": most})
        runs += [summary(count, seed=seed, l2=float(i)) for seed, count in enumerate(faults)]
        expected[case] = verdict
    found = compared(runs, published(*rows))["verdict"]
    assert dict(zip(VERDICT_CASES, found, strict=True)) == expected


def test_the_published_table_itself_agrees_but_for_six_unstable_rows() -> None:
    theirs = published_table(str(ROOT / "config/published_results.csv"))
    exact = [
        summary(row["faults"], loss=row["loss"] * 6, **{name: row[name] for name in SETTINGS})
        for row in rows_of(theirs)
    ]
    table = comparison_table(seeds_of(exact), theirs, {"mnist": 60000, "cifar10": 60000})
    assert count_verdicts(table) == "72 rows: 66 agree, 6 unstable over seeds"
    np.testing.assert_allclose(table["loss_mean"], table["published_loss"])
    unstable = table[table["verdict"] == "unstable over seeds"]
    assert set(zip(unstable["dataset"], unstable["learning_rate"], strict=True)) == {("mnist", 0.01)}


def test_there_is_one_row_for_each_published_row_in_the_published_order() -> None:
    theirs = published({"activation": "cos"}, {}, {"l2": 0.1}, {"dataset": "cifar10"})
    runs = [summary(200, seed=2), summary(230, seed=1), summary(None, l2=0.1), summary(hidden_units=101)]
    table = compared(runs, theirs)
    found = list(zip(table["activation"], table["l2"], table["verdict"], strict=True))
    assert found == [("cos", 0.01, "not run"), ("tanh", 0.01, "agrees"), ("tanh", 0.1, "differs")]
    assert table.loc[1, ["seeds", "faults_min", "faults_mean", "faults_max"]].tolist() == [2, 200, 215, 230]
    assert table.loc[[0, 2], ["faults_mean", "faults_min", "loss_mean", "difference_percent"]].isna().all(axis=None)
    assert COMPARISON.lines(table)[-1].startswith("Left out: 1 published row ")


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged() -> None:
    table = compared([summary(200), summary(900, batch_gradient="mean")], published({}))
    assert table["verdict"].tolist() == ["agrees", "differs"]
    assert [row["BATCH GRADIENT"] for row in shown(COMPARISON, table)] == ["sum", "mean"]


def test_the_compared_runs_are_those_that_give_an_experiment_a_comparison() -> None:
    others = {"dataset": "cifar10", "activation": "cos", "pixels": "raw", "batch_gradient": "mean"}
    others |= {"schedule": "cosine", "init": "scaled", "dtype": "float64", "train_size": 5, "momentum": 0.9}
    runs = {axis: run_of(**{axis: others.get(axis) or getattr(RUN, axis) * 2 or 1}) for axis in AXES}
    table = compared([summary(validation_faults=1, **vars(run)) for run in runs.values()], published({}))
    expected = [vars(run) for axis, run in runs.items() if comparable(run) and axis not in SETTINGS]
    assert table[list(PROTOCOL)].to_dict("records") == [{axis: run[axis] for axis in PROTOCOL} for run in expected]


def test_verdicts_are_counted_in_all_and_at_each_learning_rate() -> None:
    theirs = published(*({"l2": l2, "learning_rate": rate} for rate in (0.01, 0.001) for l2 in (0.1, 0.2, 0.3)))
    ours = [summary(220, l2=0.1), summary(180, l2=0.2), summary(50, l2=0.2, seed=1), summary(None, l2=0.3)]
    assert COMPARISON.lines(compared(ours, theirs)) == [
        "All 6 rows: 1 agree, 1 differ, 1 unstable over seeds, 3 not run.",
        "Learning rate 0.001, 3 rows: 1 agree, 1 differ, 1 unstable over seeds.",
        "Learning rate 0.01, 3 rows: 3 not run.",
        "2 rows with one seed: instability over seeds cannot be detected.",
    ]


def test_a_dataset_without_a_divisor_is_named_with_its_key() -> None:
    seeds = seeds_of([summary(211)])
    with pytest.raises(HandgradError, match=r"^published\.loss_divisor\.digits: missing"):
        comparison_table(seeds, published({}), {"cifar10": 10000})
    theirs = published({}, {"dataset": "cifar10"})
    assert len(comparison_table(seeds, theirs, {"digits": 1})) == 1  # a dataset that was not run needs no divisor


# --- gradient checks ---


def step(absolute: float, relative: float, entry: list[int]) -> dict[str, Any]:
    differences = {"max_abs_difference": absolute, "max_rel_difference": relative}
    return {**differences, "worst_entry": entry, "analytic": 1.25, "numeric": 1.5}


def block(shape: list[int], central: dict[str, Any], complex_step: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "shape": shape,
        "entries": math.prod(shape),
        "largest_gradient": 7.5,
        "central": central,
        "complex": complex_step,
        "directions": {"max_rel_difference": 3e-9},
        "samples": {"count": 20, "max_rel_difference": 4e-9},
        "step": {"max_rel_difference": 6e-16},
        "momentum": {"max_rel_difference": 5e-16},
    }


def check(*, exact: bool = True, passed: bool = True) -> dict[str, Any]:
    exact_step = step(1e-14, 2e-15, [1, 2]) if exact else None
    settings = {"hidden_units": 200, "examples": 5, "pixels": "raw", "epsilon": 1e-05, "l2": 0.01, "seed": 0}
    seconds = {"seconds_central": 61.24, "seconds_complex": 8.0 if exact else None, "plain_seconds_an_entry": 0.02}
    blocks = {
        "W1": block([200, 3073], step(3.6e-05, 1e-08, [12, 845]), exact_step),
        "W2": block([10, 201], step(2e-07, 5e-08, [3, 4]), exact_step),
    }
    return {"dataset": "cifar10", "activation": "tanh", **settings, **seconds, "passed": passed, "blocks": blocks}


# --- content of the files, and presentation for people ---


def two_seeds(**axes: Any) -> list[Summary]:
    return [summary(190, loss=1.25, **axes), summary(330, loss=1.75, seed=1, **axes)]


SETTINGS_HEAD = "dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2"
PROTOCOL_HEAD = "pixels,batch_gradient,momentum,schedule,init,dtype,train_size,validation_size"
OURS = (
    "unit,sum,0.0,constant,published,float32,,0,1,1,0,,200.0,200,200,10000,0.98,,,0.98,0.98,0.977066073239287,"
    "0.9825652883248633,0.0"
)
BY_ENTRY = ("max_abs_difference", "max_rel_difference", "worst_entry", "analytic", "numeric")
OF_BLOCK = (
    *(
        "shape",
        "entries",
        "largest_gradient",
        *(f"{way}_{name}" for way in ("central", "complex") for name in BY_ENTRY),
    ),
    *("directions_max_rel_difference", "samples_count", "samples_max_rel_difference"),
    *("step_max_rel_difference", "momentum_max_rel_difference"),
)
CSV: dict[str, tuple[TableKind, pd.DataFrame, str, list[str]]] = {
    "results": (
        RESULTS,
        results_table(
            [summary(1, size=3, loss=1 / 3, learning_rate=1e-05, seconds=12.345), summary(None, train_size=5)],
            finalists=[run_of(learning_rate=1e-05)],
        ),
        f"{SETTINGS_HEAD},seed,{PROTOCOL_HEAD},status,faults,test_size,accuracy,accuracy_low,accuracy_high,"
        "majority_rate,balanced_accuracy,loss,validation_faults,against_best,p_holm,seconds,content_sha256,run,file,added",
        [
            "digits,tanh,5,1e-05,50,2,0.01,0,unit,sum,0.0,constant,published,float32,,0,finished,1,3,0.6666666666666666,"
            ",,,,0.3333333333333333,,,,12.345,c0ffee,af_tanh_hu_5_lr_1e-05_bs_50_ep_2_l2_0.01_seed_0,"
            "results/runs/digits/af_tanh_hu_5_lr_1e-05_bs_50_ep_2_l2_0.01_seed_0.h5,finalist",
            "digits,tanh,5,0.001,50,2,0.01,0,unit,sum,0.0,constant,published,float32,5,0,diverged,,10000,,"
            ",,,,,,,,1.0,c0ffee,af_tanh_hu_5_lr_0.001_bs_50_ep_2_l2_0.01_seed_0_train_5,"
            "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_2_l2_0.01_seed_0_train_5.h5,",
        ],
    ),
    "best runs": (
        BEST_RUNS,
        best_runs(results_table([summary(None), summary(7, dataset="mnist")])),
        "dataset,run,file,pixels,chosen_on,faults,test_size",
        [
            "mnist,af_tanh_hu_5_lr_0.001_bs_50_ep_2_l2_0.01_seed_0,"
            "results/runs/mnist/af_tanh_hu_5_lr_0.001_bs_50_ep_2_l2_0.01_seed_0.h5,unit,test,7,10000"
        ],
    ),
    "seeds": (
        SEEDS,
        seeds_of([*two_seeds(), summary(None, seed=2), summary(None, l2=0.1)]),
        f"{SETTINGS_HEAD},{PROTOCOL_HEAD},seeds,finished,diverged,test_size,accuracy_mean,accuracy_sd,faults_mean,"
        "faults_sd,loss_mean,loss_sd,faults_min,faults_max,validation_faults_mean,majority_rate,balanced_accuracy_mean,"
        "finalist",
        [
            "digits,tanh,5,0.001,50,2,0.01,unit,sum,0.0,constant,published,float32,,0,3,2,1,10000,0.974,"
            "0.009899494936611674,260.0,98.99494936611666,1.5,0.3535533905932738,190,330,,,,0",
            "digits,tanh,5,0.001,50,2,0.1,unit,sum,0.0,constant,published,float32,,0,1,0,1,10000,,,,,,,,,,,,0",
        ],
    ),
    "best": (
        BEST,
        best_table(seeds_of([summary(), summary(None, hidden_units=9)]), published({})),
        "best_of,dataset,activation,hidden_units,published_activation,published_hidden_units,published_learning_rate,"
        "published_batch_size,published_epochs,published_l2,published_faults,published_test_size,published_accuracy,"
        f"status,settings,chosen_on,learning_rate,batch_size,epochs,l2,{PROTOCOL_HEAD},seeds,finished,diverged,"
        "validation_faults_mean,faults_mean,faults_min,faults_max,test_size,accuracy_mean,majority_rate,"
        "balanced_accuracy_mean,accuracy_min,accuracy_max,accuracy_low,accuracy_high,difference_points",
        [
            f"network,digits,tanh,5,tanh,5,0.001,50,2,0.01,200,10000,0.98,finished,1,test,0.001,50,2,0.01,{OURS}",
            f"network,digits,tanh,9{',' * 10}diverged,1,test{',' * 28}",
            f"dataset,digits,tanh,5,tanh,5,0.001,50,2,0.01,200,10000,0.98,finished,2,test,0.001,50,2,0.01,{OURS}",
        ],
    ),
    "comparison": (
        COMPARISON,
        compared([summary(210, loss=1.5)], published({}, {"l2": 0.1}), 10000),
        f"{SETTINGS_HEAD},pixels,batch_gradient,dtype,published_faults,published_test_size,published_loss,test_size,"
        "seeds,finished,diverged,faults_mean,faults_sd,faults_min,faults_max,loss_mean,loss_sd,difference_percent,"
        "verdict,left_out",
        [
            "digits,tanh,5,0.001,50,2,0.01,unit,sum,float32,200,10000,0.0147,10000,1,1,0,210.0,,210,210,1.5,,5.0,agrees,0",
            f"digits,tanh,5,0.001,50,2,0.1,,,,200,10000,0.0147{',' * 12}not run,0",
        ],
    ),
    "gradient checks": (
        GRADIENT_CHECKS,
        checks_table([check(), check(exact=False)]),
        "dataset,activation,hidden_units,examples,pixels,epsilon,l2,seed,passed,seconds_central,seconds_complex,"
        "plain_seconds_an_entry," + ",".join(f"{block}_{name}" for block in ("W1", "W2") for name in OF_BLOCK),
        [
            'cifar10,tanh,200,5,raw,1e-05,0.01,0,True,61.24,8.0,0.02,200x3073,614600,7.5,3.6e-05,1e-08,"12,845",1.25,1.5,'
            '1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16,10x201,2010,7.5,2e-07,5e-08,"3,4",1.25,1.5,'
            '1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16',
            'cifar10,tanh,200,5,raw,1e-05,0.01,0,True,61.24,,0.02,200x3073,614600,7.5,3.6e-05,1e-08,"12,845",1.25,1.5,'
            ',,,,,3e-09,20,4e-09,6e-16,5e-16,10x201,2010,7.5,2e-07,5e-08,"3,4",1.25,1.5,,,,,,3e-09,20,4e-09,6e-16,5e-16',
        ],
    ),
}


@pytest.mark.parametrize(("kind", "table", "head", "rows"), CSV.values(), ids=CSV.keys())
def test_a_csv_file_has_plain_names_full_precision_and_blanks(
    kind: TableKind, table: pd.DataFrame, head: str, rows: list[str]
) -> None:
    assert kind.texts(table)["csv"].splitlines() == [head, *rows]


RUN_SHOWN = {"DATASET": "digits", "AF": "tanh", "HU": "5", "LR": "0.001", "BS": "50", "EP": "2", "lambda": "0.01"}
SHOWN: dict[str, tuple[TableKind, pd.DataFrame, dict[str, str], dict[str, str], list[bool]]] = {
    "results": (
        RESULTS,
        results_table([summary(272), summary(None, activation="cos", train_size=9)]),
        RUN_SHOWN
        | {"PREC": "97.28%", "FAULTS": "272/10000", "LOSS": "0.50000", "TRAIN SIZE": "all", "STATUS": "finished"}
        | {"SECONDS": "1.0"},
        {"AF": "cos", "PREC": "", "FAULTS": "", "LOSS": "", "TRAIN SIZE": "9", "STATUS": "diverged"},
        [False, True],
    ),
    "seeds": (
        SEEDS,
        seeds_of([*two_seeds(), summary(None, l2=0.1)]),
        RUN_SHOWN
        | {"SEEDS": "2", "DIVERGED": "0", "MEAN PREC": "97.40%", "SD PREC": "0.99", "MEAN FAULTS": "260.0"}
        | {"SD FAULTS": "99.0", "FAULTS": "190 to 330", "MEAN LOSS": "1.5000", "SD LOSS": "0.35"},
        {"SEEDS": "1", "DIVERGED": "1", "MEAN PREC": "", "SD FAULTS": "", "FAULTS": "", "MEAN LOSS": ""},
        [False, True],
    ),
    "best": (
        BEST,
        best_table(seeds_of([*two_seeds(momentum=0.9), summary(None, hidden_units=9)]), published({"batch_size": 7})),
        {"DATASET": "digits", "AF": "tanh", "HU": "5", "PUB LR": "0.001", "PUB BS": "7", "PUB EP": "2"}
        | {"PUB lambda": "0.01", "PUB FAULTS": "200", "PUB PREC": "98.00%", "OUR LR": "0.001", "OUR BS": "50"}
        | {"OUR EP": "2", "OUR lambda": "0.01", "OUR MOMENTUM": "0.9", "SETTINGS": "1", "SEEDS": "2", "DIVERGED": "0"}
        | {
            "MEAN PREC": "97.40%",
            "OVER SEEDS": "96.70 to 98.10",
            "95% INTERVAL": "97.07 to 97.69",
            "DIFFERENCE": "-0.60",
        },
        {
            "PUB LR": "",
            "PUB FAULTS": "",
            "OUR LR": "",
            "MEAN PREC": "all diverged",
            "95% INTERVAL": "",
            "DIFFERENCE": "",
        },
        [False, False, True],
    ),
    "comparison": (
        COMPARISON,
        compared([*two_seeds(), summary(900, l2=0.2)], published({}, {"l2": 0.2}, {"l2": 0.1}), 10000),
        RUN_SHOWN
        | {"PUBLISHED FAULTS": "200", "MEAN FAULTS": "260.0", "OVER SEEDS": "190 to 330", "DIFFERENCE": "+30.0%"}
        | {"PUBLISHED LOSS": "0.014700", "MEAN LOSS": "1.5000", "SD LOSS": "0.35", "SEEDS": "2", "DIVERGED": "0"}
        | {"VERDICT": "agrees"},
        {"MEAN FAULTS": "900.0", "OVER SEEDS": "900", "SD LOSS": "", "VERDICT": "differs"},
        [False, True, False],
    ),
    "gradient checks": (
        GRADIENT_CHECKS,
        checks_table([check(), check(exact=False, passed=False)]),
        {"DATASET": "cifar10", "AF": "tanh", "W1": "200x3073", "W2": "10x201", "W1 MAX ABS DIFFERENCE": "3.6e-05"}
        | {"W2 MAX ABS DIFFERENCE": "2e-07", "RELATIVE": "5e-08", "WORST ENTRY": "W2[3,4]"}
        | {"COMPLEX STEP, RELATIVE": "2e-15", "SPOT CHECKS, RELATIVE": "4e-09", "TRAINING'S STEP, RELATIVE": "6e-16"}
        | {"SECONDS": "61.24", "COMPLEX STEP, SECONDS": "8.00", "ENTRY BY ENTRY, SECONDS": "12332.20", "PASSED": "yes"},
        {"COMPLEX STEP, RELATIVE": "", "COMPLEX STEP, SECONDS": "", "PASSED": "NO"},
        [False, True],
    ),
}


@pytest.mark.parametrize(("kind", "table", "first", "second", "marked"), SHOWN.values(), ids=SHOWN.keys())
def test_people_see_columns_lines_and_a_note_and_rows_set_off(
    kind: TableKind, table: pd.DataFrame, first: dict[str, str], second: dict[str, str], marked: list[bool]
) -> None:
    rows = shown(kind, table)
    assert list(rows[0].items()) == list(first.items())
    assert rows[1] == {**rows[1], **second}
    texts = kind.texts(table)
    assert ['class="marked"' in line for line in texts["html"].splitlines() if line.startswith("<tr")] == marked
    for said in filter(None, [*kind.lines(table), kind.note]):
        assert said in html.unescape(texts["md"])
        assert said in html.unescape(texts["html"])
