"""Tables: what programs read of them to the character, and what people see."""

import html
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import RUN, read_table, summary
from handgrad.common.errors import HandgradError
from handgrad.experiment.published import comparable, published_rows
from handgrad.experiment.runs import AXES
from handgrad.storage.run_reader import Summary
from handgrad.tables.columns import Column, html_page, markdown_table, markdown_text
from handgrad.tables.comparison import (
    COMPARISON_COLUMNS,
    KEY,
    PUBLISHED_COLUMNS,
    RULE,
    UNSTABLE_RATIO,
    WITHIN_PERCENT,
    comparison_html,
    comparison_markdown,
    comparison_table,
    count_verdicts,
    verdicts,
)
from handgrad.tables.gradient_checks import CHECK_COLUMNS, checks_html, checks_markdown, checks_table
from handgrad.tables.results import RESULT_COLUMNS, result_columns, results_html, results_markdown, results_table
from handgrad.tables.seeds import seeds_table
from handgrad.tables.table import rows_of, typed, write_table, write_text

ROOT = Path(__file__).parents[2]


def with_loss(run: Summary, loss: float) -> Summary:
    return replace(run, loss=loss)


def published(**values: Any) -> pd.DataFrame:
    row = {**{name: getattr(RUN, name) for name in KEY}, "faults": 200, "test_size": 10000, "loss": 0.0147}
    return pd.DataFrame([{**row, **values}])


def compared(runs: list[Summary], theirs: pd.DataFrame, divisor: float = 60000) -> pd.DataFrame:
    return comparison_table(seeds_table(results_table(runs)), theirs, {RUN.dataset: divisor})


def compare(runs: list[Summary], theirs: pd.DataFrame, divisor: float = 60000) -> list[dict[str, Any]]:
    return rows_of(compared(runs, theirs, divisor))


def markdown_rows(text: str) -> list[dict[str, str]]:
    """The rows of the first Markdown table in a text, each by the titles of its columns."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    titles, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(titles, row, strict=True)) for row in rows]


# --- results ---


def test_the_results_csv_has_plain_names_and_full_precision(tmp_path: Path) -> None:
    third = with_loss(summary(1, size=3, learning_rate=1e-05, seconds=12.345), 1 / 3)
    write_table(tmp_path / "results.csv", results_table([third, summary(None, train_size=50)]))
    head, *rows = (tmp_path / "results.csv").read_bytes().decode().splitlines()
    assert head == ",".join(RESULT_COLUMNS)
    assert RESULT_COLUMNS[: len(AXES)] == AXES
    assert rows == [
        "digits,tanh,5,1e-05,50,2,0.01,0,unit,sum,0.0,constant,published,float32,,0,finished,1,3,0.6666666666666666,"
        ",,0.3333333333333333,,,,12.345,c0ffee,af_tanh_hu_5_lr_1e-05_bs_50_ep_2_l2_0.01_seed_0",
        "digits,tanh,5,0.001,50,2,0.01,0,unit,sum,0.0,constant,published,float32,50,0,diverged,,10000,,"
        ",,,,,,1.0,c0ffee,af_tanh_hu_5_lr_0.001_bs_50_ep_2_l2_0.01_seed_0_train_50",
    ]


@given(
    loss=st.floats(allow_nan=False, allow_infinity=False),
    rate=st.floats(min_value=1e-300, max_value=1e300),
    faults=st.none() | st.integers(0, 10000),
    dataset=st.sampled_from(["mnist", "NA", "null", "nan", "1e5", "a,b", '"', "$x_1$", "ä"]),
    rows=st.integers(0, 2),
)
def test_a_table_that_is_written_is_read(tmp_path_factory, loss, rate, faults, dataset, rows) -> None:
    path = tmp_path_factory.mktemp("table") / "results.csv"
    table = results_table([with_loss(summary(faults, learning_rate=rate, dataset=dataset), loss)] * rows)
    write_table(path, table)
    pd.testing.assert_frame_equal(read_table(path, RESULT_COLUMNS), table, check_exact=True)


def test_people_see_the_published_columns_and_what_else_matters() -> None:
    runs = [with_loss(summary(272), 0.5), summary(None, activation="cos", train_size=9)]
    first, second = markdown_rows(results_markdown(results_table(runs)))
    assert list(first.items()) == [
        *(("DATASET", "digits"), ("AF", "tanh"), ("HU", "5"), ("LR", "0.001"), ("BS", "50"), ("EP", "2")),
        *(("lambda", "0.01"), ("PREC", "97.28%"), ("FAULTS", "272/10000"), ("LOSS", "0.50000"), ("TRAIN SIZE", "all")),
        *(("STATUS", "finished"), ("SECONDS", "1.0")),
    ]
    assert [second[title] for title in ("PREC", "FAULTS", "TRAIN SIZE", "STATUS")] == ["", "", "9", "diverged"]
    page = results_html(results_table(runs))
    assert "2 runs, 1 diverged" in page
    assert ['class="marked"' in line for line in page.splitlines() if line.startswith("<tr")] == [False, True]


@pytest.mark.parametrize(
    ("axes", "shown"),
    [
        ([{}], []),
        ([{"seed": 5}], []),
        ([{}, {"seed": 1}], ["SEED"]),
        ([{"pixels": "raw"}], ["PIXELS"]),
        ([{"train_size": 50, "batch_gradient": "mean"}, {}], ["BATCH GRADIENT", "TRAIN SIZE"]),
    ],
)
def test_other_axes_are_shown_where_they_vary_or_are_unusual(axes: list[dict[str, Any]], shown: list[str]) -> None:
    def titles(runs: list[Summary]) -> list[str]:
        return [column.title for column in result_columns(results_table(runs))]

    assert [title for title in titles([summary(**one) for one in axes]) if title not in titles([])] == shown


# --- Markdown and HTML ---

AWKWARD = 'a|b <script>alert("&")</script> $x_1$ *b* `c` _d_ \\ [e](f) ~g~ {title} {0}\nnext'


class Page(HTMLParser):
    """The tags and the text of each cell of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name in ("src", "href") for name, _ in attrs), "the page must stand alone"
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_awkward_text_is_shown_as_it_is() -> None:
    assert markdown_text(AWKWARD) == (
        'a\\|b &lt;script&gt;alert("&amp;")&lt;/script&gt; \\$x_1\\$ \\*b\\* \\`c\\` \\_d\\_ \\\\ '
        "\\[e\\](f) \\~g\\~ {title} {0} next"
    )
    assert markdown_text("af_tanh_hu_100_lr_1e-05") == "af_tanh_hu_100_lr_1e-05"
    columns = [Column(AWKWARD, [AWKWARD, ""], numeric=False), Column("n", ["1.50", "2"])]
    lines = markdown_table(columns).splitlines()
    assert [line.replace("\\|", "").count("|") for line in lines] == [3] * 4
    page = Page(html_page(AWKWARD, AWKWARD, columns))
    assert "script" not in page.tags
    assert [cell.strip() for cell in page.cells] == [AWKWARD, "n", AWKWARD, "1.50", "", "2"]


