"""The speed comparison compares what is the same, and reports what was measured."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contenders
import speed_report
import summarize_jobs
from handgrad.common.sealed import sealed_file
from handgrad.network.model import Weights
from problem import DATASETS, Cell, Dataset, Images


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Images]:
    """Images of a few pixels that are treated like those of each dataset."""
    images = {}
    for name, real in DATASETS.items():
        dataset = Dataset(real.name, 1000, 12, real.pixels, real.batch_gradient)
        monkeypatch.setitem(DATASETS, name, dataset)
        images[name] = Images(dataset)
    return images


def weights_of(name: str, cell: Cell, images: Images) -> Weights:
    """The weights after two calls, of three and two batches."""
    train = contenders.CONTENDERS[name](cell, images)
    assert train is not None
    order = images.order(np.random.default_rng(0), 5)
    train(order[:3])
    weights = train(order[3:])
    assert weights is not None
    return weights


@pytest.mark.slow  # JAX compiles for each
@pytest.mark.parametrize("name", sorted({*contenders.CONTENDERS} - {"plain NumPy", "scikit-learn"}))
@pytest.mark.parametrize(
    ("activation", "dataset"), [("softplus", "mnist"), ("tanh", "cifar10"), ("cos", "mnist")], ids=str
)
def test_all_contenders_arrive_at_the_same_weights(
    name: str, dataset: str, activation: str, small: dict[str, Images]
) -> None:
    cell = Cell(dataset, activation, 7, "float64")
    expected = weights_of("plain NumPy", cell, small[dataset])
    for ours, theirs in zip(weights_of(name, cell, small[dataset]), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    first = cell.first_weights()
    assert all((after != before).any() for after, before in zip(expected, first, strict=True))


@pytest.mark.parametrize("layout", contenders.LAYOUTS, ids=str)
def test_the_bound_computes_the_two_large_products(
    layout: tuple[bool, bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    multiplied, matmul = [], np.matmul
    monkeypatch.setattr(np, "matmul", lambda a, b, out: multiplied.append((a @ b, matmul(a, b, out=out))))
    contenders.products(Cell("mnist", "tanh", 30, "float64"), layout)(np.empty((1, 1)))
    for expected, product in multiplied:
        np.testing.assert_allclose(product, expected, rtol=1e-12)
    assert {frozenset(product.shape) for _, product in multiplied} == {frozenset((100, 30)), frozenset((785, 30))}


def table() -> pd.DataFrame:
    """Two cells, in one of which scikit-learn takes no part; JAX is not installed."""
    return pd.DataFrame(
        {
            "dataset": ["MNIST", "MNIST"],
            "dtype": ["float32", "float32"],
            "activation": ["tanh", "cos"],
            "M": [100, 100],
            "handgrad": [1.0, 2.0],
            "PyTorch": [2.0, 16.0],
            "JAX": [np.nan, np.nan],
            "scikit-learn": [3.0, np.nan],
            "bound": [0.5, 1.62],
        }
    )


def test_the_report_gives_seconds_ratios_and_geometric_means(tmp_path: Path) -> None:
    text = speed_report.write_report(tmp_path, table(), "on what")
    assert text == (tmp_path / "speed.md").read_text()
    assert text.startswith("on what\n")
    assert "| MNIST | tanh | 100 | 1.000 | 2.000 (2.00) | not installed | 3.000 (3.00) | 0.500 (0.50) |" in text
    assert "| MNIST | cos | 100 | 2.000 | 16.000 (8.00) | not installed |  | 1.620 (0.81) |" in text
    assert "- PyTorch: 4.00 times handgrad (geometric mean), 2.00 to 8.00" in text
    assert "- scikit-learn: 3.00 times handgrad" in text
    assert "- the bound at M = 100: 0.64 of handgrad (geometric mean), 0.50 to 0.81" in text
    assert "JAX:" not in text
    assert len(pd.read_csv(tmp_path / "speed.csv")) == 2
    assert "<svg" in (tmp_path / "speed.svg").read_text()


def test_the_summary_of_jobs_sets_the_wall_time_beside_the_training_loops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"af_tanh_hu_{size}_lr_0.01_bs_20_ep_2_l2_0.01_seed_0" for size in (3, 4)]
    (tmp_path / "results/some/tables").mkdir(parents=True)
    pd.DataFrame({"dataset": "digits", "run": names}).to_csv("results/some/tables/results.csv")
    # two jobs of 3 s side by side, the second half a second later; the loop of each takes 2 s
    for end, name in zip((100.0, 100.5), names, strict=True):
        benchmark = tmp_path / f"results/benchmarks/train_run/digits/{name}.tsv"
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"s\tmax_rss\n3.0\t{end}\n")
        run = tmp_path / f"results/runs/digits/{name}.h5"
        run.parent.mkdir(parents=True, exist_ok=True)
        with sealed_file(run) as file:
            file["history/seconds"] = [0.5, 1.5]
            file.attrs["segments"] = json.dumps([{}])
        os.utime(run, (end, end))
    summarize_jobs.main("some", cores=2)
    said = capsys.readouterr().out
    assert "| digits | 2 | 2.0 | 1.00, 1.00 | 100 |" in said
    assert "last end: 3.5 s" in said
    assert "add up to 4.0 s, or 2.0 s on each of 2 cores: 1.750 of it." in said
