"""Tables: what stands in them, to the character where a program or a reader relies on it."""

import html
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.common.errors import HandgradError
from handgrad.experiment.published import comparable, published_rows
from handgrad.experiment.runs import AXES, Run
from handgrad.storage.run_reader import Summary
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
from handgrad.tables.gradient_checks import (
    CHECK_COLUMNS,
    PUBLISHED_CHECK,
    check_row,
    checks_html,
    checks_markdown,
    checks_table,
    duration,
)
from handgrad.tables.results import (
    RESULT_COLUMNS,
    result_columns,
    results_html,
    results_markdown,
    results_table,
)
from handgrad.tables.seeds import seeds_table
from handgrad.tables.table import (
    Column,
    html_page,
    markdown_table,
    markdown_text,
    read_table,
    rows_of,
    write_table,
    write_text,
)

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


def summary(faults: int | None = 272, *, size: int = 10000, loss: float | None = 0.09, **axes: Any) -> Summary:
    status = "diverged" if faults is None else "finished"
    loss = None if faults is None else loss
    return Summary(replace(RUN, **axes), status, size, faults, loss, 12.345, {}, "c0ffee", {})


def published(**values: Any) -> pd.DataFrame:
    row = {**{name: getattr(RUN, name) for name in KEY}, "faults": 200, "test_size": 10000, "loss": 0.0147}
    return pd.DataFrame([{**row, **values}])


def compare(summaries: list[Summary], theirs: pd.DataFrame, divisor: float = 60000) -> list[dict[str, Any]]:
    return rows_of(comparison_table(seeds_table(results_table(summaries)), theirs, {"mnist": divisor}))


# --- results ---


def test_the_results_csv_has_plain_names_and_full_precision(tmp_path: Path) -> None:
    third = summary(1, size=3, loss=1 / 3, learning_rate=1e-05, hidden_units=7)
    write_table(tmp_path / "results.csv", results_table([third, summary(None, train_size=50)]))
    assert (tmp_path / "results.csv").read_bytes().decode() == (
        "dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2,seed,pixels,batch_gradient,"
        "momentum,schedule,init,dtype,train_size,validation_size,status,faults,test_size,accuracy,accuracy_low,accuracy_high,loss,"
        "validation_faults,against_best,p_holm,seconds,content_sha256,run\n"
        "mnist,tanh,7,1e-05,100,20,0.01,0,unit,sum,0.0,constant,published,float32,,0,finished,1,3,0.6666666666666666,,,"
        "0.3333333333333333,,,,12.345,c0ffee,af_tanh_hu_7_lr_1e-05_bs_100_ep_20_l2_0.01_seed_0\n"
        "mnist,tanh,100,0.001,100,20,0.01,0,unit,sum,0.0,constant,published,float32,50,0,diverged,,10000,,,,"
        ",,,,12.345,c0ffee,af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0_train_50\n"
    )


def test_every_axis_is_a_column_of_the_results() -> None:
    assert RESULT_COLUMNS[: len(AXES)] == AXES


@given(
    loss=st.floats(allow_nan=False, allow_infinity=False),
    rate=st.floats(min_value=1e-300, max_value=1e300),
    faults=st.none() | st.integers(0, 10000),
    dataset=st.sampled_from(["mnist", "NA", "null", "nan", "1e5", "a,b", '"', "$x_1$", "ä"]),
)
def test_a_table_that_is_written_is_read(tmp_path_factory, loss, rate, faults, dataset) -> None:
    path = tmp_path_factory.mktemp("table") / "results.csv"
    table = results_table([summary(faults, loss=loss, learning_rate=rate, dataset=dataset)])
    write_table(path, table)
    pd.testing.assert_frame_equal(read_table(path, RESULT_COLUMNS), table, check_exact=True)


def test_a_table_without_rows_is_written_and_read(tmp_path: Path) -> None:
    table = results_table([])
    write_table(tmp_path / "results.csv", table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "results.csv", RESULT_COLUMNS), table)
    assert results_markdown(table).startswith("| DATASET")
    assert "0 runs" in results_html(table)


def test_rows_stand_in_the_order_given() -> None:
    sizes = [300, 100, 200]
    table = results_table([summary(hidden_units=size) for size in sizes])
    assert table["hidden_units"].tolist() == sizes


