"""Seeds, statistics and the comparison, as a user of the workflow meets them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from .conftest import Project, written

#: each makes every table and figure, some of them twice
pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]

KEY = "dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2"
HEAD = f"{KEY},precision_percent,faults,test_size,loss\n"


def test_seeds_are_compared_each_for_itself_and_with_the_published_table(finished: Project, tiny: Tiny) -> None:
    published = finished.path / "config/mine.csv"
    rows = [f"digits,tanh,5,{rate},50,1,0.01,50.0,300,360,2.0\n" for rate in ("0.001", "0.004")]
    published.write_text(HEAD + "".join(rows))
    runs = finished.times("results/runs/**/*.h5")
    table = {"table": "mine.csv", "loss_divisor": {"digits": 360}}
    finished.run(tiny(axes={"seed": [0, 1]}, published=table))
    assert len(written(runs, finished.times("results/runs/**/*.h5"))) == 2  # those of seed 1
    tables = finished.path / "results/tiny/tables"
    results = pd.read_csv(tables / "results.csv")
    assert sorted(results[results.against_best == "best"].seed) == [0, 1]
    assert (results.accuracy_low < results.accuracy).all()
    assert "the choice saw the test set" in (tables / "results.md").read_text()
    seeds = pd.read_csv(tables / "seeds.csv")
    assert seeds.seeds.tolist() == [2, 2]
    assert seeds.faults_sd.notna().all()
    comparison = pd.read_csv(tables / "comparison.csv")
    assert comparison.seeds.tolist()[0] == 2
    assert comparison.verdict.tolist()[1] == "not run"
    assert (finished.path / "results/tiny/figures/comparison.svg").exists()


def test_with_a_validation_split_the_best_run_is_chosen_on_it(project: Project, tiny: Tiny) -> None:
    project.run(tiny(axes={"validation_size": 100, "epochs": 2}))
    results = pd.read_csv(project.path / "results/tiny/tables/results.csv")
    best = results[results.against_best == "best"]
    assert best.validation_faults.tolist() == [results.validation_faults.min()]
    text = (project.path / "results/tiny/tables/results.md").read_text()
    assert "by its faults on the validation split" in text
    assert "saw the test set" not in text


def test_the_published_best_stands_beside_ours_though_no_run_is_a_reproduction(finished: Project, tiny: Tiny) -> None:
    rows = [f"digits,tanh,5,{rate},50,1,0.01,50.0,{faults},360,2.0\n" for rate, faults in ((1, 90), (2, 72))]
    (finished.path / "config/mine.csv").write_text(HEAD + "".join(rows))
    table = {"table": "mine.csv", "loss_divisor": {"digits": 360}}
    finished.run(tiny(axes={"validation_size": 100}, published=table))
    tables = finished.path / "results/tiny/tables"
    assert not (tables / "comparison.csv").exists()
    best = pd.read_csv(tables / "best.csv")
    assert best.best_of.tolist() == ["network", "dataset"]
    assert best.published_accuracy.tolist() == [0.8, 0.8]
    assert best.chosen_on.tolist() == ["validation"] * 2
    assert best.validation_faults_mean.tolist() == [pd.read_csv(tables / "results.csv").validation_faults.min()] * 2
    # without a published table there is one side
    finished.run(tiny(axes={"validation_size": 100}, published={"table": None}))
    assert pd.read_csv(tables / "best.csv").published_faults.isna().all()
    assert "PUB " not in (tables / "best.md").read_text()


def test_an_experiment_in_which_every_run_diverged_has_its_tables(project: Project, tiny: Tiny) -> None:
    project.run(tiny(axes={"learning_rate": [1e30, 2e30], "epochs": 3}))
    seeds = pd.read_csv(project.path / "results/tiny/tables/seeds.csv")
    assert seeds.diverged.tolist() == [1, 1]
    assert seeds.faults_mean.isna().all()
    assert "all of ours diverged" in (project.path / "results/tiny/tables/best.md").read_text()
    assert (project.path / "results/tiny/figures/best.svg").exists()
