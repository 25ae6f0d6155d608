"""What runs again after a change, and what does not: the table of docs/reruns.md."""

import shutil
from collections.abc import Callable
from typing import Any

import h5py
import pandas as pd
import pytest

from .conftest import Project, written

Tiny = Callable[..., dict[str, Any]]

RUNS = "results/runs/**/*.h5"
TABLES = "results/tiny/tables/*"
RESULTS = "results/tiny/tables/results.*"
FIGURES = "results/tiny/figures/**/*.svg"
PAGE = "results/tiny/summary.html"
CHECKS = "results/checks/gradients/*"


def name_of(learning_rate: str) -> str:
    return f"results/runs/digits/af_tanh_hu_5_lr_{learning_rate}_bs_50_ep_1_l2_0.01_seed_0.h5"


def test_a_second_snakemake_does_nothing(finished: Project, tiny: Tiny) -> None:
    before = finished.times("results/**/*")
    assert "Nothing to be done" in finished.run(tiny())
    assert finished.times("results/**/*") == before


def test_a_new_learning_rate_trains_only_the_new_run(finished: Project, tiny: Tiny) -> None:
    runs, tables = finished.times(RUNS), finished.times(TABLES)
    finished.run(tiny(axes={"learning_rate": [0.001, 0.002, 0.003]}))
    assert written(runs, finished.times(RUNS)) == {name_of("0.003")}
    assert "results/tiny/tables/results.csv" in written(tables, finished.times(TABLES))
    table = pd.read_csv(finished.path / "results/tiny/tables/results.csv")
    assert list(table.learning_rate) == [0.001, 0.002, 0.003]


@pytest.mark.slow
def test_a_removed_learning_rate_loses_its_row_and_keeps_its_file(finished: Project, tiny: Tiny) -> None:
    runs = finished.times(RUNS)
    finished.run(tiny(axes={"learning_rate": 0.002}))
    assert finished.times(RUNS) == runs
    assert name_of("0.001") in runs
    table = pd.read_csv(finished.path / "results/tiny/tables/results.csv")
    assert list(table.learning_rate) == [0.002]


def test_a_value_written_otherwise_is_the_same_run(finished: Project, tiny: Tiny) -> None:
    runs = finished.times(RUNS)
    finished.run(tiny(axes={"learning_rate": ["1e-3", 2.0e-3]}))
    assert finished.times(RUNS) == runs


DATA = "results/data/*"
GATE = "results/checks/gate/*"


@pytest.mark.parametrize(
    ("file", "again", "untouched"),
    [
        pytest.param("handgrad/plots/style.py", [FIGURES], [DATA, GATE, CHECKS, RUNS, TABLES], id="plots"),
        pytest.param(
            "handgrad/tables/gradient_checks.py",
            [],
            [DATA, GATE, CHECKS, RUNS, FIGURES],
            marks=pytest.mark.slow,
            id="one table",
        ),
        pytest.param(
            "handgrad/tables/statistics.py",
            [RESULTS],
            [DATA, GATE, CHECKS, RUNS],
            marks=pytest.mark.slow,
            id="statistics",
        ),
        pytest.param(
            "handgrad/page/assets/page.css",
            [PAGE],
            [DATA, GATE, CHECKS, RUNS, TABLES, FIGURES],
            marks=pytest.mark.slow,
            id="the page",
        ),
        pytest.param(
            "plot_accuracy.py",
            [],
            [DATA, GATE, CHECKS, RUNS, TABLES],
            marks=pytest.mark.slow,
            id="script of a plot",
        ),
        pytest.param(
            "handgrad/gradient_check/report.py",
            [CHECKS],
            [DATA, GATE, RUNS],
            marks=pytest.mark.slow,
            id="the report's check",
        ),
        pytest.param(
            "handgrad/gradient_check/check.py",
            [GATE, CHECKS, RUNS],
            [DATA],
            marks=pytest.mark.slow,
            id="the check",
        ),
        pytest.param("handgrad/network/model.py", [GATE, CHECKS, RUNS], [DATA], marks=pytest.mark.slow, id="model"),
        pytest.param("handgrad/training/loop.py", [GATE, CHECKS, RUNS], [DATA], marks=pytest.mark.slow, id="training"),
        pytest.param(
            "handgrad/storage/run_writer.py",
            [RUNS],
            [DATA, GATE, CHECKS],
            marks=pytest.mark.slow,
            id="run file",
        ),
        pytest.param("train_run.py", [RUNS], [DATA, GATE, CHECKS], marks=pytest.mark.slow, id="script of training"),
        pytest.param(
            "handgrad/datasets/formats.py",
            [DATA, GATE, CHECKS, RUNS],
            [],
            marks=pytest.mark.slow,
            id="reading of files",
        ),
    ],
)
def test_a_change_of_code_runs_again_what_depends_on_it_and_nothing_else(
    finished: Project, tiny: Tiny, file: str, again: list[str], untouched: list[str]
) -> None:
    before = {pattern: finished.times(pattern) for pattern in [*again, *untouched]}
    with (finished.path / "scripts" / file).open("a") as code:
        code.write("\n/* another */\n" if file.endswith(".css") else "\nanother = 1\n")
    finished.run(tiny())
    for pattern in again:
        assert written(before[pattern], finished.times(pattern)) == set(before[pattern])
    for pattern in untouched:
        assert finished.times(pattern) == before[pattern]