def test_the_markdown_has_the_published_columns_in_the_published_order() -> None:
    text = results_markdown(results_table([summary(loss=0.5), summary(None, activation="cos")]))
    assert [re.sub(" +", " ", line) for line in text.splitlines()[:-2]] == [
        "| DATASET | AF | HU | LR | BS | EP | lambda | PREC | FAULTS | LOSS | STATUS | SECONDS |",
        "|:----------|:-----|-----:|------:|-----:|-----:|---------:|-------:|----------:|--------:|:---------|"
        "----------:|",
        "| mnist | tanh | 100 | 0.001 | 100 | 20 | 0.01 | 97.28% | 272/10000 | 0.50000 | finished | 12.3 |",
        "| mnist | cos | 100 | 0.001 | 100 | 20 | 0.01 | | | | diverged | 12.3 |",
    ]


def titles(*summaries: Summary) -> list[str]:
    return [column.title for column in result_columns(results_table(summaries))]


def test_other_axes_are_shown_where_they_tell_something() -> None:
    usual = titles(summary())
    assert usual[7:] == ["PREC", "FAULTS", "LOSS", "STATUS", "SECONDS"]
    assert titles(summary(seed=5)) == usual
    assert titles(summary(), summary(seed=1)) == [*usual[:10], "SEED", *usual[10:]]
    assert titles(summary(pixels="raw")) == [*usual[:10], "PIXELS", *usual[10:]]
    assert titles(summary(train_size=50, batch_gradient="mean"), summary()) == [
        *usual[:10],
        "BATCH GRADIENT",
        "TRAIN SIZE",
        *usual[10:],
    ]


def test_a_training_size_of_none_is_shown_as_all() -> None:
    lines = results_markdown(results_table([summary(train_size=50), summary()])).splitlines()
    assert " 50 |" in lines[2]
    assert " all |" in lines[3]


# --- Markdown and HTML ---

AWKWARD = 'a|b <script>alert("&")</script> $x_1$ *b* `c` _d_ \\ [e](f) ~g~\nnext'


def test_markdown_shows_awkward_text_as_it_is() -> None:
    assert markdown_text(AWKWARD) == (
        'a\\|b &lt;script&gt;alert("&amp;")&lt;/script&gt; \\$x_1\\$ \\*b\\* \\`c\\` \\_d\\_ \\\\ '
        "\\[e\\](f) \\~g\\~ next"
    )
    assert markdown_text("af_tanh_hu_100_lr_1e-05") == "af_tanh_hu_100_lr_1e-05"


def test_awkward_text_does_not_add_cells_or_lines() -> None:
    columns = [Column(AWKWARD, lambda row: row["x"], numeric=False), Column("n", lambda row: "1.50")]
    lines = markdown_table(columns, [{"x": AWKWARD}, {"x": ""}]).splitlines()
    assert len(lines) == 4
    assert [line.replace("\\|", "").count("|") for line in lines] == [3, 3, 3, 3]
    assert "1.50" in lines[2]


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


def test_html_shows_awkward_text_as_it_is() -> None:
    columns = [Column(AWKWARD, lambda row: row["x"], numeric=False)]
    page = Page(html_page(AWKWARD, AWKWARD, columns, [{"x": AWKWARD}], lambda row: False))
    assert "script" not in page.tags
    assert [cell.strip() for cell in page.cells] == [AWKWARD, AWKWARD]


def test_braces_in_a_label_do_not_break_the_page() -> None:
    assert "{title} {0}" in results_html(results_table([summary(dataset="{title} {0}")]))


def test_html_marks_a_diverged_run_in_words_too() -> None:
    text = results_html(results_table([summary(), summary(None)]))
    rows = [line for line in text.splitlines() if line.startswith("<tr")]
    assert ['class="marked"' in row for row in rows] == [False, True]
    assert "<td>diverged</td>" in rows[1]
    assert "2 runs, 1 diverged" in text
    assert '<th scope="col" class="n" data-choose>λ</th>' in text
    assert '<td class="n">272/10000</td>' in rows[0]


def test_html_and_markdown_show_the_same_cells() -> None:
    table = results_table([summary(), summary(None, pixels="raw")])
    page = Page(results_html(table))
    lines = results_markdown(table).splitlines()[:-2]
    cells = [cell.strip() for line in (lines[0], *lines[2:]) for cell in line.strip("|").split("|")]
    assert [cell.strip() for cell in page.cells] == [cell.replace("lambda", "λ") for cell in cells]


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


def test_an_absent_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HandgradError, match=r"absent\.csv: cannot be read"):
        read_table(tmp_path / "absent.csv", PUBLISHED_COLUMNS)


# --- comparison ---


