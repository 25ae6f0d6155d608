"""Tables over seeds, comparisons and best results, made by the whole workflow."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from .conftest import Project, written

#: each test makes many tables and figures, some of them twice
pytestmark = pytest.mark.slow

Tiny = Callable[..., dict[str, Any]]

HEAD = "dataset,activation,hidden_units,learning_rate,batch_size,epochs,l2,precision_percent,faults,test_size,loss\n"


def read(project: Project, *names: str) -> list[pd.DataFrame]:
    return [pd.read_csv(project.path / f"results/tiny/tables/{name}.csv") for name in names]


def test_runs_are_compared_within_a_seed_and_with_the_published_table(finished: Project, tiny: Tiny) -> None:
    rows = [f"digits,tanh,5,{rate},50,1,0.01,50.0,300,360,2.0\n" for rate in ("0.001", "0.004")]
    (finished.path / "config/mine.csv").write_text(HEAD + "".join(rows))
    runs = finished.times("results/runs/**/*.h5")
    table = {"table": "mine.csv", "loss_divisor": {"digits": 360}}
    finished.run(tiny(axes={"seed": [0, 1]}, published=table), "results/tiny/figures/comparison.svg")
    assert len(written(runs, finished.times("results/runs/**/*.h5"))) == 2  # the runs of seed 1
    results, seeds, comparison = read(finished, "results", "seeds", "comparison")
    assert sorted(results[results.against_best == "best"].seed) == [0, 1]
    assert seeds.seeds.tolist() == [2, 2]
    assert (comparison.seeds[0], comparison.verdict[1]) == (2, "not run")


def test_the_best_published_row_is_compared_with_our_best_setting(finished: Project, tiny: Tiny) -> None:
    rows = [f"digits,tanh,5,{rate},50,1,0.01,50.0,{faults},360,2.0\n" for rate, faults in ((1, 90), (2, 72))]
    (finished.path / "config/mine.csv").write_text(HEAD + "".join(rows))
    table = {"table": "mine.csv", "loss_divisor": {"digits": 360}}
    axes = {"validation_size": 100}  # so no run is a reproduction, and no comparison is made
    finished.run(tiny(axes=axes, published=table), "results/tiny/tables/best.csv")
    results, best = read(finished, "results", "best")
    assert best.published_accuracy.tolist() == [0.8, 0.8]
    assert best.chosen_on.tolist() == ["validation"] * 2
    assert best.validation_faults_mean.tolist() == [results.validation_faults.min()] * 2
    assert results[results.against_best == "best"].validation_faults.tolist() == [results.validation_faults.min()]
    # without a published table, the columns of the published row are empty
    finished.run(tiny(axes=axes, published={"table": None}), "results/tiny/tables/best.csv")
    assert read(finished, "best")[0].published_faults.isna().all()


def test_tables_and_page_exist_even_if_every_run_diverged(project: Project, tiny: Tiny) -> None:
    project.run(tiny(axes={"learning_rate": 1e30, "epochs": 3}))
    (seeds,) = read(project, "seeds")
    assert seeds.diverged.tolist() == [1]
    assert "The only run diverged" in " ".join((project.path / "results/tiny/summary.html").read_text().split())
    assert (project.path / "results/tiny/figures/confusion/digits.svg").exists()
