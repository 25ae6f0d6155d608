"""Which jobs run again after a change (the table of docs/explanation/reruns.md)."""

import shutil
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from .conftest import Project, written

Tiny = Callable[..., dict[str, Any]]

RUNS = "results/runs/**/*.h5"

#: the tiny experiment has one network and one epoch, so the other plots would say nothing
PLOTS = {"plot_heat_maps", "plot_cost", "plot_confusion", "plot_mistakes", "plot_weights"}
OF_RUNS = {"aggregate_results", "aggregate_seeds", "aggregate_best", "aggregate_best_runs", "render_summary"} | PLOTS
OF_CHECKS = {"check_gradients", "aggregate_gradient_checks", "render_summary"}
TRAINING = {"train_run"} | OF_RUNS
ALL = {"preprocess_dataset", "check_gate"} | OF_CHECKS | TRAINING


def name_of(learning_rate: str) -> str:
    return f"results/runs/digits/af_tanh_hu_5_lr_{learning_rate}_bs_50_ep_1_l2_0.01_seed_0.h5"


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"axes": {"learning_rate": ["1e-3", 2.0e-3]}},
        {"checkpoint_seconds": 1},
        {"published": {"table": None}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_config_changes_without_effect_on_results_rerun_nothing(
    finished: Project, tiny: Tiny, changes: dict[str, Any]
) -> None:
    assert finished.plan(tiny(**changes)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["profiles/default", "none"])
def test_new_comments_and_file_times_rerun_nothing(finished: Project, tiny: Tiny, profile: str) -> None:
    for file in (finished.path / "scripts").rglob("*.py"):
        file.write_text(f"# a comment\n{file.read_text()}")
    assert finished.plan(tiny(), "--workflow-profile", profile) == {}


@pytest.mark.parametrize(
    ("changes", "again", "trained"),
    [
        pytest.param({"axes": {"learning_rate": [0.001, 0.002, 0.003]}}, TRAINING, 1, id="one more value"),
        pytest.param({"axes": {"learning_rate": [0.002, 0.001]}}, OF_RUNS, 0, id="another order"),
        pytest.param({"gradient_check": {"hidden_units": 4, "examples": 2}}, OF_CHECKS, 0, id="check settings"),
        pytest.param({"datasets": {"digits": {"class_names": [*"abcdefghij"]}}}, ALL, 2, id="facts about data"),
        pytest.param(
            {"name": "other", "axes": {"learning_rate": [0.002, 0.004]}},
            TRAINING | {"aggregate_gradient_checks"},
            1,
            id="another experiment",
        ),
    ],
)
def test_a_config_change_reruns_the_jobs_that_depend_on_it(
    finished: Project, tiny: Tiny, changes: dict[str, Any], again: set[str], trained: int
) -> None:
    plan = finished.plan(tiny(**changes))
    assert set(plan) == again
    assert plan.get("train_run", 0) == trained


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("handgrad/plots/style.py", " / ", " * ", PLOTS | {"render_summary"}),
        ("handgrad/page/assets/page.css", "{", "{ ", {"render_summary"}),
        ("handgrad/storage/run_writer.py", "round(seconds, 3)", "round(seconds, 4)", TRAINING),
        ("handgrad/training/loop.py", " + ", " - ", ALL - {"preprocess_dataset"}),
        ("handgrad/formats/dataset_reader.py", "values.max() > most", "values.max() >= most", ALL),
    ],
)
def test_a_code_change_reruns_the_jobs_that_depend_on_it(
    finished: Project, tiny: Tiny, file: str, old: str, new: str, again: set[str]
) -> None:
    finished.edit(f"scripts/{file}", old, new)
    assert set(finished.plan(tiny())) == again


@pytest.mark.slow
def test_changed_values_train_only_new_runs_and_update_the_table(finished: Project, tiny: Tiny) -> None:
    runs, data = finished.times(RUNS), finished.times("results/data/*")
    finished.run(tiny(axes={"learning_rate": [0.003, 0.002]}), "--until", "aggregate_results")
    assert written(runs, finished.times(RUNS)) == {name_of("0.003")}
    assert name_of("0.001") in finished.times(RUNS)
    assert finished.times("results/data/*") == data
    table = pd.read_csv(finished.path / "results/tiny/tables/results.csv")
    assert list(table.learning_rate) == [0.003, 0.002]


@pytest.mark.slow
def test_stale_runs_are_refused_even_without_snakemake_metadata(finished: Project, tiny: Tiny) -> None:
    shutil.rmtree(finished.path / ".snakemake")
    finished.edit("scripts/handgrad/network/model.py", "G1 -= l2 * W.W1", "G1 -= 2 * l2 * W.W1")
    (finished.path / "results/tiny/tables/results.csv").unlink()
    output = finished.refuse(tiny(), "--until", "aggregate_results")
    (line,) = (line for line in output.splitlines() if "holds a different result than expected: the code" in line)
    assert name_of("0.001") in line