def test_losses_are_compared_in_the_published_normalisation() -> None:
    # 0.09 a test example is 900 for the 10,000 test images, and 900 / 60,000 = 0.015.
    (row,) = compare([summary(220, loss=0.08), summary(220, loss=0.1, seed=1)], published())
    assert row["loss_mean"] == pytest.approx(0.015, rel=1e-12)
    assert row["loss_sd"] == pytest.approx(0.0002**0.5 / 6)
    assert (row["published_faults"], row["faults_mean"], row["published_loss"]) == (200, 220, 0.0147)
    assert row["difference_percent"] == 10.0
    (row,) = compare([summary(150, loss=1.5)], published(), divisor=10000)
    assert (row["loss_mean"], row["difference_percent"]) == (1.5, -25.0)


def test_another_number_of_test_examples_is_taken_in_proportion() -> None:
    # 200 of 10,000 are 10 of 500; 11 are 10 percent more. The loss is what the published set would give.
    (row,) = compare([summary(11, size=500, loss=0.09)], published())
    assert row["difference_percent"] == pytest.approx(10)
    assert row["loss_mean"] == pytest.approx(0.015)
    (row,) = compare([summary(8, size=500), summary(14, size=500, seed=1)], published(faults=160))
    assert (row["verdict"], row["difference_percent"]) == ("agrees", 37.5)  # 160 of 10,000 are 8 of 500


@pytest.mark.parametrize(("faults", "verdict"), [(5, "differs"), (0, "agrees")])
def test_published_faults_of_none_at_all_are_no_error(faults: int, verdict: str) -> None:
    (row,) = compare([summary(faults)], published(faults=0))
    assert row["verdict"] == verdict


VERDICT_CASES = {
    # of 200 published faults
    "10 percent more": ([220], "agrees"),
    "10 percent less": ([180], "agrees"),
    "a little more than that": ([221], "differs"),
    "much less": ([100], "differs"),
    "mean within": ([150, 230], "agrees"),
    "between the seeds": ([200, 300], "agrees"),
    "outside the seeds": ([221, 300], "differs"),
    "just stable": ([150, 300], "agrees"),
    "just unstable": ([150, 301], "unstable over seeds"),
    "one of several diverged": ([200, 200, None], "unstable over seeds"),
    "all diverged": ([None, None], "differs"),
    "no faults, and some": ([0, 3], "unstable over seeds"),
}


@pytest.mark.parametrize(("faults", "expected"), VERDICT_CASES.values(), ids=VERDICT_CASES.keys())
def test_the_verdict_follows_the_rule(faults: list[int | None], expected: str) -> None:
    (row,) = compare([summary(count, seed=seed) for seed, count in enumerate(faults)], published())
    assert row["verdict"] == expected
    assert (WITHIN_PERCENT, UNSTABLE_RATIO) == (10, 2)


@pytest.mark.parametrize(
    ("faults", "fewest", "most", "expected"),
    [
        ([200], 100, 201, "unstable over seeds"),
        ([500], 100, 201, "unstable over seeds"),
        ([None], 100, 201, "unstable over seeds"),
        ([200], 100, 200, "agrees"),
        ([500], 100, 200, "differs"),
        ([200], None, None, "agrees"),
        ([200] * 4, 100, 201, "unstable over seeds"),
        ([200] * 5, 100, 201, "agrees"),
    ],
)
def test_a_row_known_to_be_unstable_is_so_until_enough_seeds_were_run(
    faults: list[int | None], fewest: int | None, most: int | None, expected: str
) -> None:
    theirs = published(seeds_fewest_faults=fewest, seeds_most_faults=most)
    (row,) = compare([summary(count, seed=seed) for seed, count in enumerate(faults)], theirs)
    assert row["verdict"] == expected


def test_the_six_rows_of_the_docs_are_known_to_be_unstable() -> None:
    rows = published_rows(ROOT / "config/published_results.csv")
    unstable = [row for row in rows if (row["seeds_most_faults"] or 0) > 2 * (row["seeds_fewest_faults"] or 0)]
    assert len(unstable) == 6
    assert {(row["dataset"], row["learning_rate"]) for row in unstable} == {("mnist", 0.01)}


def test_published_rows_of_other_datasets_are_left_out_and_counted() -> None:
    theirs = pd.concat([published(), *[published(dataset="cifar10", l2=l2) for l2 in (1, 2, 3)]])
    table = comparison_table(seeds_table(results_table([summary(210)])), theirs, {"mnist": 10000})
    assert list(table["dataset"]) == ["mnist"]
    (line,) = [line for line in verdicts(table) if "left out" in line]
    assert line.startswith("3 ")
    assert line in comparison_markdown(table)
    assert line in comparison_html(table)