def test_a_touch_runs_nothing_again(finished: Project, tiny: Tiny) -> None:
    for file in (finished.path / "scripts").rglob("*.py"):
        file.touch()
    assert "Nothing to be done" in finished.run(tiny())


@pytest.mark.slow
def test_changing_the_settings_of_the_reports_check_retrains_nothing(finished: Project, tiny: Tiny) -> None:
    runs, checks, gate = finished.times(RUNS), finished.times(CHECKS), finished.times(GATE)
    finished.run(tiny(gradient_check={"hidden_units": 4, "examples": 2}))
    assert finished.times(RUNS) == runs
    assert finished.times(GATE) == gate
    assert len(written(checks, finished.times(CHECKS))) == 1


@pytest.mark.slow
def test_another_order_of_values_is_another_order_of_rows(finished: Project, tiny: Tiny) -> None:
    runs = finished.times(RUNS)
    finished.run(tiny(axes={"learning_rate": [0.002, 0.001]}))
    assert finished.times(RUNS) == runs
    table = pd.read_csv(finished.path / "results/tiny/tables/results.csv")
    assert list(table.learning_rate) == [0.002, 0.001]


def test_stale_runs_are_refused_when_snakemake_has_forgotten_how_they_were_made(finished: Project, tiny: Tiny) -> None:
    shutil.rmtree(finished.path / ".snakemake")
    with (finished.path / "scripts/handgrad/network/model.py").open("a") as code:
        code.write("\nanother = 1\n")
    (finished.path / "results/tiny/tables/results.csv").unlink()
    said = finished.refuse(tiny())
    lines = [line for line in said.splitlines() if "holds another result than expected: the code" in line]
    assert len(lines) == 1
    assert name_of("0.001") in lines[0]


@pytest.mark.slow
def test_training_again_gives_the_same_run(finished: Project, tiny: Tiny) -> None:
    path = finished.path / name_of("0.001")
    with h5py.File(path) as file:
        first = file.attrs["content_sha256"]
    path.unlink()
    shutil.rmtree(finished.path / "results/checkpoints")
    finished.run(tiny())
    with h5py.File(path) as file:
        assert file.attrs["content_sha256"] == first


@pytest.mark.slow
def test_another_experiment_reuses_shared_runs_and_leaves_the_first_tables_alone(finished: Project, tiny: Tiny) -> None:
    runs, first = finished.times(RUNS), finished.times("results/tiny/**/*")
    finished.run(tiny("other", axes={"learning_rate": [0.002, 0.004]}))
    assert written(runs, finished.times(RUNS)) == {name_of("0.004")}
    assert finished.times("results/tiny/**/*") == first
    table = pd.read_csv(finished.path / "results/other/tables/results.csv")
    assert list(table.learning_rate) == [0.002, 0.004]


@pytest.mark.slow
def test_other_facts_about_the_data_make_data_and_runs_again(finished: Project, tiny: Tiny) -> None:
    runs = finished.times(RUNS)
    names = [f"digit {n}" for n in range(10)]
    finished.run(tiny(datasets={"digits": {"class_names": names}}))
    assert written(runs, finished.times(RUNS)) == set(runs)
    with h5py.File(finished.path / "results/data/digits.h5") as file:
        assert list(file.attrs["class_names"]) == names