def test_html_and_markdown_show_the_same_cells() -> None:
    table = results_table([summary(), summary(None, pixels="raw")])
    rows = markdown_rows(results_markdown(table))
    cells = [*rows[0], *(cell for row in rows for cell in row.values())]
    assert [cell.strip() for cell in Page(results_html(table)).cells] == [c.replace("lambda", "λ") for c in cells]


def test_pages_sort_by_keys_and_offer_values_to_choose() -> None:
    page = html_page("t", "", [Column("time", ["1 h", "2 s"], keys=[3600, 2]), Column("h", ["a", "b"], choose=True)])
    assert page.count("data-key") == 2
    assert 'data-key="3600"' in page
    assert page.count("data-choose") == 1


def test_text_files_are_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "text.md", "λ\n")
    assert (tmp_path / "text.md").read_bytes() == "λ\n".encode()


# --- reading ---


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as a table"),
        ("dataset,faults\nmnist,1\nmnist,1,2\n", "Expected 2 fields in line 3, saw 3"),
        ("dataset,faults\nmnist,1\n", "has no column activation"),
        (",".join(PUBLISHED_COLUMNS) + "\nmnist,tanh,100,0.001,100,20,0.01,many,10000,0.1\n", "many"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_text(content)
    with pytest.raises(HandgradError) as caught:
        read_table(path, PUBLISHED_COLUMNS)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# --- comparison ---


def test_losses_are_compared_in_the_published_normalisation() -> None:
    # 0.09 a test example is 900 for the 10,000 test images, and 900 / 60,000 = 0.015.
    runs = [with_loss(summary(220), 0.08), with_loss(summary(220, seed=1), 0.1)]
    (row,) = compare(runs, published())
    assert row["loss_mean"] == pytest.approx(0.015, rel=1e-12)
    assert row["loss_sd"] == pytest.approx(0.0002**0.5 / 6)
    assert (row["published_faults"], row["faults_mean"], row["difference_percent"]) == (200, 220, 10)
    # 200 of 10,000 are 10 of 500; 11 are 10 percent more. The loss is what the published set would give.
    (row,) = compare([with_loss(summary(11, size=500), 0.09)], published())
    assert row["difference_percent"] == pytest.approx(10)
    assert row["loss_mean"] == pytest.approx(0.015)


VERDICT_CASES = {  # our faults, the published ones, the fewest and most of the published seeds, the verdict
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


@pytest.mark.parametrize(("faults", "theirs", "spread", "expected"), VERDICT_CASES.values(), ids=VERDICT_CASES.keys())
def test_the_verdict_follows_the_rule(
    faults: list[int | None], theirs: int, spread: tuple[int, int] | None, expected: str
) -> None:
    fewest, most = spread or (None, None)
    rows = published(faults=theirs, seeds_fewest_faults=fewest, seeds_most_faults=most)
    (row,) = compare([summary(count, seed=seed) for seed, count in enumerate(faults)], rows)
    assert row["verdict"] == expected


def test_the_rule_of_the_verdicts_is_that_of_docs_and_captions() -> None:
    assert (WITHIN_PERCENT, UNSTABLE_RATIO) == (10, 2)
    text = (ROOT / "docs/reproduction.md").read_text().replace("\n> ", "\n")
    assert RULE in " ".join(text.split())
    for name in ("comparison", "comparison_figure"):
        caption = " ".join((ROOT / f"workflow/report/{name}.rst").read_text().split())
        assert f"within {WITHIN_PERCENT} percent" in caption
        assert name == "comparison_figure" or f"more than {UNSTABLE_RATIO} times" in caption


def test_the_published_table_itself_agrees_but_for_six_unstable_rows() -> None:
    theirs = typed(published_rows(ROOT / "config/published_results.csv"), PUBLISHED_COLUMNS)
    exact = [
        with_loss(summary(row["faults"], **{name: row[name] for name in KEY}), row["loss"] * 6)
        for row in rows_of(theirs)
    ]
    table = comparison_table(seeds_table(results_table(exact)), theirs, {"mnist": 60000, "cifar10": 60000})
    assert count_verdicts(table) == "72 rows: 66 agree, 6 unstable over seeds"
    np.testing.assert_allclose(table["loss_mean"], table["published_loss"])
    unstable = table[table["verdict"] == "unstable over seeds"]
    assert set(zip(unstable["dataset"], unstable["learning_rate"], strict=True)) == {("mnist", 0.01)}


def test_there_is_one_row_for_each_published_row_in_the_published_order() -> None:
    rows = [published(activation="cos"), published(), published(l2=0.1), published(dataset="cifar10")]
    runs = [summary(200, seed=2), summary(230, seed=1), summary(None, l2=0.1), summary(hidden_units=101)]
    table = compared(runs, pd.concat(rows, ignore_index=True))
    found = list(zip(table["activation"], table["l2"], table["verdict"], strict=True))
    assert found == [("cos", 0.01, "not run"), ("tanh", 0.01, "agrees"), ("tanh", 0.1, "differs")]
    assert table.loc[1, ["seeds", "faults_min", "faults_mean", "faults_max"]].tolist() == [2, 200, 215, 230]
    assert table.loc[[0, 2], ["faults_mean", "faults_min", "loss_mean", "difference_percent"]].isna().all(axis=None)
    (line,) = [line for line in verdicts(table) if line.startswith("Left out: 1 published row ")]
    assert line in comparison_markdown(table)


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged() -> None:
    table = compared([summary(200), summary(900, batch_gradient="mean")], published())
    assert table["batch_gradient"].tolist() == ["sum", "mean"]
    assert table["verdict"].tolist() == ["agrees", "differs"]
    assert [row["BATCH GRADIENT"] for row in markdown_rows(comparison_markdown(table))] == ["sum", "mean"]


@pytest.mark.parametrize("axis", AXES)
def test_the_compared_runs_are_those_that_give_an_experiment_a_comparison(axis: str) -> None:
    others = {"dataset": "cifar10", "activation": "cos", "pixels": "raw", "batch_gradient": "mean"}
    others |= {"schedule": "cosine", "init": "scaled", "dtype": "float64", "train_size": 5, "momentum": 0.9}
    other = summary(validation_faults=1, **{axis: others.get(axis) or getattr(RUN, axis) * 2 or 1})
    in_row = all(getattr(other.run, name) == getattr(RUN, name) for name in KEY)
    compared_too = any(row["verdict"] != "not run" for row in compare([other], published()))
    assert compared_too == (in_row and comparable(other.run))
    assert in_row == (axis not in KEY)


def test_the_comparison_csv_has_its_columns_and_blanks(tmp_path: Path) -> None:
    theirs = pd.concat([published(), published(l2=0.1)], ignore_index=True)
    table = compared([with_loss(summary(210), 1.5)], theirs, 10000)
    write_table(tmp_path / "comparison.csv", table)
    head, first, second = (tmp_path / "comparison.csv").read_text().splitlines()
    assert head.split(",") == list(COMPARISON_COLUMNS)
    assert first.startswith("digits,tanh,5,0.001,50,2,0.01,unit,sum,")
    assert first.endswith(",200,10000,0.0147,10000,1,1,0,210.0,,210,210,1.5,,5.0,agrees,0")
    assert second.endswith(f",200,10000,0.0147{',' * 12}not run,0")
    pd.testing.assert_frame_equal(read_table(tmp_path / "comparison.csv", COMPARISON_COLUMNS), table)


def test_verdicts_are_counted_in_all_and_at_each_learning_rate() -> None:
    theirs = pd.concat([published(l2=l2, learning_rate=rate) for rate in (0.01, 0.001) for l2 in (0.1, 0.2, 0.3)])
    ours = [summary(220, l2=0.1), summary(180, l2=0.2), summary(50, l2=0.2, seed=1), summary(None, l2=0.3)]
    assert verdicts(compared(ours, theirs)) == [
        "All 6 rows: 1 agree, 1 differ, 1 unstable over seeds, 3 not run.",
        "Learning rate 0.001, 3 rows: 1 agree, 1 differ, 1 unstable over seeds.",
        "Learning rate 0.01, 3 rows: 3 not run.",
        "2 with one seed, which cannot show whether they are unstable.",
    ]


def test_people_see_both_sides_and_the_rule() -> None:
    runs = [with_loss(summary(190), 1.25), with_loss(summary(330, seed=1), 1.75)]
    table = compared(runs, pd.concat([published(), published(l2=0.1)]), 10000)
    row, not_run = markdown_rows(comparison_markdown(table))
    assert {name: row[name] for name in list(row)[7:]} == {
        "PUBLISHED FAULTS": "200",
        "MEAN FAULTS": "260.0",
        "OVER SEEDS": "190 to 330",
        "DIFFERENCE": "+30.0%",
        "PUBLISHED LOSS": "0.014700",
        "MEAN LOSS": "1.5000",
        "SD LOSS": "0.35",
        "SEEDS": "2",
        "VERDICT": "agrees",
    }
    assert not_run["MEAN FAULTS"] == not_run["SEEDS"] == ""
    assert RULE in comparison_markdown(table)
    page = comparison_html(compared([summary(300)], published()))
    assert page.count('<tr class="marked">') == 1
    assert RULE in html.unescape(page)


def test_a_dataset_without_a_divisor_is_named_with_its_key() -> None:
    seeds = seeds_table(results_table([summary(211)]))
    with pytest.raises(HandgradError, match=r"^published\.loss_divisor\.digits: missing"):
        comparison_table(seeds, published(), {"cifar10": 10000})
    theirs = pd.concat([published(), published(dataset="cifar10")])
    assert len(comparison_table(seeds, theirs, {"digits": 1})) == 1  # what was not run needs none


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


def test_the_checks_csv_has_every_number_under_one_name(tmp_path: Path) -> None:
    write_table(tmp_path / "checks.csv", checks_table([check(), check(exact=False)]))
    head, line, inexact = (tmp_path / "checks.csv").read_text().splitlines()
    assert head.split(",") == list(CHECK_COLUMNS)
    assert line == (
        "cifar10,tanh,200,5,raw,1e-05,0.01,0,True,61.24,8.0,0.02,"
        '200x3073,614600,7.5,3.6e-05,1e-08,"12,845",1.25,1.5,1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16,'
        '10x201,2010,7.5,2e-07,5e-08,"3,4",1.25,1.5,1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16'
    )
    assert ",61.24,,0.02," in inexact
    assert ",,,,,3e-09," in inexact


def test_people_see_the_largest_differences_of_a_check() -> None:
    table = checks_table([check(exact=False, passed=False), check()])
    failed, row = markdown_rows(checks_markdown(table))
    assert row == {
        "DATASET": "cifar10",
        "AF": "tanh",
        "W1": "200x3073",
        "W2": "10x201",
        "W1 MAX ABS DIFFERENCE": "3.6e-05",
        "W2 MAX ABS DIFFERENCE": "2e-07",
        "RELATIVE": "5e-08",
        "WORST ENTRY": "W2\\[3,4\\]",
        "COMPLEX STEP, RELATIVE": "2e-15",
        "SPOT CHECKS, RELATIVE": "4e-09",
        "TRAINING'S STEP, RELATIVE": "6e-16",
        "SECONDS": "61.24",
        "COMPLEX STEP, SECONDS": "8.00",
        "ENTRY BY ENTRY WOULD TAKE": "3 h 25 min",  # 616,610 entries at 0.02 s
        "PASSED": "yes",
    }
    assert (failed["COMPLEX STEP, RELATIVE"], failed["COMPLEX STEP, SECONDS"], failed["PASSED"]) == ("", "", "NO")
    page = checks_html(table)
    assert 'data-key="12332.2"' in page
    assert page.count('<tr class="marked">') == 1


def test_the_checks_are_shown_with_the_published_check() -> None:
    for text in (checks_markdown(checks_table([])), checks_html(checks_table([]))):
        assert "3.597993445936254e-05" in text