def test_there_is_one_row_for_each_published_row_in_the_published_order() -> None:
    theirs = pd.concat([published(activation="cos"), published(), published(l2=0.1)], ignore_index=True)
    runs = [summary(200, seed=2), summary(230, seed=1), summary(None, l2=0.1), summary(hidden_units=101)]
    rows = compare(runs, theirs)
    assert [(row["activation"], row["l2"], row["verdict"]) for row in rows] == [
        ("cos", 0.01, "not run"),
        ("tanh", 0.01, "agrees"),
        ("tanh", 0.1, "differs"),
    ]
    assert [rows[1][name] for name in ("seeds", "faults_min", "faults_mean", "faults_max")] == [
        2,
        200,
        215,
        230,
    ]
    for row in (rows[0], rows[2]):
        for name in ("faults_mean", "faults_min", "loss_mean", "difference_percent"):
            assert pd.isna(row[name])


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged() -> None:
    table = comparison_table(
        seeds_table(results_table([summary(200), summary(900, batch_gradient="mean")])),
        published(),
        {"mnist": 60000},
    )
    assert table["batch_gradient"].tolist() == ["sum", "mean"]
    assert table["verdict"].tolist() == ["agrees", "differs"]
    assert "BATCH GRADIENT" in comparison_markdown(table)


@pytest.mark.parametrize("axes", [{"train_size": 5}, {"validation_size": 1}])
def test_runs_on_part_of_the_training_images_are_left_out(axes: dict[str, int]) -> None:
    (row,) = compare([replace(summary(**axes), history={"validation_faults": [1]})], published())
    assert row["verdict"] == "not run"


@pytest.mark.parametrize("axes", [{"momentum": 0.9}, {"schedule": "cosine"}, {"init": "scaled"}])
def test_runs_with_another_update_rule_or_other_initial_weights_are_left_out(axes: dict[str, Any]) -> None:
    (row,) = compare([summary(**axes)], published())
    assert row["verdict"] == "not run"
    (row,) = compare([summary(900, **axes), summary(200)], published())
    assert (row["verdict"], row["faults_mean"]) == ("agrees", 200)


def test_the_same_runs_are_compared_as_make_an_experiment_have_a_comparison() -> None:
    others = {"dataset": "digits", "activation": "cos", "pixels": "raw", "batch_gradient": "mean"}
    others |= {"schedule": "cosine", "init": "scaled", "dtype": "float64", "train_size": 5, "momentum": 0.9}
    for axis in AXES:
        other = summary(**{axis: others.get(axis) or getattr(RUN, axis) * 2 or 1})
        rows = compare([replace(other, history={"validation_faults": [1]})], published())
        in_row = all(getattr(other.run, name) == getattr(RUN, name) for name in KEY)
        compared = any(row["verdict"] != "not run" for row in rows)
        assert compared == (in_row and comparable(other.run)), axis


@pytest.mark.parametrize("axis", KEY)
def test_a_run_that_differs_in_a_key_is_not_compared(axis: str) -> None:
    other = {"dataset": "digits", "activation": "cos"}.get(axis) or getattr(RUN, axis) * 2
    rows = compare([summary(**{axis: other})], published())
    assert [row["verdict"] for row in rows] == ([] if axis == "dataset" else ["not run"])


def test_the_comparison_csv_has_its_columns_and_blanks(tmp_path: Path) -> None:
    theirs = pd.concat([published(), published(l2=0.1)], ignore_index=True)
    table = comparison_table(seeds_table(results_table([summary(210, loss=1.5)])), theirs, {"mnist": 10000})
    write_table(tmp_path / "comparison.csv", table)
    head, first, second = (tmp_path / "comparison.csv").read_text().splitlines()
    assert head.split(",") == list(COMPARISON_COLUMNS)
    assert head.startswith("dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2,pixels,")
    assert first.startswith("mnist,tanh,100,0.001,100,20,0.01,unit,sum,")
    assert first.endswith(",200,10000,0.0147,10000,1,1,0,210.0,,210,210,1.5,,5.0,agrees,0")
    assert second.startswith("mnist,tanh,100,0.001,100,20,0.1,,")
    assert second.endswith(f",200,10000,0.0147{',' * 12}not run,0")
    again = read_table(tmp_path / "comparison.csv", COMPARISON_COLUMNS)
    pd.testing.assert_frame_equal(again, table)


