"""What runs again after a change, and what does not: the table of docs/reruns.md."""

from collections.abc import Callable
from typing import Any

import h5py
import pandas as pd
import pytest

from .conftest import Project, written

Tiny = Callable[..., dict[str, Any]]

RUNS = "results/runs/**/*.h5"
TABLES = "results/tiny/tables/*"
FIGURES = "results/tiny/figures/**/*.svg"
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


def test_changing_what_only_plots_use_remakes_figures_and_retrains_nothing(
    finished: Project, tiny: Tiny
) -> None:
    runs, figures = finished.times(RUNS), finished.times(FIGURES)
    with (finished.path / "scripts/handgrad/plot_style.py").open("a") as file:
        file.write("\n# another comment\n")
    finished.run(tiny())
    assert finished.times(RUNS) == runs
    assert written(figures, finished.times(FIGURES)) == set(figures)


def test_changing_the_settings_of_the_reports_check_retrains_nothing(finished: Project, tiny: Tiny) -> None:
    runs, checks, gate = finished.times(RUNS), finished.times(CHECKS), finished.times("results/checks/gate/*")
    finished.run(tiny(gradient_check={"hidden_units": 4, "examples": 2}))
    assert finished.times(RUNS) == runs
    assert finished.times("results/checks/gate/*") == gate
    assert len(written(checks, finished.times(CHECKS))) == 1


def test_what_a_changed_check_has_not_passed_is_not_trained_on(finished: Project, tiny: Tiny) -> None:
    runs, gate = finished.times(RUNS), finished.times("results/checks/gate/*")
    with (finished.path / "scripts/handgrad/gradient_check.py").open("a") as file:
        file.write("\n# another comment\n")
    finished.run(tiny())
    assert written(gate, finished.times("results/checks/gate/*")) == set(gate)
    assert written(runs, finished.times(RUNS)) == set(runs)


@pytest.mark.parametrize("module", ["model", "training", "runfile"])
def test_changing_a_file_that_training_imports_retrains(finished: Project, tiny: Tiny, module: str) -> None:
    runs = finished.times(RUNS)
    with (finished.path / f"scripts/handgrad/{module}.py").open("a") as file:
        file.write("\n# another comment\n")
    finished.run(tiny())
    assert written(runs, finished.times(RUNS)) == set(runs)


def test_training_again_gives_the_same_run(finished: Project, tiny: Tiny) -> None:
    path = finished.path / name_of("0.001")
    with h5py.File(path) as file:
        first = file.attrs["content_sha256"]
    path.unlink()
    finished.run(tiny())
    with h5py.File(path) as file:
        assert file.attrs["content_sha256"] == first


def test_another_experiment_reuses_shared_runs_and_leaves_the_first_tables_alone(
    finished: Project, tiny: Tiny
) -> None:
    runs, first = finished.times(RUNS), finished.times("results/tiny/**/*")
    finished.run(tiny("other", axes={"learning_rate": [0.002, 0.004]}))
    assert written(runs, finished.times(RUNS)) == {name_of("0.004")}
    assert finished.times("results/tiny/**/*") == first
    table = pd.read_csv(finished.path / "results/other/tables/results.csv")
    assert list(table.learning_rate) == [0.002, 0.004]


def test_other_facts_about_the_data_make_data_and_runs_again(finished: Project, tiny: Tiny) -> None:
    runs = finished.times(RUNS)
    names = [f"digit {n}" for n in range(10)]
    finished.run(tiny(datasets={"digits": {"class_names": names}}))
    assert written(runs, finished.times(RUNS)) == set(runs)
    with h5py.File(finished.path / "results/data/digits.h5") as file:
        assert list(file.attrs["class_names"]) == names