def test_verdicts_are_counted_in_all_and_at_each_learning_rate() -> None:
    theirs = pd.concat([published(l2=l2, learning_rate=rate) for rate in (0.01, 0.001) for l2 in (0.1, 0.2, 0.3, 0.4)])
    ours = [
        summary(220, l2=0.1),
        summary(221, l2=0.1, seed=1),
        summary(180, l2=0.2),
        summary(50, l2=0.2, seed=1),
        summary(None, l2=0.3),
        summary(500, l2=0.1, learning_rate=0.01),
    ]
    table = comparison_table(seeds_table(results_table(ours)), theirs, {"mnist": 60000})
    assert verdicts(table) == [
        "All 8 rows: 3 differ, 1 unstable over seeds, 4 not run.",
        "Learning rate 0.001, 4 rows: 2 differ, 1 unstable over seeds, 1 not run.",
        "Learning rate 0.01, 4 rows: 1 differ, 3 not run.",
        "2 with one seed, which cannot show whether they are unstable.",
    ]
    assert comparison_markdown(table).splitlines()[:4] == [f"- {line}" for line in verdicts(table)]


def test_the_markdown_of_a_comparison_shows_both() -> None:
    runs = [summary(190, loss=1.25), summary(230, loss=1.75, seed=1)]
    table = comparison_table(seeds_table(results_table(runs)), published(), {"mnist": 10000})
    _, _, _, head, _, row, *rest = comparison_markdown(table).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, row)]
    assert dict(zip(*cells, strict=True)) == {
        "DATASET": "mnist",
        "AF": "tanh",
        "HU": "100",
        "LR": "0.001",
        "BS": "100",
        "EP": "20",
        "lambda": "0.01",
        "PUBLISHED FAULTS": "200",
        "MEAN FAULTS": "210.0",
        "OVER SEEDS": "190 to 230",
        "DIFFERENCE": "+5.0%",
        "PUBLISHED LOSS": "0.014700",
        "MEAN LOSS": "1.5000",
        "SD LOSS": "0.35",
        "SEEDS": "2",
        "VERDICT": "agrees",
    }
    assert rest == ["", RULE]


def test_a_dataset_without_a_divisor_is_named_with_its_key() -> None:
    with pytest.raises(HandgradError, match=r"^published\.loss_divisor\.mnist: missing"):
        comparison_table(seeds_table(results_table([summary(211)])), published(), {"cifar10": 10000})


def test_a_published_dataset_that_was_not_run_needs_no_divisor() -> None:
    theirs = pd.concat([published(), published(dataset="cifar10")])
    assert len(comparison_table(seeds_table(results_table([summary(211)])), theirs, {"mnist": 1})) == 1


def test_the_published_table_itself_can_be_compared() -> None:
    theirs = read_table(ROOT / "config/published_results.csv", PUBLISHED_COLUMNS)
    exact = [
        summary(row["faults"], loss=row["loss"] * 6, **{name: row[name] for name in KEY}) for row in rows_of(theirs)
    ]
    seeds = seeds_table(results_table(exact))
    table = comparison_table(seeds, theirs, {"mnist": 60000, "cifar10": 60000})
    assert count_verdicts(table) == "72 rows: 66 agree, 6 unstable over seeds"
    np.testing.assert_allclose(table["loss_mean"], table["published_loss"])
    assert (table["difference_percent"] == 0).all()


# --- gradient checks ---


def step(absolute: float, relative: float, entry: list[int]) -> dict[str, Any]:
    return {
        "max_abs_difference": absolute,
        "max_rel_difference": relative,
        "worst_entry": entry,
        "analytic": 1.25,
        "numeric": 1.5,
    }


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
    return {
        "dataset": "cifar10",
        "activation": "tanh",
        "hidden_units": 200,
        "examples": 5,
        "pixels": "raw",
        "epsilon": 1e-05,
        "l2": 0.01,
        "seed": 0,
        "passed": passed,
        "seconds_central": 61.24,
        "seconds_complex": 8.0 if exact else None,
        "plain_seconds_an_entry": 0.02,
        "blocks": {
            "W1": block([200, 3073], step(3.6e-05, 1e-08, [12, 845]), exact_step),
            "W2": block([10, 201], step(2e-07, 5e-08, [3, 4]), exact_step),
        },
    }


def shown(table: pd.DataFrame) -> list[dict[str, str]]:
    head, _, *rows = checks_markdown(table).split("\n\n")[0].splitlines()
    titles, *cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, *rows))
    return [dict(zip(titles, row, strict=True)) for row in cells]


def test_the_checks_csv_has_every_figure_under_one_name(tmp_path: Path) -> None:
    row = check_row(check(), tmp_path)
    write_table(tmp_path / "checks.csv", checks_table([row]))
    head, line = (tmp_path / "checks.csv").read_text().splitlines()
    assert head.split(",") == list(CHECK_COLUMNS)
    assert line == (
        "cifar10,tanh,200,5,raw,1e-05,0.01,0,True,61.24,8.0,0.02,"
        '200x3073,614600,7.5,3.6e-05,1e-08,"12,845",1.25,1.5,1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16,'
        '10x201,2010,7.5,2e-07,5e-08,"3,4",1.25,1.5,1e-14,2e-15,"1,2",1.25,1.5,3e-09,20,4e-09,6e-16,5e-16'
    )


def test_the_checks_markdown_shows_what_the_published_check_reported(tmp_path: Path) -> None:
    table = checks_table([check_row(check(), tmp_path)])
    (row,) = shown(table)
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
        "ENTRY BY ENTRY WOULD TAKE": "3 h 26 min",  # 616,610 entries at 0.02 s
        "PASSED": "yes",
    }
    assert checks_markdown(table).endswith(f"\n\n{PUBLISHED_CHECK}\n")
    assert "3.597993445936254e-05" in PUBLISHED_CHECK


def test_an_activation_without_a_complex_form_leaves_blanks(tmp_path: Path) -> None:
    checks = [check(exact=False, passed=False), check()]
    rows = [check_row(content, tmp_path) for content in checks]
    table = checks_table(rows)
    write_table(tmp_path / "checks.csv", table)
    assert ",,,,,3e-09," in (tmp_path / "checks.csv").read_text().splitlines()[1]
    first, second = shown(table)
    assert (first["COMPLEX STEP, RELATIVE"], first["COMPLEX STEP, SECONDS"], first["PASSED"]) == (
        "",
        "",
        "NO",
    )
    assert second["PASSED"] == "yes"


def test_a_table_of_no_checks_is_a_table() -> None:
    assert shown(checks_table([])) == []


@pytest.mark.parametrize("content", [{}, {"blocks": 1}, {**check(), "blocks": {}}])
def test_what_is_no_check_is_refused_in_one_line(content: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    with pytest.raises(HandgradError) as caught:
        check_row(content, path)
    assert str(caught.value).startswith(f"{path}: cannot be read as a gradient check")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (99.4, "99 s"), (99.6, "2 min"), (3599, "1 h 0 min"), (12600, "3 h 30 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# --- captions ---


@pytest.mark.parametrize("name", ["comparison", "comparison_figure"])
def test_captions_state_the_thresholds_that_are_used(name: str) -> None:
    caption = " ".join((ROOT / f"workflow/report/{name}.rst").read_text().split())
    assert f"within {WITHIN_PERCENT} percent" in caption
    assert name == "comparison_figure" or f"more than {UNSTABLE_RATIO} times" in caption


def test_the_docs_state_the_rule_of_the_verdicts() -> None:
    text = (ROOT / "docs/reproduction.md").read_text().replace("\n> ", "\n")
    assert RULE in " ".join(text.split())


def test_the_page_escapes_quotes_in_text() -> None:
    assert html.escape('"') in html_page('"', "", [], [], lambda row: False)


def test_the_comparison_page_counts_marks_what_differs_and_states_the_rule() -> None:
    theirs = pd.concat([published(), published(l2=0.1), published(l2=0.2)])
    seeds = seeds_table(results_table([summary(211), summary(300, l2=0.1)]))
    page = comparison_html(comparison_table(seeds, theirs, {"mnist": 1}))
    assert "All 3 rows: 1 agree, 1 differ, 1 not run." in page
    assert html.escape(RULE) in page
    assert page.count('<tr class="marked">') == 1


def test_the_page_of_checks_tells_what_the_published_check_reported() -> None:
    assert "3.597993445936254e-05" in checks_html(checks_table([]))


def test_times_in_words_sort_by_their_seconds(tmp_path: Path) -> None:
    page = checks_html(checks_table([check_row(check(), tmp_path)]))
    assert '<td class="n" data-key="12332.2">3 h 26 min</td>' in page  # 616,610 entries of 0.02 s
